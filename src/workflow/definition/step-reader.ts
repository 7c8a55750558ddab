import { didYouMean } from "../../util/did-you-mean.js";
import type { CompiledCommon, CompiledRetry, CompiledStep, Template, Test } from "./compiled.js";
import { readCondition } from "./condition.js";
import { Fields } from "./fields.js";
import { CALL, CODE, TASK, VALUE } from "./kinds/calls.js";
import { MAP, PARALLEL, SEQUENCE, SWITCH, WHEN } from "./kinds/groups.js";
import type { ReadStep, ReadSteps, StepContext, StepKind } from "./kinds/step-context.js";
import { WAIT } from "./kinds/wait.js";
import { checkStepName } from "./names.js";
import { described, itemPath, type Problems, quote } from "./problems.js";
import type { Reach } from "./reach.js";
import { readRetry } from "./retry.js";
import { TaskNames } from "./task-names.js";
import { isPlain, type MappingReader, type ReadMapping, readMapping } from "./template.js";

/** What the steps of all tasks of a definition share. */
export interface StepSettings {
  readonly problems: Problems;
  /** Names of all tasks. */
  readonly tasks: ReadonlySet<string>;
  /** Names of the functions that were handed in; `undefined`: not known. */
  readonly code: ReadonlySet<string> | undefined;
  /** For calls and code that say nothing else. */
  readonly defaults: { readonly timeoutMs: number | undefined; readonly retry: CompiledRetry | undefined };
  /** How many more steps there may be. */
  readonly budget: { left: number };
}

/** The member that tells the kind of a step, in the order in which messages tell them. `steps` is of two kinds. */
const KINDS: ReadonlyMap<string, StepKind> = new Map([
  ["interface", CALL],
  ["code", CODE],
  ["task", TASK],
  ["value", VALUE],
  ["parallel", PARALLEL],
  ["map", MAP],
  ["when", WHEN],
  ["switch", SWITCH],
  ["wait", WAIT],
  ["steps", SEQUENCE],
]);

/** Members that tell what a step is. */
export const KIND_MEMBERS: readonly string[] = [...KINDS.keys()];

/** How many steps a definition may have, all tasks together. */
export const MAX_STEPS = 10_000;

const COMMON = ["name", "doc", "timeoutMs", "retry", "compensate"];
const MAX_DEPTH = 64;
/** 24 days: what a timer can do. */
const MAX_TRY = 2_147_483_647;
/** A hundred years. */
const MAX_TIME = 3_155_760_000_000;

type ReadNames = Pick<ReadStep, "names">;

/** Reads the steps of one task. */
export class StepReader implements StepContext {
  readonly problems: Problems;
  readonly task: string;
  readonly tasks: ReadonlySet<string>;
  readonly code: ReadonlySet<string> | undefined;
  readonly #called = new Map<string, string>();
  readonly #settings: StepSettings;
  readonly #names: TaskNames;

  /** @param params - what callers give; `undefined`: nobody knows */
  constructor(task: string, params: readonly string[] | undefined, settings: StepSettings) {
    this.task = task;
    this.problems = settings.problems;
    this.tasks = settings.tasks;
    this.code = settings.code;
    this.#settings = settings;
    this.#names = new TaskNames(settings.problems, params);
  }

  /** The tasks that it calls, with the place of the first call. */
  get called(): ReadonlyMap<string, string> {
    return this.#called;
  }

  /** Tells of what could not be found anywhere. */
  end(): void {
    this.#names.end();
  }

  calls(task: string, path: string): void {
    if (!this.#called.has(task)) this.#called.set(task, path);
  }

  mapping(fields: Fields, name: string, reach: Reach): ReadMapping | undefined {
    if (!fields.has(name)) return undefined;
    return readMapping(fields.get(name), fields.at(name), this.#readerAt(reach));
  }

  mappings(fields: Fields, name: string, reach: Reach): Template[] | undefined {
    const given = fields.get(name);
    if (given === undefined) return undefined;
    if (!Array.isArray(given)) {
      fields.problem(name, `is ${described(given)}`, "write a list of values; one alone is input");
      return undefined;
    }
    const reader = this.#readerAt(reach);
    return given.map((value, index) => readMapping(value, itemPath(fields.at(name), index), reader).template);
  }

  condition(fields: Fields, name: string, reach: Reach): Test {
    return readCondition(fields.get(name), fields.at(name), this.#readerAt(reach));
  }

  list(value: unknown, path: string, reach: Reach, depth: number): ReadSteps {
    if (!Array.isArray(value)) {
      const cure = isPlain(value) ? "put the step into brackets: a list of one" : "write a list of steps";
      this.problems.add(path, value === undefined ? "is missing" : `is ${described(value)}, not a list`, cure);
      return NO_STEPS;
    }
    if (value.length === 0) this.problems.add(path, "has no steps", "write at least one");
    const inner = reach.inner();
    const steps: CompiledStep[] = [];
    const names: string[] = [];
    for (const [index, item] of (value as unknown[]).entries()) {
      const read = this.#step(item, itemPath(path, index), String(index), inner, depth);
      inner.add(read.names);
      for (const name of read.names) names.push(name);
      if (read.step) steps.push(read.step);
    }
    return { steps, names };
  }

  branch(value: unknown, path: string, reach: Reach, depth: number): ReadSteps {
    if (Array.isArray(value)) return this.list(value, path, reach, depth);
    const read = this.#step(value, path, "0", reach, depth);
    return { steps: read.step ? [read.step] : [], names: read.names };
  }

  #readerAt(reach: Reach): MappingReader {
    return {
      problem: (path, message, cure) => {
        this.problems.add(path, message, cure);
      },
      reference: (path, reference) => {
        this.#names.check(reference, path, reach);
      },
    };
  }

  /** @returns without a step, and tells so, what makes no sense; its name is known all the same */
  #step(value: unknown, path: string, place: string, reach: Reach, depth: number): Partial<ReadStep> & ReadNames {
    const { budget } = this.#settings;
    if (--budget.left < 0) {
      if (budget.left === -1) {
        this.problems.add(path, `is step ${MAX_STEPS + 1} of the definition`, "make several definitions of it");
      }
      return NO_NAMES;
    }
    if (depth >= MAX_DEPTH) {
      this.problems.add(path, `stands in ${MAX_DEPTH} steps`, "make a task of it, and call that");
      return NO_NAMES;
    }
    const fields = Fields.of(value, path, "a step", this.problems);
    if (!fields) return NO_NAMES;
    const kind = this.#kindOf(fields);
    const name = this.#nameOf(fields);
    const own = name === undefined ? [] : [name];
    if (!kind) return { names: own };
    const key = place === COMPENSATE ? COMPENSATE : (name ?? place);
    const common = this.#common(fields, key, name, kind);
    const { step, names } = kind.read({ fields, reach, depth, common }, this);
    if (name !== undefined) this.#names.close(name);
    const seen = [...own, ...names];
    const compensate = this.#compensate(fields, seen, reach, depth);
    return { step: compensate ? { ...step, compensate } : step, names: seen };
  }

  #kindOf(fields: Fields): StepKind | undefined {
    const names = fields.names();
    const found = KIND_MEMBERS.filter((name) => names.includes(name) && (name !== "steps" || !names.includes("map")));
    const [name = ""] = found;
    const kind = KINDS.get(name);
    if (kind && found.length === 1) {
      fields.allow([...kind.members, ...COMMON], kind.what);
      return kind;
    }
    if (kind) {
      this.problems.add(fields.path, `is of several kinds: ${found.join(", ")}`, "make a step of each");
    } else if (names.includes("service") || names.includes("method")) {
      this.problems.add(fields.path, "calls a method, but of no interface", "name the interface");
    } else {
      const near = names.map((one) => [one, didYouMean(one, KIND_MEMBERS)] as const).find(([, hint]) => hint !== "");
      const hint = near && !COMMON.includes(near[0]) ? `: it has ${quote(near[0])}${near[1]}` : "";
      this.problems.add(fields.path, `is of no kind${hint}`, `give it one of ${KIND_MEMBERS.join(", ")}`);
    }
    return undefined;
  }

  #nameOf(fields: Fields): string | undefined {
    const given = fields.get("name");
    if (given === undefined) return undefined;
    const path = fields.at("name");
    if (typeof given !== "string") {
      fields.problem("name", `is ${described(given)}`, "write a text");
      return undefined;
    }
    return checkStepName(given, path, this.problems) && this.#names.open(given, fields.path) ? given : undefined;
  }

  #common(fields: Fields, key: string, name: string | undefined, kind: StepKind): CompiledCommon {
    const isTry = kind.timeoutMs !== undefined;
    const { defaults } = this.#settings;
    const own = fields.number("timeoutMs", { min: 0, max: isTry ? MAX_TRY : MAX_TIME, above: true });
    const retry = readRetry(fields.get("retry"), fields.at("retry"), this.problems);
    return {
      key,
      name,
      doc: fields.doc("doc"),
      timeoutMs: own ?? (isTry ? (defaults.timeoutMs ?? kind.timeoutMs) : undefined),
      retry: retry ?? (isTry ? defaults.retry : undefined),
      compensate: undefined,
    };
  }

  #compensate(fields: Fields, names: readonly string[], reach: Reach, depth: number): CompiledStep | undefined {
    if (!fields.has("compensate")) return undefined;
    if (reach.undoes || reach.closes) {
      const where = reach.undoes ? "compensate" : "finally";
      fields.problem("compensate", `stands in ${where}, which is never undone`, "remove it");
      return undefined;
    }
    const undoing = reach.ofUndoing();
    undoing.add(names);
    return this.#step(fields.get("compensate"), fields.at("compensate"), COMPENSATE, undoing, depth + 1).step;
  }
}

const COMPENSATE = "compensate";
const NO_STEPS: ReadSteps = { steps: [], names: [] };
const NO_NAMES: ReadNames = { names: [] };

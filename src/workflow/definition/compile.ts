import { didYouMean } from "../../util/did-you-mean.js";
import type { CompiledTask, CompiledWorkflow } from "./compiled.js";
import type { ScheduleDefinition, WorkflowDefinition } from "./definition.js";
import { Fields } from "./fields.js";
import { readFinally } from "./kinds/groups.js";
import { checkAnyName, checkTaskName } from "./names.js";
import { memberPath, Problems, quote } from "./problems.js";
import { Reach } from "./reach.js";
import { readRetry } from "./retry.js";
import { readSchedule } from "./schedule.js";
import { KIND_MEMBERS, MAX_STEPS, StepReader, type StepSettings } from "./step-reader.js";
import { isPlain } from "./template.js";

/** What is known besides the definition. */
export interface CompileOptions {
  /** Where it was read from, for messages. */
  readonly file?: string | undefined;
  /** Names of the functions that were handed in; default: not known, and not checked. */
  readonly code?: Iterable<string> | undefined;
  /** Names of tasks that there are besides those of the definition, so that its tasks may call them; default none. */
  readonly tasks?: Iterable<string> | undefined;
}

/**
 * Reads a definition, and checks all of it: what stands there, and whether it can ever work.
 *
 * @param source - as of {@link WorkflowDefinition}; it is kept as it is, and must not be changed afterwards
 * @throws DefinitionError with all that is wrong with it
 */
export function compileWorkflow(source: unknown, options: CompileOptions = {}): CompiledWorkflow {
  const problems = new Problems(options.file);
  const tasks = new Map<string, CompiledTask>();
  const schedules = new Map<string, ScheduleDefinition>();
  const fields = Fields.of(source, "", 'a definition, { "tasks": { … } },', problems);
  if (fields) {
    fields.allow(["tasks", "schedules", "defaults"], "a definition");
    const given = membersOf(fields, "tasks", MAX_TASKS, problems);
    if (!fields.has("tasks")) fields.problem("tasks", "is missing", 'write { "tasks": { "NAME": [ … ] } }');
    const names = new Set([...given.keys(), ...(options.tasks ?? [])]);
    const settings: StepSettings = {
      problems,
      tasks: names,
      code: options.code && new Set(options.code),
      defaults: readDefaults(fields, NO_DEFAULTS, problems),
      budget: { left: MAX_STEPS },
    };
    const calls = new Map<string, ReadonlyMap<string, string>>();
    for (const [name, value] of given) {
      const path = memberPath("tasks", name);
      if (!checkTaskName(name, path, problems)) continue;
      const { task, called } = readTask(name, value, path, settings);
      tasks.set(name, task);
      calls.set(name, called);
    }
    tellCycles(calls, problems);
    for (const [name, value] of membersOf(fields, "schedules", MAX_SCHEDULES, problems)) {
      const path = memberPath("schedules", name);
      if (!checkAnyName(name, path, problems, "schedule")) continue;
      const schedule = readSchedule(value, path, names, problems);
      if (schedule) schedules.set(name, schedule);
    }
  }
  problems.throwIfAny();
  return { source: source as WorkflowDefinition, tasks, schedules };
}

const MAX_TASKS = 1000;
const MAX_SCHEDULES = 1000;
const MAX_PARAMS = 100;

/** The members of an object of named things. */
function membersOf(fields: Fields, name: string, limit: number, problems: Problems): ReadonlyMap<string, unknown> {
  if (!fields.has(name)) return new Map();
  const members = Fields.of(fields.get(name), fields.at(name), `${name} by name,`, problems);
  if (!members) return new Map();
  const names = members.names();
  if (names.length > limit) {
    fields.problem(name, `has ${names.length} members`, `write at most ${limit}, and make several definitions of it`);
    return new Map();
  }
  return new Map(names.map((one) => [one, members.get(one)]));
}

/** @param general - for what the object says nothing of */
function readDefaults(fields: Fields, general: ReadDefaults, problems: Problems): ReadDefaults {
  if (!fields.has("defaults")) return general;
  const path = fields.at("defaults");
  const defaults = Fields.of(fields.get("defaults"), path, "defaults", problems);
  if (!defaults) return general;
  defaults.allow(["timeoutMs", "retry"], "defaults");
  return {
    timeoutMs: defaults.number("timeoutMs", { min: 0, max: 2_147_483_647, above: true }) ?? general.timeoutMs,
    retry: readRetry(defaults.get("retry"), defaults.at("retry"), problems) ?? general.retry,
  };
}

type ReadDefaults = StepSettings["defaults"];

const NO_DEFAULTS: ReadDefaults = { timeoutMs: undefined, retry: undefined };

interface ReadTask {
  readonly task: CompiledTask;
  /** Names of the tasks that it calls, and where. */
  readonly called: ReadonlyMap<string, string>;
}

function readTask(name: string, value: unknown, path: string, settings: StepSettings): ReadTask {
  const { problems } = settings;
  const isObject = isPlain(value);
  const fields = new Fields(isObject ? value : { steps: value }, path, problems);
  const kind = KIND_MEMBERS.find((member) => member !== "steps" && fields.has(member));
  if (kind === undefined) {
    fields.allow(["doc", "params", "optional", "steps", "finally", "result", "timeoutMs", "defaults"], "a task");
  } else problems.add(path, `is a step, for it has ${kind}`, "put it into brackets: a list of one");
  const { params, optional } = readParams(fields);
  const defaults = readDefaults(fields, settings.defaults, problems);
  const reader = new StepReader(name, params, { ...settings, defaults });
  const reach = Reach.ofTask();
  const { steps, names } =
    kind === undefined ? reader.list(fields.get("steps"), isObject ? fields.at("steps") : path, reach, 0) : NO_STEPS;
  const end = readFinally(fields, reach, names, 0, reader);
  const done = reach.inner();
  done.add(names);
  const result = reader.mapping(fields, "result", done)?.template;
  reader.end();
  const timeoutMs = fields.number("timeoutMs", { min: 0, max: MAX_TIME, above: true });
  const task = { name, doc: fields.doc("doc"), params, optional, steps, finally: end, result, timeoutMs };
  return { task, called: reader.called };
}

const NO_STEPS = { steps: [], names: [] };
/** A hundred years, in milliseconds. */
const MAX_TIME = 3_155_760_000_000;

function readParams(fields: Fields): Pick<CompiledTask, "params" | "optional"> {
  const params = fields.texts("params", "names");
  const optional = fields.texts("optional", "names") ?? [];
  if (params && params.length > MAX_PARAMS) {
    fields.problem("params", `has ${params.length} names`, `write at most ${MAX_PARAMS}`);
  }
  for (const name of params ?? []) fields.checkName("params", name, "parameter");
  for (const name of optional) {
    if (params?.includes(name)) continue;
    const near = didYouMean(name, params ?? []);
    fields.problem("optional", `${quote(name)} is none of the params${near}`, "add it to params, or remove it");
  }
  const known = params ?? [];
  const first = known.findIndex((name) => optional.includes(name));
  const behind = first < 0 ? undefined : known.slice(first).find((name) => !optional.includes(name));
  if (behind !== undefined) {
    const message = `${quote(behind)}, which is required, stands behind ${quote(known[first] ?? "")}, which is optional`;
    fields.problem("params", message, "write those that may be left out at the end");
  }
  return { params, optional };
}

/** Tells of tasks that call themselves, each circle once. */
function tellCycles(calls: ReadonlyMap<string, ReadonlyMap<string, string>>, problems: Problems): void {
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (task: string): void => {
    way.push(task);
    for (const [next, path] of calls.get(task) ?? []) {
      const begin = way.indexOf(next);
      if (begin >= 0) {
        const circle = [...way.slice(begin), next].join(" -> ");
        problems.add(path, `the task calls itself: ${circle}`, "take one of the calls out of the circle");
      } else if (!done.has(next)) visit(next);
    }
    way.pop();
    done.add(task);
  };
  for (const task of calls.keys()) {
    if (!done.has(task)) visit(task);
  }
}

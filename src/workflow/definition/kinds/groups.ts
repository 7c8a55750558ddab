import type {
  CompiledMap,
  CompiledParallel,
  CompiledSequence,
  CompiledStep,
  CompiledSwitch,
  CompiledWhen,
  Template,
} from "../compiled.js";
import type { Fields } from "../fields.js";
import { checkAnyName, checkBranchName } from "../names.js";
import { described, itemPath, memberPath } from "../problems.js";
import type { Reach } from "../reach.js";
import { isPlain } from "../template.js";
import type { ReadStep, ReadSteps, StepContext, StepKind } from "./step-context.js";

/** Steps one after the other. */
export const SEQUENCE: StepKind = {
  what: "a step with steps",
  members: ["steps", "finally"],
  read({ fields, reach, depth, common }, context): ReadStep<CompiledSequence> {
    const { steps, names } = context.list(fields.get("steps"), fields.at("steps"), reach, depth + 1);
    const end = readFinally(fields, reach, names, depth, context);
    return { step: { ...common, kind: "steps", steps, finally: end }, names };
  },
};

/** Branches side by side. */
export const PARALLEL: StepKind = {
  what: "a step with branches",
  members: ["parallel"],
  read({ fields, reach, depth, common }, context): ReadStep<CompiledParallel> {
    const given = fields.get("parallel");
    const path = fields.at("parallel");
    const isList = Array.isArray(given);
    const branches = new Map<string, readonly CompiledStep[]>();
    const names: string[] = [];
    const add = (key: string, value: unknown, at: string): void => {
      const read = context.branch(value, at, reach, depth + 1);
      branches.set(key, read.steps);
      names.push(...read.names);
    };
    const cure = "write an object of branches, or a list of them";
    if (isList) {
      for (const [index, value] of (given as unknown[]).entries()) add(String(index), value, itemPath(path, index));
    } else if (isPlain(given)) {
      for (const [key, value] of Object.entries(given)) {
        const at = memberPath(path, key);
        if (value !== undefined && checkBranchName(key, at, context.problems)) add(key, value, at);
      }
    } else fields.problem("parallel", `is ${described(given)}`, cure);
    if (isEmpty(given)) fields.problem("parallel", "has no branches", cure);
    return { step: { ...common, kind: "parallel", branches, isList }, names };
  },
};

/** The same for each of a list. */
export const MAP: StepKind = {
  what: "a map",
  members: ["map", "steps", "concurrency"],
  read({ fields, reach, depth, common }, context): ReadStep<CompiledMap> {
    const list = context.mapping(fields, "map", reach);
    if (list?.constant && !Array.isArray(list.value) && typeof fields.get("map") !== "object") {
      fields.problem("map", `is ${described(list.value)}, not a list`, "refer to one, such as ${input.items}");
    }
    const { steps } = context.list(fields.get("steps"), fields.at("steps"), reach.ofEach(), depth + 1);
    const concurrency = fields.number("concurrency", { min: 1, max: 1000, integer: true }) ?? 10;
    return { step: { ...common, kind: "map", list: list?.template ?? nothing, steps, concurrency }, names: [] };
  },
};

/** One way or the other. */
export const WHEN: StepKind = {
  what: "a when",
  members: ["when", "then", "else"],
  read({ fields, reach, depth, common }, context): ReadStep<CompiledWhen> {
    const when = context.condition(fields, "when", reach);
    if (!fields.has("then")) fields.problem("then", "is missing", "write what is done if the condition holds");
    const yes = readWay(fields, "then", reach, depth, context);
    const no = readWay(fields, "else", reach, depth, context);
    const step: CompiledWhen = { ...common, kind: "when", when, then: yes?.steps ?? [], else: no?.steps };
    return { step, names: [...(yes?.names ?? []), ...(no?.names ?? [])] };
  },
};

/** One of several ways. */
export const SWITCH: StepKind = {
  what: "a switch",
  members: ["switch", "cases", "default"],
  read({ fields, reach, depth, common }, context): ReadStep<CompiledSwitch> {
    const on = context.mapping(fields, "switch", reach)?.template ?? nothing;
    const given = fields.get("cases");
    const cases = new Map<string, readonly CompiledStep[]>();
    const names: string[] = [];
    if (isPlain(given)) {
      for (const [key, value] of Object.entries(given)) {
        const at = memberPath(fields.at("cases"), key);
        if (value === undefined || !checkAnyName(key, at, context.problems, "case")) continue;
        const read = context.branch(value, at, reach, depth + 1);
        cases.set(key, read.steps);
        names.push(...read.names);
      }
    }
    if (!isPlain(given))
      fields.problem("cases", `is ${described(given)}`, "write an object with a case for each value");
    else if (isEmpty(given)) fields.problem("cases", "has no cases", "write one for each value");
    const other = readWay(fields, "default", reach, depth, context);
    names.push(...(other?.names ?? []));
    return { step: { ...common, kind: "switch", on, cases, default: other?.steps }, names };
  },
};

/**
 * Reads what is done in any case.
 *
 * @param names - of the steps before, which may be done
 */
export function readFinally(
  fields: Fields,
  reach: Reach,
  names: readonly string[],
  depth: number,
  context: StepContext,
): readonly CompiledStep[] {
  const value = fields.get("finally");
  if (value === undefined) return [];
  const closing = reach.ofClosing();
  closing.add(names);
  return context.list(value, fields.at("finally"), closing, depth + 1).steps;
}

const nothing: Template = () => null;

function readWay(
  fields: Fields,
  name: string,
  reach: Reach,
  depth: number,
  context: StepContext,
): ReadSteps | undefined {
  return fields.has(name) ? context.branch(fields.get(name), fields.at(name), reach, depth + 1) : undefined;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

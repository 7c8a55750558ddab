import type { CompiledWait, CompiledWaitFor, Template } from "../compiled.js";
import { Fields } from "../fields.js";
import { described, quote } from "../problems.js";
import type { ReadStep, StepContext, StepKind, StepPlace } from "./step-context.js";

/** Waits. */
export const WAIT: StepKind = {
  what: "a wait",
  members: ["wait", "onTimeout"],
  read(place, context): ReadStep<CompiledWait> {
    const { fields, common } = place;
    const waitFor = readFor(place, context) ?? { kind: "time", forMs: zero };
    const onTimeout = fields.choice("onTimeout", ["fail", "continue"]);
    const isClock = waitFor.kind === "time" || waitFor.kind === "moment";
    if (isClock && common.timeoutMs !== undefined) {
      fields.problem("timeoutMs", "the wait ends by itself", "remove it");
    } else if (onTimeout !== undefined && common.timeoutMs === undefined) {
      fields.problem("onTimeout", "there is no time-out", "give the step a timeoutMs, or remove it");
    }
    return { step: { ...common, kind: "wait", for: waitFor, onTimeout: onTimeout ?? "fail" }, names: [] };
  },
};

type ReadFor = (fields: Fields, place: StepPlace, context: StepContext) => CompiledWaitFor;

const KINDS: ReadonlyMap<string, { readonly also: readonly string[]; readonly read: ReadFor }> = new Map([
  ["forMs", { also: [], read: readTime }],
  ["until", { also: [], read: readMoment }],
  ["event", { also: ["key"], read: readEvent }],
  ["published", { also: ["topic"], read: readPublished }],
  ["approval", { also: ["choices"], read: readApproval }],
]);

function readFor(place: StepPlace, context: StepContext): CompiledWaitFor | undefined {
  const path = place.fields.at("wait");
  const fields = Fields.of(place.fields.get("wait"), path, "what it waits for", context.problems);
  if (!fields) return undefined;
  const kinds = [...KINDS.keys()].filter((kind) => fields.has(kind));
  const [name = ""] = kinds;
  const kind = KINDS.get(name);
  if (!kind || kinds.length > 1) {
    const message = kind ? `waits for ${kinds.join(" and ")}` : "waits for nothing";
    if (!kind) fields.allow([...KINDS.keys()], "a wait");
    context.problems.add(path, message, `write one of ${[...KINDS.keys()].join(", ")}`);
    return undefined;
  }
  fields.allow([name, ...kind.also], `a wait with ${name}`);
  return kind.read(fields, place, context);
}

function readTime(fields: Fields, { reach }: StepPlace, context: StepContext): CompiledWaitFor {
  const read = context.mapping(fields, "forMs", reach);
  if (read?.constant && !(typeof read.value === "number" && read.value >= 0 && read.value <= MAX_TIME)) {
    fields.problem("forMs", `is ${described(read.value)}`, `write milliseconds, from 0 to ${MAX_TIME}`);
  }
  return { kind: "time", forMs: read?.template ?? zero };
}

function readMoment(fields: Fields, { reach }: StepPlace, context: StepContext): CompiledWaitFor {
  const read = context.mapping(fields, "until", reach);
  if (read?.constant && !isMoment(read.value)) {
    fields.problem(
      "until",
      `is ${described(read.value)}`,
      "write a moment such as 2030-01-31T12:00:00Z, or milliseconds",
    );
  }
  return { kind: "moment", until: read?.template ?? zero };
}

function readEvent(fields: Fields, { reach }: StepPlace, context: StepContext): CompiledWaitFor {
  return { kind: "event", event: fields.text("event") ?? "", key: context.mapping(fields, "key", reach)?.template };
}

function readPublished(fields: Fields, { reach }: StepPlace, context: StepContext): CompiledWaitFor {
  const name = fields.text("published") ?? "";
  if (/\s/.test(name))
    fields.problem("published", `${quote(name)} has blanks in it`, "write the interface of a publisher");
  return { kind: "published", interface: name, topic: context.mapping(fields, "topic", reach)?.template };
}

function readApproval(fields: Fields, { reach }: StepPlace, context: StepContext): CompiledWaitFor {
  const choices = fields.texts("choices", "answers");
  if (choices?.length === 0)
    fields.problem("choices", "has no choices", "write some, or remove it: then any answer will do");
  const read = context.mapping(fields, "approval", reach);
  if (read?.constant && (typeof read.value !== "string" || read.value.trim() === "")) {
    fields.problem("approval", `is ${described(read.value)}`, "write the question as a text");
  }
  return { kind: "approval", text: read?.template ?? ((): unknown => ""), choices };
}

/** A hundred years. */
const MAX_TIME = 3_155_760_000_000;

const zero: Template = () => 0;

function isMoment(value: unknown): boolean {
  if (typeof value === "number") return value >= 0;
  return typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value));
}

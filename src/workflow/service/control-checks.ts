import { BadRequestError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import { type RunFilter, type RunState } from "../run.js";
import { requireRunId } from "./run-id.js";

/** All of them. */
const STATES: readonly RunState[] = ["running", "waiting", "asking", "undoing", "completed", "failed", "cancelled"];

/**
 * The id of a run among the arguments of a method.
 *
 * @throws BadRequestError for what cannot be one
 */
export function readRun(value: unknown): string {
  return requireRunId(value, "args.run");
}

/** As {@link readRun}, of one that may be left out. */
export function readOptionalRun(value: unknown, name = "run"): string | undefined {
  return value === undefined || value === null ? undefined : requireRunId(value, `args.${name}`);
}

/**
 * A text among the arguments of a method.
 *
 * @param limit - of its length
 * @throws BadRequestError for what is none, or empty, or too long
 */
export function readText(value: unknown, name: string, limit = 200): string {
  if (typeof value === "string" && value !== "" && value.length <= limit) return value;
  throw refusal(`args.${name} is a text of 1 to ${limit} characters, got ${describe(value)}`);
}

/** As {@link readText}, of one that may be left out. */
export function readOptionalText(value: unknown, name: string, limit?: number): string | undefined {
  return value === undefined || value === null ? undefined : readText(value, name, limit);
}

/**
 * A whole number among the arguments of a method that may be left out.
 *
 * @throws BadRequestError for what is none, or out of its range
 */
export function readInteger(value: unknown, name: string, least: number, most: number): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw refusal(`args.${name} is a whole number ${range}, got ${describe(value)}`);
}

/**
 * How long to wait, in milliseconds; default as long as it may take.
 *
 * @throws BadRequestError for what is no number above 0
 */
export function readTimeout(value: unknown): number {
  if (value === undefined || value === null) return Infinity;
  if (typeof value === "number" && value > 0) return value;
  throw refusal(`args.timeoutMs is a number above 0, got ${describe(value)}`);
}

/**
 * Which runs to list.
 *
 * @throws BadRequestError for what makes no sense
 */
export function readFilter(args: Readonly<Record<keyof RunFilter, unknown>>): RunFilter {
  const { task, state, since, before, limit, after } = args;
  return {
    task: readOptionalText(task, "task"),
    state: readStates(state),
    since: readMoment(since, "since"),
    before: readMoment(before, "before"),
    limit: readInteger(limit, "limit", 1, 1_000) ?? 100,
    after: readOptionalRun(after, "after"),
  };
}

function readStates(value: unknown): readonly RunState[] | undefined {
  if (value === undefined || value === null) return undefined;
  const states: readonly unknown[] = Array.isArray(value) ? value : [value];
  return states.map((one) => {
    const state = STATES.find((known) => known === one);
    if (state) return state;
    const hint = typeof one === "string" ? didYouMean(one, STATES) : "";
    throw refusal(`args.state is one or several of ${STATES.join(", ")}, got ${describe(one)}${hint}`);
  });
}

function readMoment(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw refusal(`args.${name} is a number of milliseconds since 1970, got ${describe(value)}`);
}

function refusal(message: string): BadRequestError {
  return new BadRequestError(message, { outcome: "not-executed" });
}

function describe(value: unknown): string {
  if (typeof value === "string") return value.length > 50 ? `${value.length} characters` : JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

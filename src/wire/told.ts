import type { ErrorCode, Outcome } from "../errors.js";

/** Codes that an answer may bring; the others exist on the calling side only. */
const TELLABLE: ReadonlySet<unknown> = new Set<ErrorCode>([
  "UNKNOWN",
  "METHOD_NOT_FOUND",
  "SERVICE_NOT_FOUND",
  "BAD_REQUEST",
  "ACCESS_DENIED",
  "SESSION_EXPIRED",
  "UNAVAILABLE",
  "TIMEOUT",
  "CANCELLED",
  "OVERLOADED",
  "DRAINING",
  "TOO_LARGE",
  "REFERENCE_LOST",
]);
const OUTCOMES: ReadonlySet<unknown> = new Set<Outcome>(["not-executed", "executed", "unknown"]);

/** A code that came with an answer; `undefined` for anything that is none. */
export function toldCode(value: unknown): ErrorCode | undefined {
  return TELLABLE.has(value) ? (value as ErrorCode) : undefined;
}

/** An outcome that came with an answer; `undefined` for anything that is none. */
export function toldOutcome(value: unknown): Outcome | undefined {
  return OUTCOMES.has(value) ? (value as Outcome) : undefined;
}

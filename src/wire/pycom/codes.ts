import type { ErrorCode, Outcome } from "../../errors.js";

/** PyCOM's numbers (docs/pycom-wire.md, section 5) as codes of this package. */
const CODES: readonly (ErrorCode | undefined)[] = [
  undefined,
  "UNKNOWN",
  "METHOD_NOT_FOUND",
  "SERVICE_NOT_FOUND",
  "BAD_REQUEST",
  "ACCESS_DENIED",
  "SESSION_EXPIRED",
];

/** The code of a number from the wire; a service's own numbers are `UNKNOWN`. */
export function codeOfNumber(number: number): ErrorCode {
  return CODES[number] ?? "UNKNOWN";
}

/** What a bare number says of the execution: codes 2 to 6 refuse a call, anything else is raised by a method. */
export function outcomeOfNumber(number: number): Outcome {
  return number >= 2 && number <= 6 ? "not-executed" : "executed";
}

/**
 * Extension by which a host tells of an error what PyCOM's JSON has no member for: `{ code?, outcome? }`. PyCOM's clients
 * ignore extensions that they do not know.
 */
export const LAMPLIGHTER_EXTENSION = "lamplighter";

/** The first frame of every request. */
export const CALL = "CALL";
/** The first frame of every answer but a breakdown. */
export const OK = "OK";
/** The first frame of the answer to a breakdown. */
export const FAIL = "FAIL";
/** `version` of every request; never checked, never answered. */
export const VERSION = "1.0";

import { createHash, randomUUID } from "node:crypto";
import { BadRequestError } from "../../errors.js";
import type { ServerCall } from "../../peer/call-context.js";
import { RUN_EXTENSION } from "../control.js";

/**
 * The id of the run that a call of a task begins, the same in all tries of the call: what its caller says, else what the call is named by. Callers
 * of wires that do not name calls, and say nothing, begin a run with every try.
 *
 * @throws BadRequestError for one that cannot be
 */
export function runIdOf(call: ServerCall): string {
  const given = call.extensions[RUN_EXTENSION];
  if (given !== undefined && given !== null) return requireRunId(given, `The extension ${RUN_EXTENSION}`);
  if (!call.isRepeatable) return randomUUID();
  // Names of calls are secrets of their callers, and ids of runs are told to whoever may list them.
  return `call-${createHash("sha256").update(call.callId).digest("base64url").slice(0, HASH_LENGTH)}`;
}

/**
 * An id that came from outside.
 *
 * @throws BadRequestError unless it has 1 to 200 printable characters
 */
export function requireRunId(value: unknown, what: string): string {
  if (typeof value === "string" && PRINTABLE.test(value)) return value;
  const got = typeof value === "string" ? JSON.stringify(value.slice(0, 50)) : `a ${typeof value}`;
  throw new BadRequestError(`${what} is the id of a run: 1 to 200 printable characters, got ${got}`, {
    outcome: "not-executed",
  });
}

/** Spaces only inside; neither control characters nor halves of surrogates. */
const PRINTABLE = /^(?=.{1,200}$)[^\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u;
/** 128 bits and more. */
const HASH_LENGTH = 24;

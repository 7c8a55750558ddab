import { type ErrorCode, type Outcome, type RemoteErrorInfo, RpcError, rpcError } from "../errors.js";
import type { CallMessage, ErrorMessage } from "../wire/message.js";
import type { ServerCall } from "./call-context.js";
import { describeRegistered } from "./error-classes.js";
import { ToldFailure } from "./once/told-failure.js";

/**
 * What callers are told of an exception of a method that is no {@link RpcError} and of no registered class: a fixed text, its
 * name and message, or its stack as well. Wires that have only a text carry only the message.
 */
export type ErrorPolicy = "hidden" | "message" | "stack";

/** What every caller is told of an exception that is no {@link RpcError}: nothing of it leaks. */
const HIDDEN = "Unknown error during request";

/** Why a call is not begun whose deadline has passed before. */
export function expired(): RpcError {
  return rpcError("TIMEOUT", "The deadline passed before the method was begun", { outcome: "not-executed" });
}

/** The answer to a call of a reference that is held no more. */
export function lostReferenceAnswer(message: CallMessage): ErrorMessage {
  const text = "The reference was released, or never given";
  return failureAnswer(message, rpcError("REFERENCE_LOST", text, { outcome: "not-executed" }));
}

/**
 * The answer to whichever call, to be given its number when it is sent.
 *
 * @param outcome - what is known of the call, whoever knows it
 */
export function errorAnswer(error: unknown, outcome: Outcome, policy?: ErrorPolicy): ErrorMessage {
  return { kind: "error", id: 0, outcome, tellOutcome: true, ...failureOf(error, policy) };
}

/** The answer that tells of an error, without extensions; codes that make no sense to a caller elsewhere become `UNKNOWN`. */
export function failureAnswer(
  message: CallMessage,
  error: unknown,
  call?: ServerCall,
  policy?: ErrorPolicy,
): ErrorMessage {
  return {
    kind: "error",
    id: message.id,
    outcome: call?.started ? "executed" : "not-executed",
    ...(error instanceof ToldFailure ? error.told : failureOf(error, policy)),
    tellOutcome: message.timeoutMs !== undefined,
    sessionId: call?.session?.id,
  };
}

/** A method that minds its signal fails when that fires; the reason for that is the better news. */
export function reasonOf(call: ServerCall | undefined, error: unknown): unknown {
  return RpcError.isRpcError(error) || error instanceof ToldFailure ? error : (call?.abortReason ?? error);
}

/**
 * What others are told of an error: codes that make no sense elsewhere become `UNKNOWN`; of exceptions that are neither ours
 * nor of a registered class as much as the policy allows.
 */
export function failureOf(
  error: unknown,
  policy: ErrorPolicy = "hidden",
): Pick<ErrorMessage, "code" | "number" | "remote"> {
  if (RpcError.isRpcError(error)) {
    const code = LOCAL_CODES.has(error.code) ? "UNKNOWN" : error.code;
    return { code, number: error.number, remote: { message: error.message } };
  }
  return { code: "UNKNOWN", number: 1, remote: describeRegistered(error) ?? describeException(error, policy) };
}

function describeException(error: unknown, policy: ErrorPolicy): RemoteErrorInfo {
  if (policy === "hidden" || !(error instanceof Error)) return { message: HIDDEN };
  const { name, message, stack } = error;
  return { name, message, ...(policy === "stack" && stack !== undefined && { stack }) };
}

const LOCAL_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["PROTOCOL", "CONFIGURATION", "CLOSED"]);

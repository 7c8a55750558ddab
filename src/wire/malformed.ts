import type { ErrorCode } from "../errors.js";
import type { CallId } from "./message.js";
import { MalformedMessageError } from "./wire.js";

/** A call that cannot be read: its caller is told why it was not carried out. */
export function unreadableCall(id: CallId, code: ErrorCode, number: number, message: string): MalformedMessageError {
  const remote = { message };
  return new MalformedMessageError(message, { kind: "error", id, code, number, outcome: "not-executed", remote });
}

/** An answer that names its call and says nothing readable: the call is settled with it. */
export function unreadableAnswer(id: number, message: string): MalformedMessageError {
  const remote = { message };
  return new MalformedMessageError(message, {
    kind: "error",
    id,
    code: "PROTOCOL",
    number: 1,
    outcome: "unknown",
    remote,
  });
}

import { BadRequestError, type RpcErrorOptions, rpcError } from "../../errors.js";
import type {
  AnswerMessage,
  CallId,
  CallMessage,
  CallTiming,
  ErrorMessage,
  Extensions,
  Message,
  OutgoingFrames,
} from "../message.js";
import type { WireLimits } from "../wire.js";
import { findUncarryable } from "./carry.js";
import { CALL, codeOfNumber, FAIL, LAMPLIGHTER_EXTENSION, OK, outcomeOfNumber, VERSION } from "./codes.js";

const EMPTY = new Uint8Array(0);

/** Encodes a call or an answer. See {@link Codec.encode}. */
export function encode(message: Message, limits: WireLimits): OutgoingFrames {
  return message.kind === "call" ? encodeCall(message, limits) : encodeAnswer(message, limits);
}

/**
 * ```text
 * callId | "" | "CALL" | {"version","interface","method","args","session_id"?,"extensions"?} | attachment?
 * ```
 * Everything up to the empty frame is return address; the server echoes it, which makes answers matchable.
 */
function encodeCall(call: CallMessage, limits: WireLimits): OutgoingFrames {
  const args = call.args === undefined ? null : call.args;
  const where = { interface: call.interface, method: call.method };
  const uncarryable = findUncarryable(args, "args");
  if (uncarryable) {
    throw new BadRequestError(
      `The arguments of ${call.interface}.${call.method} cannot travel as JSON: ` +
        `${uncarryable.path} is ${uncarryable.what}`,
      where,
    );
  }
  let json = `{"version":"${VERSION}","interface":${JSON.stringify(call.interface)},"method":${JSON.stringify(
    call.method,
  )},"args":${JSON.stringify(args)}`;
  if (call.sessionId !== undefined) json += `,"session_id":${JSON.stringify(call.sessionId)}`;
  json += call.timing ? timedExtensions(call.timing, call.extensions) : extensionsMember(call.extensions);
  json += "}";
  checkSize("The call of", json, call.attachment, limits, where);
  const frames = [...envelope(call.id), CALL, json];
  if (call.attachment) frames.push(call.attachment);
  return frames;
}

function encodeAnswer(answer: AnswerMessage, limits: WireLimits): OutgoingFrames {
  const head = envelope(answer.id);
  if (answer.kind === "error") {
    if (answer.code === "PROTOCOL") return [...head, FAIL, EMPTY];
    return [...head, OK, errorJson(answer)];
  }
  const result = answer.result === undefined ? null : answer.result;
  const uncarryable = findUncarryable(result, "result");
  if (uncarryable) {
    throw new BadRequestError(`The result cannot travel as JSON: ${uncarryable.path} is ${uncarryable.what}`);
  }
  let json = `{"code":0,"result":${JSON.stringify(result)}`;
  if (answer.sessionId !== undefined) json += `,"session_id":${JSON.stringify(answer.sessionId)}`;
  json += extensionsMember(answer.extensions);
  json += "}";
  checkSize("The answer", json, answer.attachment, limits, {});
  return answer.attachment ? [...head, OK, json, answer.attachment] : [...head, OK, json];
}

/** Codes that PyCOM has no number for travel as 1, with the code in the extension; see {@link LAMPLIGHTER_EXTENSION}. */
function errorJson(answer: ErrorMessage): string {
  const number = answer.number === 0 ? 1 : answer.number;
  let extensions = answer.extensions;
  const told: Record<string, unknown> = {};
  if (codeOfNumber(number) !== answer.code) told.code = answer.code;
  const differs = outcomeOfNumber(number) !== answer.outcome;
  if (differs && (answer.tellOutcome === true || told.code !== undefined)) told.outcome = answer.outcome;
  if (Object.keys(told).length > 0) extensions = { ...extensions, [LAMPLIGHTER_EXTENSION]: told };
  let json = `{"code":${number},"error":${JSON.stringify(answer.remote.message)}`;
  if (answer.sessionId !== undefined) json += `,"session_id":${JSON.stringify(answer.sessionId)}`;
  json += extensionsMember(extensions);
  return `${json}}`;
}

function envelope(id: CallId): (Uint8Array | string)[] {
  return typeof id === "number" ? [String(id), ""] : [...id];
}

function extensionsMember(extensions: Extensions | undefined): string {
  if (extensions === undefined) return "";
  const json = JSON.stringify(extensions);
  return json === "{}" ? "" : `,"extensions":${json}`;
}

function timedExtensions(timing: CallTiming, extensions: Extensions | undefined): string {
  const own = `"${LAMPLIGHTER_EXTENSION}":{"timeoutMs":${Math.ceil(timing.timeoutMs)},"sentAt":${Math.round(timing.sentAt)}}`;
  const others = extensions === undefined ? "{}" : JSON.stringify(extensions);
  return others === "{}" ? `,"extensions":{${own}}` : `,"extensions":${others.slice(0, -1)},${own}}`;
}

function checkSize(
  what: string,
  json: string,
  attachment: Uint8Array | undefined,
  limits: WireLimits,
  where: RpcErrorOptions & { readonly interface?: string; readonly method?: string },
): void {
  const extra = attachment?.byteLength ?? 0;
  // A JavaScript character is at most three bytes of UTF-8: only a text near the limit is worth measuring.
  if (json.length * 3 + extra <= limits.maxMessageBytes) return;
  const size = Buffer.byteLength(json) + extra;
  if (size <= limits.maxMessageBytes) return;
  const which = where.interface === undefined ? what : `${what} ${where.interface}.${where.method ?? ""}`;
  throw rpcError(
    "TOO_LARGE",
    `${which} has ${size} bytes, the limit is ${limits.maxMessageBytes} (option maxMessageBytes, on both sides)`,
    where,
  );
}

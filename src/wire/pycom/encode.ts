import { BadRequestError, ProtocolError, type RpcErrorOptions, rpcError } from "../../errors.js";
import type { AnswerMessage, CallMessage, ErrorMessage, Extensions, Frames, Message } from "../message.js";
import type { WireLimits } from "../wire.js";
import { callFrame } from "./call-frame.js";
import { findUncarryable } from "./carry.js";
import { CALL, codeOfNumber, FAIL, LAMPLIGHTER_EXTENSION, OK, outcomeOfNumber, VERSION } from "./codes.js";

const EMPTY = Buffer.alloc(0);
const CALL_FRAME = Buffer.from(CALL);
const OK_FRAME = Buffer.from(OK);
const FAIL_FRAME = Buffer.from(FAIL);

/** Encodes a call or an answer. See {@link Codec.encode}. */
export function encode(message: Message, limits: WireLimits): Frames {
  switch (message.kind) {
    case "call":
      return encodeCall(message, limits);
    case "result":
    case "error":
      return encodeAnswer(message, limits);
    default:
      throw new ProtocolError(`PyCOM's wire has no ${message.kind}`);
  }
}

/**
 * ```text
 * callId | "" | "CALL" | {"version","interface","method","args","session_id"?,"extensions"?} | attachment?
 * ```
 * Everything up to the empty frame is return address; the server echoes it, which makes answers matchable. See
 * {@link callFrame}.
 */
function encodeCall(call: CallMessage, limits: WireLimits): Frames {
  const args = call.args === undefined ? null : call.args;
  const where = { interface: call.interface, method: call.method };
  const label = `${call.interface}.${call.method}`;
  const uncarryable = findUncarryable(args, "args");
  if (uncarryable) {
    throw new BadRequestError(
      `The arguments of ${label} cannot travel as JSON: ${uncarryable.path} is ${uncarryable.what}`,
      where,
    );
  }
  let json = `{"version":"${VERSION}","interface":${JSON.stringify(call.interface)},"method":${JSON.stringify(
    call.method,
  )},"args":${stringify(args, `The arguments of ${label}`, where)}`;
  if (call.sessionId !== undefined) json += `,"session_id":${JSON.stringify(call.sessionId)}`;
  json += extensionsMember(call.extensions);
  const body = bytesOf(`${json}}`);
  checkSize(`The call of ${label}`, body, call.attachment, limits, where);
  const id = typeof call.id === "number" ? callFrame(call.id, call.timeoutMs, call.sentAt) : EMPTY;
  return call.attachment ? [id, EMPTY, CALL_FRAME, body, call.attachment] : [id, EMPTY, CALL_FRAME, body];
}

function encodeAnswer(answer: AnswerMessage, limits: WireLimits): Frames {
  const head = answer.id as Frames;
  if (answer.kind === "error") {
    if (answer.code === "PROTOCOL") return [...head, FAIL_FRAME, EMPTY];
    return [...head, OK_FRAME, bytesOf(errorJson(answer))];
  }
  const result = answer.result === undefined ? null : answer.result;
  const uncarryable = findUncarryable(result, "result");
  if (uncarryable) {
    throw new BadRequestError(`The result cannot travel as JSON: ${uncarryable.path} is ${uncarryable.what}`);
  }
  let json = `{"code":0,"result":${stringify(result, "The result", {})}`;
  if (answer.sessionId !== undefined) json += `,"session_id":${JSON.stringify(answer.sessionId)}`;
  json += extensionsMember(answer.extensions);
  const body = bytesOf(`${json}}`);
  checkSize("The answer", body, answer.attachment, limits, {});
  return answer.attachment ? [...head, OK_FRAME, body, answer.attachment] : [...head, OK_FRAME, body];
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

function extensionsMember(extensions: Extensions | undefined): string {
  if (extensions === undefined) return "";
  const json = stringify(extensions, "The extensions", {});
  return json === "{}" ? "" : `,"extensions":${json}`;
}

/** Bytes of a text. libzmq's binding takes them in a third less time than the text itself. */
function bytesOf(json: string): Buffer {
  return Buffer.from(json);
}

/** A `toJSON` may return undefined, for which there is no text; the library's own type does not say so. */
const toJson: (value: unknown) => string | undefined = JSON.stringify;

/** What has passed {@link findUncarryable} may still throw in a `toJSON` of its own. */
function stringify(value: unknown, what: string, where: RpcErrorOptions): string {
  try {
    return toJson(value) ?? "null";
  } catch (error) {
    throw new BadRequestError(`${what} cannot travel as JSON: ${(error as Error).message}`, { ...where, cause: error });
  }
}

function checkSize(
  what: string,
  body: Uint8Array,
  attachment: Uint8Array | undefined,
  limits: WireLimits,
  where: RpcErrorOptions,
): void {
  const size = body.byteLength + (attachment?.byteLength ?? 0);
  if (size <= limits.maxMessageBytes) return;
  throw rpcError(
    "TOO_LARGE",
    `${what} has ${size} bytes, the limit is ${limits.maxMessageBytes} (option maxMessageBytes, on both sides)`,
    where,
  );
}

import type { ErrorCode } from "../../errors.js";
import { unreadableAnswer, unreadableCall } from "../malformed.js";
import type { AnswerMessage, CallId, CallMessage, Extensions, Frames, Message } from "../message.js";
import { toldCode, toldOutcome } from "../told.js";
import { MalformedMessageError, type WireLimits } from "../wire.js";
import { readCallFrame } from "./call-frame.js";
import { CALL, codeOfNumber, FAIL, LAMPLIGHTER_EXTENSION, OK, outcomeOfNumber } from "./codes.js";
import { parsePythonJson } from "./json.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Index of the first frame after the envelope, or -1 when no empty frame ends it. */
export function bodyIndex(frames: Frames): number {
  for (let index = 0; index < frames.length; index++) if (frames[index]?.byteLength === 0) return index + 1;
  return -1;
}

/** Decodes whatever came: an answer if its first frame says so, else a request. See {@link Codec.decode}. */
export function decode(frames: Frames, limits: WireLimits): Message {
  const start = bodyIndex(frames);
  if (start < 0) throw new MalformedMessageError("The message has no empty frame that ends its return address");
  const command = ascii(frames[start]);
  return command === OK || command === FAIL
    ? decodeAnswer(frames, start, command)
    : decodeCall(frames, start, command, limits);
}

/** Steps 1 to 7 of the server algorithm (docs/pycom-wire.md, section 6.1), each with the answer it demands. */
function decodeCall(frames: Frames, start: number, command: string, limits: WireLimits): CallMessage {
  const id: CallId = frames.slice(0, start);
  const count = frames.length - start;
  const body = frames[start + 1];
  if (body === undefined) throw breakdown(id, "The request has fewer than two frames");
  if (command !== CALL) throw badRequest(id, `Unknown command: ${command}`);
  let size = 0;
  for (let index = start; index < frames.length; index++) size += frames[index]?.byteLength ?? 0;
  if (size > limits.maxMessageBytes) {
    throw badRequest(id, `The request has ${size} bytes, the limit is ${limits.maxMessageBytes}`, "TOO_LARGE");
  }
  const request = parseRequest(id, body);
  const interfaceName = requiredText(id, request, "interface");
  const method = requiredText(id, request, "method");
  if (count > 3) throw badRequest(id, `Expected 2-3 parts, got ${count}`);
  const told = start >= 2 ? readCallFrame(frames[start - 2]) : undefined;
  return {
    kind: "call",
    id,
    interface: interfaceName,
    method,
    args: member(request, "args") ?? null,
    sessionId: optionalText(id, request, "session_id"),
    extensions: optionalObject(id, request, "extensions"),
    attachment: frames[start + 2],
    timeoutMs: told?.timeoutMs,
    sentAt: told?.sentAt,
  };
}

function parseRequest(id: CallId, body: Uint8Array): object {
  let value: unknown;
  try {
    value = JSON.parse(text(body));
  } catch (error) {
    throw badRequest(id, `The request is not JSON in UTF-8: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw breakdown(id, "The request is no JSON object");
  }
  return value;
}

function decodeAnswer(frames: Frames, start: number, status: string): AnswerMessage {
  const id = callNumber(frames, start);
  if (status === FAIL) {
    return {
      kind: "error",
      id,
      code: "UNAVAILABLE",
      number: 1,
      outcome: "unknown",
      remote: { message: "The service answered FAIL: it broke down over the request" },
    };
  }
  const body = frames[start + 1];
  if (body === undefined) throw unreadableAnswer(id, "The answer has no JSON frame");
  let answer: unknown;
  try {
    answer = parsePythonJson(text(body));
  } catch (error) {
    throw unreadableAnswer(id, `The answer is not JSON in UTF-8: ${(error as Error).message}`);
  }
  if (typeof answer !== "object" || answer === null) throw unreadableAnswer(id, "The answer is no JSON object");
  const number = member(answer, "code");
  if (typeof number !== "number") throw unreadableAnswer(id, "The answer has no numeric code");
  const sessionId = member(answer, "session_id");
  const extensions = member(answer, "extensions");
  const common = {
    id,
    sessionId: typeof sessionId === "string" ? sessionId : undefined,
    extensions: isObject(extensions) ? extensions : undefined,
  };
  if (number === 0) {
    return { kind: "result", ...common, result: member(answer, "result") ?? null, attachment: frames[start + 2] };
  }
  const message = member(answer, "error");
  const told = common.extensions === undefined ? undefined : member(common.extensions, LAMPLIGHTER_EXTENSION);
  return {
    kind: "error",
    ...common,
    code: toldCode(isObject(told) ? member(told, "code") : undefined) ?? codeOfNumber(number),
    number,
    outcome: toldOutcome(isObject(told) ? member(told, "outcome") : undefined) ?? outcomeOfNumber(number),
    remote: { message: typeof message === "string" && message !== "" ? message : `Remote error #${number}` },
  };
}

/** The number that the call went out with; everything else in the envelope would be a foreign hop. */
function callNumber(frames: Frames, start: number): number {
  const call = start === 2 ? readCallFrame(frames[0]) : undefined;
  if (!call) throw new MalformedMessageError("The answer does not say which call it belongs to");
  return call.id;
}

/** Own members only: `__proto__` and its like are names as any other. */
function member(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
}

function requiredText(id: CallId, request: object, name: string): string {
  const value = member(request, name);
  if (value === undefined) throw badRequest(id, `Field ${name} is required`);
  if (typeof value !== "string") throw badRequest(id, `Field ${name} must be a string`);
  return value;
}

function optionalText(id: CallId, request: object, name: string): string | undefined {
  const value = member(request, name) ?? undefined;
  if (value !== undefined && typeof value !== "string") throw badRequest(id, `Field ${name} must be a string or null`);
  return value;
}

function optionalObject(id: CallId, request: object, name: string): Extensions | undefined {
  const value = member(request, name) ?? undefined;
  if (value === undefined || isObject(value)) return value;
  throw badRequest(id, `Field ${name} must be an object or null`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function badRequest(id: CallId, message: string, code: ErrorCode = "BAD_REQUEST"): MalformedMessageError {
  return unreadableCall(id, code, 4, message);
}

/** What PyCOM answers with `FAIL`; a real 0.6.0 server loses that answer, ours delivers it. */
function breakdown(id: CallId, message: string): MalformedMessageError {
  return unreadableCall(id, "PROTOCOL", 1, message);
}

function text(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** Commands and ids: short ASCII. Longer ones are cut, they are only shown. */
function ascii(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "";
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 64)).toString("latin1");
}

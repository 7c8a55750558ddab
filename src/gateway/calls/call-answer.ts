import type { IncomingMessage, ServerResponse } from "node:http";
import type { FullAnswer } from "../../client/component.js";
import { rpcError } from "../../errors.js";
import { isPlainObject } from "../../peer/arguments.js";
import type { MethodContract } from "../../peer/contract.js";
import { openByteStream } from "../../peer/streams/byte-stream.js";
import { discardSources, isStreamSource, iterate } from "../../peer/streams/source.js";
import { preferred } from "../accept.js";
import { toJson } from "../json-values.js";
import type { OpenStreams } from "../open-streams.js";
import { send, sendPart } from "../send.js";
import type { CallRequest } from "./call-request.js";
import { sendItems } from "./item-stream.js";

/** What calls are answered in. */
export const CALL_TYPES = [
  "application/json",
  "application/octet-stream",
  "application/x-ndjson",
  "text/event-stream",
  "application/problem+json",
] as const;

/** How much is sent. */
export interface AnswerLimits {
  /** Largest attachment that is put into JSON, in bytes. */
  readonly maxBodyBytes: number;
  /** Bytes that may wait for a reader of events, in bytes. */
  readonly maxQueuedBytes: number;
}

/** A call that was answered. */
export interface AnsweredCall {
  /** What came. */
  readonly answer: FullAnswer;
  /** What is known of the method. */
  readonly contract: MethodContract | undefined;
  /** What was asked. */
  readonly call: CallRequest;
  /** Who holds the session, where there is one. */
  readonly service: string | undefined;
}

/** Answers a request with what a call has given: its raw result as JSON, item by item where it streams, or its attachment as the body. */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answered: AnsweredCall,
  { streams, limits }: { readonly streams: OpenStreams; readonly limits: AnswerLimits },
): Promise<void> {
  const { answer, contract, service } = answered;
  const headers: Record<string, string> = { "cache-control": "no-store" };
  if (answer.sessionId !== undefined && isPrintable(answer.sessionId)) {
    headers["x-session-id"] = answer.sessionId;
    // A session is with the service that opened it: who goes on with it names both.
    if (service !== undefined && isPrintable(service)) headers["x-service"] = service;
  }
  const { result } = answer;
  if (typeof result === "object" && result !== null && !Array.isArray(result) && isStreamSource(result)) {
    try {
      streams.add(response);
    } catch (error) {
      discardSources(result);
      throw error;
    }
    await sendItems(request, response, result, headers);
    return;
  }
  const { attachment, rest } = takeAttachment(answer, contract);
  if (attachment === undefined) {
    send(request, response, { type: JSON_TYPE, body: toJson(rest), headers });
    return;
  }
  const resultText = asciiJson(rest);
  const outgoing = contract?.outgoing ?? undefined;
  // Whoever asks for JSON alone gets bytes in JSON; and so does who could not be told of the result in a header.
  const wantsJson = preferred(request.headers.accept, BODY_TYPES) === "application/json";
  const isLong = resultText.length > MAX_RESULT_HEADER;
  if (outgoing !== undefined && (wantsJson || isLong) && (rest === null || isPlainObject(rest))) {
    const bytes = await collect(attachment, limits.maxBodyBytes, answered);
    send(request, response, { type: JSON_TYPE, body: toJson({ ...rest, [outgoing]: bytes }), headers });
    return;
  }
  if (isLong) {
    discardSources(attachment);
    throw tooLarge(
      answered,
      `The result beside the attachment is larger than the ${MAX_RESULT_HEADER} bytes of a header`,
    );
  }
  headers["x-result"] = resultText;
  if (attachment instanceof Uint8Array) {
    send(request, response, { type: BYTES_TYPE, body: attachment, headers });
    return;
  }
  await sendBytes(response, attachment, headers);
}

const JSON_TYPE = "application/json; charset=utf-8";
const BYTES_TYPE = "application/octet-stream";
/** The attachment as a body is what everybody gets who does not prefer JSON. */
const BODY_TYPES = ["application/octet-stream", "application/json"] as const;
const MAX_RESULT_HEADER = 4_096;

/** The attachment beside a result, or inside of it where it is streamed. */
function takeAttachment(
  { result, attachment }: FullAnswer,
  contract: MethodContract | undefined,
): { readonly attachment: Uint8Array | ReadableStream<Uint8Array> | undefined; readonly rest: unknown } {
  const outgoing = contract?.outgoing;
  if (attachment !== undefined || typeof outgoing !== "string" || !isPlainObject(result)) {
    return { attachment, rest: result };
  }
  const { [outgoing]: streamed, ...rest } = result;
  const isBytes = streamed instanceof ReadableStream || streamed instanceof Uint8Array;
  return isBytes
    ? { attachment: streamed as Uint8Array | ReadableStream<Uint8Array>, rest }
    : { attachment: undefined, rest: result };
}

async function sendBytes(
  response: ServerResponse,
  attachment: ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const reader = iterate(attachment);
  const onClose = (): void => {
    Promise.resolve(reader.return?.()).catch(() => undefined);
  };
  response.once("close", onClose);
  try {
    // The first bytes before the header: what fails at once can still be told.
    let step = await reader.next();
    if (response.destroyed) return;
    response.writeHead(200, { "content-type": BYTES_TYPE, "x-content-type-options": "nosniff", ...headers });
    while (!step.done && (await sendPart(response, step.value as Uint8Array))) step = await reader.next();
    response.end();
  } finally {
    response.off("close", onClose);
    onClose();
  }
}

async function collect(
  attachment: Uint8Array | ReadableStream<Uint8Array>,
  maxBytes: number,
  answered: AnsweredCall,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of openByteStream(attachment).stream) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw tooLarge(
        answered,
        `The attachment is larger than the ${maxBytes} bytes that are put into JSON; take it as a body`,
      );
    }
  }
  return Buffer.concat(chunks, bytes);
}

function tooLarge({ call }: AnsweredCall, message: string): Error {
  const { interface: name, service, method } = call;
  return rpcError("TOO_LARGE", message, { interface: name, service, method, outcome: "executed" });
}

function isPrintable(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** For headers, which have no other characters. */
function asciiJson(value: unknown): string {
  return toJson(value).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

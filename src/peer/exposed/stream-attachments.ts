import { BadRequestError, ConfigurationError, rpcError } from "../../errors.js";
import { isPlainObject } from "../arguments.js";
import type { ServerCall } from "../call-context.js";
import { goesWhole, maxChunkBytes } from "../call-origin.js";
import { type ByteSource, isByteSource, openByteStream, toByteStream } from "../streams/byte-stream.js";
import { collectBytes } from "../streams/collect-bytes.js";
import { isStreamSource } from "../streams/source.js";
import type { MethodOptions, ServiceResponse } from "./method-options.js";
import type { Parameter } from "./parameters.js";

/**
 * Are the attachments of a method streams?
 *
 * @throws ConfigurationError when there are none that could be
 */
export function readStreamFlag(method: string, options: MethodOptions, parameters: readonly Parameter[]): boolean {
  const { stream = false, incoming = null, outgoing = null } = options.attachments ?? {};
  if (!stream) return false;
  if ((stream as unknown) !== true) {
    throw new ConfigurationError(
      `The method ${method} wants attachments.stream as true or false, got ${typeof stream}`,
    );
  }
  if (incoming === null && outgoing === null) {
    throw new ConfigurationError(
      `The method ${method} streams its attachments, and declares neither incoming nor outgoing`,
    );
  }
  if (parameters.some(({ name, optional }) => name === incoming && optional)) {
    throw new ConfigurationError(`The method ${method} takes its attachment as ${incoming}?, which has to be required`);
  }
  if (options.once === "transaction" && outgoing !== null) {
    throw new ConfigurationError(
      `The method ${method} writes its answer in a transaction, and a stream cannot be written down: it must not stream ${outgoing}`,
    );
  }
  return true;
}

/**
 * Takes the incoming attachment out of the arguments, where it stands if it came as a stream: prehooks and checks see the
 * same arguments as when it comes as bytes. It is ended when the call is over, however that ends.
 *
 * @returns `undefined` when it did not come as a stream
 * @throws BadRequestError when it is something else
 */
export function takeIncoming(call: ServerCall, name: string | null): ReadableStream<Uint8Array> | undefined {
  const { args } = call;
  if (name === null || !isPlainObject(args) || !Object.hasOwn(args, name)) return undefined;
  const { [name]: given, ...others } = args;
  call.args = others;
  if (given === null || given === undefined) return undefined;
  if (!isByteSource(given)) throw new BadRequestError(`The argument args.${name} is no stream of bytes`);
  return lastingAsLong(call, name, given);
}

/** What a method gets as its incoming attachment that did not come as a stream: bytes are one, too, and end as one does. */
export function incomingStream(call: ServerCall, name: string, attachment: Uint8Array | undefined): unknown {
  return attachment ? lastingAsLong(call, name, attachment) : null;
}

/** A stream that is ended with the call; and the call with its deadline, for the stream may wait for its caller for ever. */
function lastingAsLong(call: ServerCall, name: string, source: ByteSource): ReadableStream<Uint8Array> {
  const opened = openByteStream(source);
  call.onOver = () => {
    opened.end(
      call.abortReason ?? rpcError("CANCELLED", `The call is over, and so is args.${name}`, { outcome: "executed" }),
    );
  };
  // To ask for the signal is what sets the timer.
  if (call.signal.aborted) call.over();
  return opened.stream;
}

/** @throws BadRequestError when a stream came for a method that takes its attachment as bytes */
export function refuseStream(value: unknown, name: string): void {
  if (typeof value !== "object" || value === null || !isStreamSource(value)) return;
  throw new BadRequestError(
    `The argument args.${name} is the attachment, which this method takes as bytes, and no stream`,
  );
}

/**
 * Brings the outgoing attachment into the shape in which it travels: a stream among the results, or bytes. Callers on wires
 * without streams, such as PyCOM's, get it collected.
 *
 * @throws RpcError with code `TOO_LARGE` when it is too large for that
 */
export async function sendOutgoing(
  response: ServiceResponse,
  name: string,
  call: ServerCall,
): Promise<ServiceResponse> {
  const { result, attachment } = response;
  const { attachments: limits } = call.origin;
  if (!isPlainObject(result)) return response;
  if (attachment && goesWhole(attachment.byteLength, limits)) return response;
  const { [name]: returned, ...others } = result;
  const source = attachment ?? returned;
  if (!isByteSource(source)) return response;
  const stream = toByteStream(source, maxChunkBytes(limits));
  if (limits.canStream) return { result: { ...others, [name]: stream }, attachment: undefined };
  const bytes = await collectBytes(stream, limits.maxMessageBytes, call.signal);
  if (bytes) return { result: others, attachment: bytes };
  throw rpcError(
    "TOO_LARGE",
    `The result ${name} has more than ${limits.maxMessageBytes} bytes, the limit of attachments on the wire ` +
      `${limits.wire}, which carries no streams (option maxMessageBytes, on both sides); the wire lamp does`,
    { outcome: "executed" },
  );
}

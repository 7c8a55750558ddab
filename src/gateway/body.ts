import type { IncomingMessage } from "node:http";
import { BadRequestError, type Outcome, rpcError } from "../errors.js";

/**
 * The body of a request, as a whole.
 *
 * @param signal - gives it up, with its reason
 * @throws RpcError `TOO_LARGE` as soon as it is known to be larger than `maxBytes`
 */
export function readBody(request: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (act: () => void): void => {
      request.off("data", onData).off("end", onEnd).off("error", onError).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.byteLength;
      chunks.push(chunk);
      if (bytes > maxBytes) {
        settle(() => {
          reject(tooLarge(maxBytes));
        });
      }
    };
    const onEnd = (): void => {
      settle(() => {
        resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, bytes));
      });
    };
    const onError = (): void => {
      settle(() => {
        reject(new BadRequestError("The request broke off before its end"));
      });
    };
    const onClose = onError;
    const onAbort = (): void => {
      settle(() => {
        reject(signal.reason as Error);
      });
    };
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) reject(tooLarge(maxBytes));
    else if (signal.aborted) reject(signal.reason as Error);
    else if (request.readableEnded) {
      reject(new BadRequestError("The body was read by somebody else: what reads bodies comes after the gateway"));
    } else {
      signal.addEventListener("abort", onAbort, { once: true });
      request.on("data", onData).on("end", onEnd).on("error", onError).on("close", onClose);
    }
  });
}

/** A body that is passed on while it comes. */
export interface StreamedBody {
  /** To be read once; fails with `TOO_LARGE` when there are too many. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Why it has failed; `undefined` when it has not. */
  readonly fault: () => unknown;
}

/** The body of a request while it comes. Who ends it early can still answer: the connection stays. */
export function streamBody(request: IncomingMessage, maxBytes: number): StreamedBody {
  let fault: unknown;
  async function* read(): AsyncGenerator<Uint8Array, void> {
    let bytes = 0;
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        fault = tooLarge(maxBytes, "executed");
        throw fault;
      }
      yield chunk;
    }
  }
  return { chunks: read(), fault: () => fault };
}

/** Has the request a body, as far as its header tells? */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
}

/**
 * Text of a body.
 *
 * @throws BadRequestError for what is no UTF-8
 */
export function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BadRequestError("The body is no UTF-8");
  }
}

/** The media type that a header names, without parameters, in small letters; `""` for none. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/**
 * A form with files, from a body in memory.
 *
 * @throws BadRequestError for what is none
 */
export async function readForm(request: IncomingMessage, body: Uint8Array): Promise<FormData> {
  try {
    const { "content-type": type = "" } = request.headers;
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- it is for its memory, and what it is given is small and all there
    return await new Response(body as Uint8Array<ArrayBuffer>, { headers: { "content-type": type } }).formData();
  } catch {
    throw new BadRequestError("The body is no form of the type that its header names");
  }
}

function tooLarge(maxBytes: number, outcome: Outcome = "not-sent"): Error {
  return rpcError("TOO_LARGE", `The body is larger than ${maxBytes} bytes, which is the limit here`, { outcome });
}

import type { IncomingMessage, ServerResponse } from "node:http";

/** A whole answer. */
export interface WholeAnswer {
  /** Default 200. */
  readonly status?: number;
  /** Its media type; texts of ours are UTF-8. */
  readonly type: string;
  /** What is sent. */
  readonly body: string | Uint8Array;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends an answer, of which `HEAD` gets the header alone. Nothing happens when the answer has begun, or nobody waits any more. */
export function send(request: IncomingMessage, response: ServerResponse, answer: WholeAnswer): void {
  if (response.headersSent || response.destroyed) return;
  const body = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  response.writeHead(answer.status ?? 200, {
    "content-type": answer.type,
    "content-length": body.byteLength,
    // What a service answers is no page, whatever it looks like.
    "x-content-type-options": "nosniff",
    ...answer.headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/**
 * Writes to an answer that goes on, and waits until there is room.
 *
 * @returns whether there is still somebody to read it
 */
export async function sendPart(response: ServerResponse, part: string | Uint8Array): Promise<boolean> {
  if (response.destroyed || response.writableEnded) return false;
  if (response.write(part)) return true;
  return await new Promise((resolve) => {
    const settle = (): void => {
      response.off("drain", settle);
      response.off("close", settle);
      resolve(!response.destroyed);
    };
    response.on("drain", settle);
    response.on("close", settle);
  });
}

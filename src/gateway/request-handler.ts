import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Answers some requests, and leaves the others alone. Handlers are asked in order; the first that takes a request answers it.
 *
 * @param url - of the request, with a host that means nothing
 * @returns whether it has taken the request; what a promise rejects with is answered as an error
 */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => boolean | Promise<boolean>;

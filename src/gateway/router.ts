import type { IncomingMessage, ServerResponse } from "node:http";
import { outsideOfCalls } from "../peer/call-context.js";
import type { Logger } from "../util/log.js";
import { callErrorOf, HttpRefusal, sendProblem } from "./problem.js";
import type { RequestHandler } from "./request-handler.js";
import type { WhoAsks } from "./who-asks.js";

/** Options of {@link Router}. */
export interface RouterOptions {
  /** Asked in order. */
  readonly handlers: readonly RequestHandler[];
  /** Keeps pages of other sites out. */
  readonly whoAsks: WhoAsks;
  /** Only what is below; absent: everything. */
  readonly prefix: string | undefined;
  /** Told of what fails here. */
  readonly log: Logger;
}

/** Gives each request to the handler that takes it. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /**
   * Answers a request. Never rejects.
   *
   * @param next - told to go on with a request that nobody takes, or that is refused for who asks; absent: it is answered
   */
  serve(request: IncomingMessage, response: ServerResponse, next?: () => void): Promise<void> {
    // A server that a service has started must not ask with the token and the deadline of the call it was started in.
    return outsideOfCalls(() => this.#serve(request, response, next));
  }

  async #serve(request: IncomingMessage, response: ServerResponse, next?: () => void): Promise<void> {
    const { whoAsks, handlers } = this.#options;
    // A reader that goes away in the middle of an answer is no fault of the process.
    response.on("error", ignore);
    try {
      const url = this.#urlOf(request);
      const refusal = url ? whoAsks.refusal(request) : unknownPath(request);
      if (!url || refusal) {
        if (next) next();
        else throw refusal ?? unknownPath(request);
        return;
      }
      if (whoAsks.preflight(request, response)) return;
      whoAsks.addHeaders(request, response);
      for (const handler of handlers) if (await handler(request, response, url)) return;
      if (!next) throw unknownPath(request);
      for (const name of ["vary", "access-control-allow-origin", "access-control-expose-headers"]) {
        response.removeHeader(name);
      }
      next();
    } catch (error) {
      if (!callErrorOf(error) && !(error instanceof HttpRefusal)) {
        const { method = "", url = "" } = request;
        this.#options.log.error(
          `${method} ${url.split("?", 1)[0] ?? ""} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
      sendProblem(request, response, error);
    }
  }

  /** Of a request that is below the prefix, which is taken away. */
  #urlOf(request: IncomingMessage): URL | undefined {
    const { url: text = "" } = request;
    // Proxies name the whole address, which is nobody's to believe.
    const absolute = text.startsWith("/") ? `http://gateway${text}` : text;
    if (!URL.canParse(absolute)) return undefined;
    const url = new URL(absolute);
    const { prefix } = this.#options;
    if (prefix === undefined) return url;
    if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) return undefined;
    url.pathname = url.pathname.slice(prefix.length);
    return url;
  }
}

function unknownPath(request: IncomingMessage): HttpRefusal {
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  return new HttpRefusal(404, "BAD_REQUEST", `There is nothing under ${path.slice(0, 200)}`);
}

function ignore(): void {
  // Whoever writes looks at the answer itself.
}

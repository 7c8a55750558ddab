import type { IncomingMessage, ServerResponse } from "node:http";
import { isLoopback } from "./loopback.js";
import { HttpRefusal } from "./problem.js";

/** Whom browsers may ask for. */
export interface WhoAsksOptions {
  /** Names of the gateway without port; `"any"` for whichever. Default: those of the machine itself, on its own addresses. */
  readonly hosts?: "any" | readonly string[] | undefined;
  /** Origins of pages from elsewhere. */
  readonly origins?: readonly string[] | undefined;
}

/**
 * Keeps out pages of other sites: those whose name was made to point here (DNS rebinding), which the header `Host` tells, and
 * those that send requests across, which `Origin` and `Sec-Fetch-Site` tell. Programs send neither, or what is right.
 */
export class WhoAsks {
  readonly #hosts: "any" | ReadonlySet<string> | undefined;
  readonly #origins: ReadonlySet<string>;

  constructor(options: WhoAsksOptions) {
    const { hosts, origins = [] } = options;
    this.#hosts = typeof hosts === "object" ? new Set(hosts.map((host) => host.toLowerCase())) : hosts;
    this.#origins = new Set(origins);
  }

  /**
   * Says why a request is refused; `undefined` when it is not.
   *
   * @param host - of the request, where there is one
   */
  refusal(request: IncomingMessage): HttpRefusal | undefined {
    const { host } = request.headers;
    if (host !== undefined && !this.#isOurs(host, request.socket.localAddress ?? "")) {
      return new HttpRefusal(
        421,
        "ACCESS_DENIED",
        `This gateway is not known as ${JSON.stringify(host)}; its option hosts names the names it has`,
      );
    }
    if (!isForeign(request) || this.#isAllowed(request)) return undefined;
    return new HttpRefusal(
      403,
      "ACCESS_DENIED",
      `Pages of ${request.headers.origin ?? "other sites"} may not ask this gateway; its option origins names those that may`,
    );
  }

  /** Tells a browser that the page may read the answer. */
  addHeaders(request: IncomingMessage, response: ServerResponse): void {
    if (this.#origins.size === 0) return;
    response.setHeader("vary", "Origin");
    const { origin } = request.headers;
    if (origin === undefined || !this.#origins.has(origin)) return;
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-expose-headers", EXPOSED);
  }

  /**
   * Answers the question of a browser whether a page may ask.
   *
   * @returns whether it was one
   */
  preflight(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) return false;
    if (!this.#isAllowed(request)) return false;
    this.addHeaders(request, response);
    response.writeHead(204, {
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers": ACCEPTED,
      "access-control-max-age": "600",
    });
    response.end();
    return true;
  }

  #isAllowed(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    if (origin !== undefined) return this.#origins.has(origin);
    // A link from elsewhere to a page of ours: nothing but the address bar changes.
    return request.headers["sec-fetch-mode"] === "navigate" && (request.method === "GET" || request.method === "HEAD");
  }

  #isOurs(host: string, localAddress: string): boolean {
    if (this.#hosts === "any") return true;
    const name = host.replace(/:\d*$/, "").toLowerCase();
    if (this.#hosts?.has(name)) return true;
    return isLoopback(localAddress) ? isLoopback(name) : this.#hosts === undefined;
  }
}

/** Does a request come from a page of another site, as far as browsers tell? */
export function isForeign(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin !== undefined) return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase();
  const { "sec-fetch-site": site } = request.headers;
  return site === "cross-site" || site === "same-site";
}

const ACCEPTED =
  "authorization, content-type, last-event-id, x-arguments, x-service, x-session-id, x-tags, x-timeout-ms, x-verify-key";
const EXPOSED = "retry-after, x-result, x-service, x-session-id";

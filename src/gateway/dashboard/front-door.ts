import type { RequestHandler } from "../request-handler.js";
import { send } from "../send.js";

/**
 * Shows the dashboard to who asks for nothing in particular. Stands behind all that may have a page of its own there.
 *
 * @param prefix - below which everything is; empty for none
 */
export function frontDoor(prefix: string): RequestHandler {
  return (request, response, url) => {
    if (url.pathname !== "/" || (request.method !== "GET" && request.method !== "HEAD")) return false;
    const location = `${prefix}/dashboard`;
    send(request, response, { status: 302, type: "text/plain", body: `${location}\n`, headers: { location } });
    return true;
  };
}

import { RpcError } from "../../errors.js";
import { isPlainObject } from "../../peer/arguments.js";
import type { Logger } from "../../util/log.js";
import { untilAborted } from "../../util/sleep.js";
import { methodNotAllowed } from "../problem.js";
import type { RequestHandler } from "../request-handler.js";
import { send } from "../send.js";
import { isForeign } from "../who-asks.js";
import { sendErrorPage } from "./error-page.js";
import type { EventBridge } from "./event-bridge.js";
import { isSigned } from "./is-signed.js";
import { type ParameterLimits, readParameters } from "./parameters.js";
import type { Verifier } from "./verifier.js";

/** What publishing needs. */
export interface PublishHandlerOptions {
  /** Takes the events. */
  readonly bridge: EventBridge;
  /** Says whose are taken; none: everybody's. */
  readonly verifier: () => Verifier | undefined;
  /** How much is read, and for how long. */
  readonly limits: ParameterLimits;
  /** Told of what fails. */
  readonly log: Logger;
}

/** `/publish`, as the web bridge of nodeset has it (docs/http.md, "Events"): 500 with a page whatever is wrong with a request. */
export function publishHandler({ bridge, verifier, limits, log }: PublishHandlerOptions): RequestHandler {
  return async (request, response, url) => {
    if (url.pathname !== "/publish") return false;
    if (request.method !== "GET" && request.method !== "POST") throw methodNotAllowed(request, "GET, POST");
    const { origin } = request.headers;
    // A link or a picture on a page of another site must not publish; a page that may ask says where it is from.
    if (isForeign(request) && origin === undefined) {
      sendErrorPage(request, response, 403, "Pages of other sites may not publish");
      return true;
    }
    try {
      const parameters = await readParameters(request, url, limits);
      const event = parameters.get("event");
      const message = parameters.get("message");
      if (event === null || message === null) throw new Error("The parameters event and message are needed");
      const asked = {
        action: "publish",
        events: [event],
        timestamp: parameters.get("timestamp") ?? undefined,
      } as const;
      const signed = { first: event, second: message, signature: parameters.get("signature") };
      if (!(await isSigned(verifier(), signed, asked))) {
        sendErrorPage(request, response, 403, "Signature invalid");
        return true;
      }
      await untilAborted(bridge.publish(event, toAttributes(message)), AbortSignal.timeout(limits.timeoutMs));
      send(request, response, { type: "text/html", body: "\r\n", headers: { "cache-control": "no-store" } });
    } catch (error) {
      const isTold = RpcError.isRpcError(error) || error instanceof Error;
      const text = isTold ? error.message : "The event could not be published";
      log.debug(`Not published: ${text}`);
      sendErrorPage(request, response, 500, text);
    }
    return true;
  };
}

function toAttributes(text: string): Readonly<Record<string, unknown>> {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new Error("The message is no JSON");
  }
  if (isPlainObject(message)) return message;
  throw new Error("The message is no JSON object");
}

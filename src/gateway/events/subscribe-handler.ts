import type { IncomingMessage, ServerResponse } from "node:http";
import { RpcError } from "../../errors.js";
import type { Logger } from "../../util/log.js";
import { names } from "../accept.js";
import { EventStream } from "../event-stream.js";
import type { OpenStreams } from "../open-streams.js";
import { methodNotAllowed } from "../problem.js";
import type { RequestHandler } from "../request-handler.js";
import { sendErrorPage } from "./error-page.js";
import type { EventBridge } from "./event-bridge.js";
import { isSigned } from "./is-signed.js";
import { type ParameterLimits, readParameters } from "./parameters.js";
import type { SharedEvent, SharedListener, SharedSubscriptions } from "./shared-subscriptions.js";
import type { Verifier } from "./verifier.js";

/** What subscribing needs. */
export interface SubscribeHandlerOptions {
  /** Knows what an address is. */
  readonly bridge: EventBridge;
  /** Where events come from. */
  readonly subscriptions: SharedSubscriptions;
  /** Says who may; none: everybody. */
  readonly verifier: () => Verifier | undefined;
  /** Where answers that go on are counted. */
  readonly streams: OpenStreams;
  /** How much is read, and waits for who does not read. */
  readonly limits: ParameterLimits & { readonly maxQueuedBytes: number };
  /** Told of readers that are given up. */
  readonly log: Logger;
}

/**
 * `/subscribe`, as the web bridge of nodeset has it (docs/http.md, "Events"): JSON and CR LF for each event, nothing before the first,
 * one event over HTTP/1.0. It ends with the connection.
 */
export function subscribeHandler(options: SubscribeHandlerOptions): RequestHandler {
  const { bridge, verifier, limits, streams } = options;
  return async (request, response, url) => {
    if (url.pathname !== "/subscribe") return false;
    if (request.method !== "GET" && request.method !== "POST") throw methodNotAllowed(request, "GET, POST");
    const parameters = await readParameters(request, url, limits);
    const events = parameters.getAll("event");
    if (events.length === 0 || events.length > MAX_EVENTS) {
      sendErrorPage(request, response, 500, `The parameter event is needed, at most ${MAX_EVENTS} times`);
      return true;
    }
    const timestamp = parameters.get("timestamp");
    const { "x-verify-key": key = "" } = request.headers;
    const signed = {
      first: String(key),
      second: timestamp ?? "",
      signature: timestamp === null ? null : parameters.get("signature"),
    };
    if (!(await isSigned(verifier(), signed, { action: "subscribe", events, timestamp: timestamp ?? undefined }))) {
      sendErrorPage(request, response, 403, "Signature invalid");
      return true;
    }
    try {
      // Two spellings of one address are one subscription.
      const addresses = new Map(events.map((event) => [bridge.parse(event).uri, event]));
      streams.add(response);
      await subscribe(request, response, [...addresses.values()], parameters.get("names") === "1", options);
    } catch (error) {
      const isOurs = RpcError.isRpcError(error) && (error.code === "OVERLOADED" || error.code === "DRAINING");
      if (isOurs || !(error instanceof Error)) throw error;
      // As server-sent events it has begun; who reads those comes back.
      if (response.headersSent) response.end();
      else sendErrorPage(request, response, 500, error.message);
    }
    return true;
  };
}

/** Of one request. */
const MAX_EVENTS = 1_000;

async function subscribe(
  request: IncomingMessage,
  response: ServerResponse,
  events: readonly string[],
  withNames: boolean,
  { subscriptions, limits, log }: SubscribeHandlerOptions,
): Promise<void> {
  // It may have gone while it was looked at who asks.
  if (response.destroyed) return;
  const tell = names(request.headers.accept, "text/event-stream")
    ? toEvents(request, response, limits.maxQueuedBytes)
    : toLines(request, response, withNames, limits.maxQueuedBytes, log);
  const joined = events.map((event) =>
    subscriptions.join(event, (shared) => {
      tell(shared);
    }),
  );
  // It may go while the bridge is asked, which takes as long as there is no dispatcher.
  const leaveAll = (): void => {
    for (const { leave } of joined) leave();
  };
  response.once("close", leaveAll);
  try {
    await Promise.all(joined.map(({ begun }) => begun));
  } catch (error) {
    leaveAll();
    throw error;
  }
}

function toEvents(request: IncomingMessage, response: ServerResponse, maxQueuedBytes: number): SharedListener {
  const stream = new EventStream(request, response, { maxQueuedBytes });
  return ({ event, json }) => {
    stream.send({ event, data: json });
  };
}

function toLines(
  request: IncomingMessage,
  response: ServerResponse,
  withNames: boolean,
  maxQueuedBytes: number,
  log: Logger,
): SharedListener {
  const isOnlyOne = request.httpVersionMajor === 1 && request.httpVersionMinor === 0;
  request.socket.setNoDelay(true);
  return (shared) => {
    if (response.destroyed || response.writableEnded) return;
    if (!response.headersSent) {
      response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    }
    const line = lineOf(shared, withNames);
    if (isOnlyOne) {
      response.end(line);
      return;
    }
    response.write(line);
    if (response.writableLength <= maxQueuedBytes) return;
    log.warn(`A reader of events is given up: more than ${maxQueuedBytes} bytes wait for it`);
    response.destroy();
  };
}

function lineOf({ event, uri, json }: SharedEvent, withNames: boolean): string {
  return withNames
    ? `{"event": ${JSON.stringify(event)}, "uri": ${JSON.stringify(uri)}, "message": ${json}}\r\n`
    : `${json}\r\n`;
}

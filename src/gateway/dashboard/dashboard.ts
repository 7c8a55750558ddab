import type { IncomingMessage, ServerResponse } from "node:http";
import { EventStream } from "../event-stream.js";
import type { Monitor } from "../monitor/monitor.js";
import type { MonitorUpdate } from "../monitor/view.js";
import type { RequestHandler } from "../request-handler.js";
import { readPage } from "./page-files.js";

/** Options of {@link dashboardHandler}. */
export interface DashboardOptions {
  /** Browsers that look at the same time; default 100. */
  readonly maxReaders?: number | undefined;
  /** Told of each answer that does not end by itself, before it begins: whoever closes the server has to end it. What it throws refuses it. */
  readonly opening?: ((response: ServerResponse) => void) | undefined;
}

/**
 * Answers with a page that shows what a monitor knows, live:
 *
 *     GET /dashboard          the page
 *     GET /dashboard/events   what it shows, as server-sent events: `snapshot`, then `update` at each change
 *
 * @throws ConfigurationError when the page's files are not with the package
 */
export function dashboardHandler(monitor: Monitor, options: DashboardOptions = {}): RequestHandler {
  const { maxReaders = 100, opening } = options;
  const page = readPage();
  let readers = 0;
  const textOf = rememberingLast((update: MonitorUpdate) => JSON.stringify(update));
  return (request, response, url) => {
    if (url.pathname !== PATH && !url.pathname.startsWith(`${PATH}/`)) return false;
    const rest = url.pathname.slice(PATH.length);
    const file = page.get(rest);
    if (!file && rest !== "/events") return false;
    const methods = file ? ["GET", "HEAD"] : ["GET"];
    if (!methods.includes(request.method ?? "")) {
      response.writeHead(405, { allow: methods.join(", ") }).end();
    } else if (file) {
      response.writeHead(200, { ...PAGE_HEADERS, "content-type": file.type, "content-length": file.body.length });
      response.end(request.method === "HEAD" ? undefined : file.body);
    } else if (readers >= maxReaders) {
      response.writeHead(503, { "retry-after": "10", "content-type": "text/plain" });
      response.end(`${maxReaders} readers are looking already\n`);
    } else {
      opening?.(response);
      const stream = streamEvents(monitor, textOf, request, response);
      readers++;
      void stream.closed.then(() => {
        readers--;
      });
    }
    return true;
  };
}

/** @throws ConfigurationError when the monitor was closed */
function streamEvents(
  monitor: Monitor,
  textOf: (update: MonitorUpdate) => string,
  request: IncomingMessage,
  response: ServerResponse,
): EventStream {
  const unsubscribe = monitor.subscribe((update) => {
    stream.send({ event: "update", data: textOf(update) });
  });
  const stream = new EventStream(request, response, { maxQueuedBytes: MAX_QUEUED_BYTES });
  stream.send({ event: "snapshot", data: JSON.stringify(monitor.snapshot()) });
  void stream.closed.then(unsubscribe);
  return stream;
}

/** All readers are told the same: it is made into a text once. */
function rememberingLast<A extends object, B>(make: (from: A) => B): (from: A) => B {
  let last: { readonly from: A; readonly made: B } | undefined;
  return (from) => {
    if (last?.from !== from) last = { from, made: make(from) };
    return last.made;
  };
}

const PATH = "/dashboard";
/** A snapshot with ten minutes of many services has to fit. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;

/** Nothing is loaded from elsewhere, nothing is run but our files, and nobody shows the page inside of another. */
const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

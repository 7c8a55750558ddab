import type { IncomingMessage, ServerResponse } from "node:http";
import type { Client } from "../../client/client.js";
import { BadRequestError } from "../../errors.js";
import type { ControlCall } from "../../workflow/client/control-call.js";
import type { WorkflowControl } from "../../workflow/control.js";
import type { RunFilter, RunState } from "../../workflow/run.js";
import { mediaTypeOf, readBody, toText } from "../body.js";
import type { Callables } from "../calls/callables.js";
import { fromJson } from "../json-values.js";
import { listOf, membersOf } from "../monitor/told-stats.js";
import type { OpenStreams } from "../open-streams.js";
import { HttpRefusal, methodNotAllowed } from "../problem.js";
import type { RequestHandler } from "../request-handler.js";
import { send } from "../send.js";
import { ControlAccess } from "./control-access.js";
import { sendRunEvents } from "./run-events.js";
import { readCounts, readDetails, readRun } from "./run-view.js";

/** What looking after runs needs. */
export interface WorkflowsHandlerOptions {
  readonly client: Client;
  /** What may be called. */
  readonly callables: Callables;
  /** Where answers that go on are counted. */
  readonly streams: OpenStreams;
}

/**
 * What the dashboard shows of workflow services, and what it does there (docs/monitoring.md):
 *
 *     GET  /dashboard/workflows/runs?service=&state=&task=&limit=&after=    a page of runs, and how many there are in each state
 *     GET  /dashboard/workflows/run?service=&run=                           a run with its chain
 *     GET  /dashboard/workflows/events?service=…                            the page of runs, anew at each change; with run= that run
 *     POST /dashboard/workflows/cancel | retry | resume                     JSON with service, run and what the method takes
 *
 * Has to stand behind what keeps pages of other sites out.
 */
export function workflowsHandler({ client, callables, streams }: WorkflowsHandlerOptions): RequestHandler {
  const access = new ControlAccess(client, callables);
  return async (request, response, url) => {
    if (!url.pathname.startsWith(PREFIX)) return false;
    const what = url.pathname.slice(PREFIX.length);
    const action = ACTIONS.get(what);
    if (action) {
      await act(request, response, action, access);
      return true;
    }
    if (what !== "runs" && what !== "run" && what !== "events") return false;
    if (request.method !== "GET") throw methodNotAllowed(request, "GET");
    const { searchParams: given } = url;
    const run = given.get("run") ?? undefined;
    if (what === "run" && run === undefined) throw new BadRequestError("The parameter run is missing");
    const isOne = what === "run" || (what === "events" && run !== undefined);
    const service = given.get("service");
    const control = access.of(request, service, isOne ? "show" : "list");
    const look = isOne ? lookAtRun(control, run ?? "") : lookAtRuns(control, filterOf(given));
    if (what === "events") {
      access.of(request, service, "progress");
      sendRunEvents(request, response, { control, run, look }, streams);
      return true;
    }
    const left = leaving(response);
    sendJson(request, response, await look(left));
    return true;
  };
}

const PREFIX = "/dashboard/workflows/";

function lookAtRun(control: ControlCall, run: string): (signal: AbortSignal) => Promise<unknown> {
  return async (signal) => readDetails(await control("show", { run }, { signal, timeoutMs: LOOK_MS }));
}

function lookAtRuns(control: ControlCall, filter: RunFilter): (signal: AbortSignal) => Promise<unknown> {
  return async (signal) => {
    const options = { signal, timeoutMs: LOOK_MS };
    const [runs, counts] = await Promise.all([control("list", filter, options), control("count", undefined, options)]);
    return { runs: listOf(runs, MAX_PAGE).map(readRun), counts: readCounts(counts) };
  };
}

function filterOf(given: URLSearchParams): RunFilter {
  const limit = Number(given.get("limit") ?? 20);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new BadRequestError(`The parameter limit is a whole number from 1 to ${MAX_PAGE}`);
  }
  return {
    limit,
    // The service says what is no state.
    state: (given.get("state") ?? undefined) as RunState | undefined,
    task: given.get("task") ?? undefined,
    after: given.get("after") ?? undefined,
  };
}

/** Something that can be done about a run. */
interface Action {
  readonly method: "cancel" | "retry" | "resume";
  /** What it takes besides the run. */
  readonly takes: readonly string[];
}

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["cancel", { method: "cancel", takes: ["reason"] }],
  ["retry", { method: "retry", takes: [] }],
  ["resume", { method: "resume", takes: ["answer", "result", "step"] }],
]);

async function act(
  request: IncomingMessage,
  response: ServerResponse,
  { method, takes }: Action,
  access: ControlAccess,
): Promise<void> {
  if (request.method !== "POST") throw methodNotAllowed(request, "POST");
  // A form, which any page can send, is no JSON.
  if (mediaTypeOf(request) !== "application/json") {
    throw new HttpRefusal(415, "BAD_REQUEST", "What is to be done is told in application/json", {
      "accept-post": "application/json",
    });
  }
  const left = leaving(response);
  const given = membersOf(fromJson(toText(await readBody(request, MAX_BODY_BYTES, left)), "The body"));
  const control = access.of(request, given.service, method);
  const { run } = given;
  if (typeof run !== "string") throw new BadRequestError("The member run names the run");
  const args = Object.fromEntries(
    takes.filter((name) => Object.hasOwn(given, name)).map((name) => [name, given[name]]),
  );
  // The service looks at them itself.
  const asked = { ...args, run, by: access.by() } as Parameters<WorkflowControl["resume"]>[0];
  // What was asked for is done, whether anybody waits for the answer or not.
  sendJson(request, response, readRun(await control(method, asked, { timeoutMs: ACT_MS })));
}

function sendJson(request: IncomingMessage, response: ServerResponse, value: unknown): void {
  send(request, response, {
    type: "application/json; charset=utf-8",
    body: JSON.stringify(value),
    headers: { "cache-control": "no-store" },
  });
}

/** Fires when nobody waits for the answer any more. */
function leaving(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once("close", () => {
    left.abort();
  });
  return left.signal;
}

/** Runs of one page. */
const MAX_PAGE = 200;
const MAX_BODY_BYTES = 1024 * 1024;
const LOOK_MS = 10_000;
const ACT_MS = 30_000;

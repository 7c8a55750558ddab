import type { IncomingMessage, ServerResponse } from "node:http";
import { rpcError } from "../../errors.js";
import { preferred } from "../accept.js";
import type { OpenStreams } from "../open-streams.js";
import { HttpRefusal, methodNotAllowed } from "../problem.js";
import type { RequestHandler } from "../request-handler.js";
import { type AnswerLimits, CALL_TYPES, sendAnswer } from "./call-answer.js";
import { type ArgumentLimits, readArguments } from "./call-arguments.js";
import { type CallRequest, callPath, readCallRequest } from "./call-request.js";
import type { Callables } from "./callables.js";

/** What calls need. */
export interface CallHandlerOptions {
  /** What may be called. */
  readonly callables: Callables;
  /** Where answers that go on are counted. */
  readonly streams: OpenStreams;
  /** How much is taken, and for how long. */
  readonly limits: ArgumentLimits & AnswerLimits & { readonly timeoutMs: number; readonly maxTimeoutMs: number };
}

/** `POST /call/INTERFACE/METHOD` (docs/http.md). */
export function callHandler(options: CallHandlerOptions): RequestHandler {
  return async (request, response, url) => {
    const path = callPath(url.pathname);
    if (!path) return false;
    if (request.method !== "POST") throw methodNotAllowed(request, "POST");
    if (preferred(request.headers.accept, CALL_TYPES) === undefined) {
      throw new HttpRefusal(406, "BAD_REQUEST", `A call is answered in one of ${CALL_TYPES.join(", ")}`);
    }
    const call = readCallRequest(request, url, path, options.limits);
    const ended = new AbortController();
    const timer = setTimeout(() => {
      ended.abort(expired(call));
    }, call.timeoutMs);
    const onClose = (): void => {
      ended.abort(rpcError("CANCELLED", "Whoever asked has gone"));
    };
    response.once("close", onClose);
    try {
      await carryOut(request, response, call, options, ended.signal, () => {
        clearTimeout(timer);
      });
    } finally {
      clearTimeout(timer);
      response.off("close", onClose);
    }
    return true;
  };
}

async function carryOut(
  request: IncomingMessage,
  response: ServerResponse,
  call: CallRequest,
  { callables, streams, limits }: CallHandlerOptions,
  signal: AbortSignal,
  onSent: () => void,
): Promise<void> {
  const startedAt = performance.now();
  const callable = await callables.find(call, call.method, call.extensions, signal);
  const { component, contract } = callable;
  const leftMs = (): number => Math.max(1, Math.ceil(call.timeoutMs - (performance.now() - startedAt)));
  if (call.sessionId !== undefined) await component.resumeSession(call.sessionId, { timeoutMs: leftMs() });
  const { values, attachment, fault } = await readArguments(request, call, callable, limits, signal);
  // From here on the call has a deadline of its own, and knows what has become of it when that passes.
  onSent();
  const answer = await component
    .callFull(call.method, values, {
      attachment,
      extensions: call.extensions,
      signal,
      timeoutMs: leftMs(),
    })
    .catch((error: unknown) => {
      throw fault?.() ?? error;
    });
  const { service } = component.status;
  await sendAnswer(request, response, { answer, contract, call, service }, { streams, limits });
}

function expired({ interface: name, service, method, timeoutMs }: CallRequest): Error {
  return rpcError("TIMEOUT", `The deadline of ${timeoutMs} ms passed before ${name}.${method} was called`, {
    interface: name,
    service,
    method,
  });
}

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { type ErrorCode, type Outcome, RpcError, rpcError } from "../errors.js";
import { toJson } from "./json-values.js";
import { send } from "./send.js";

/** What a request that fails is answered with: problem details (RFC 9457) with what an `RpcError` has. */
export interface Problem {
  /** What the status means. */
  readonly title: string;
  /** Status of the answer. */
  readonly status: number;
  /** What happened, for people. */
  readonly detail: string;
  /** What happened, for programs. */
  readonly code: ErrorCode;
  /** What is known of the execution. */
  readonly outcome: Outcome;
  /** The number on PyCOM's wire, where a service has raised one of its own. */
  readonly number?: number;
  /** Interface that was called, when known. */
  readonly interface?: string;
  /** Service path or address that was called, when known. */
  readonly service?: string;
  /** Method that was called, when known. */
  readonly method?: string;
  /** Name of the error at the service, where it tells. */
  readonly name?: string;
  /** What the service has attached to the error. */
  readonly data?: unknown;
}

/** A request that HTTP itself has a status for, whatever the code. */
export class HttpRefusal extends Error {
  /** Status of the answer. */
  readonly status: number;
  /** Headers that go with it. */
  readonly headers: Readonly<Record<string, string>>;
  /** What happened, for programs. */
  readonly code: ErrorCode;

  /** Made where a request is refused before anything was called. */
  constructor(status: number, code: ErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** A method of HTTP that a path does not know. */
export function methodNotAllowed(request: IncomingMessage, allowed: string): HttpRefusal {
  return new HttpRefusal(405, "BAD_REQUEST", `${request.method ?? ""} is not for this path; it takes ${allowed}`, {
    allow: allowed,
  });
}

/** Makes of anything thrown what its caller is told: no stack, no cause, and of what is no `RpcError` nothing at all. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof HttpRefusal) {
    const { status, code, message } = thrown;
    return { title: titleOf(status), status, detail: message, code, outcome: "not-sent" };
  }
  const error =
    callErrorOf(thrown) ??
    rpcError("UNKNOWN", "Something failed in the gateway itself; its log says what", { outcome: "unknown" });
  const status = STATUSES[error.code] ?? 500;
  return {
    title: titleOf(status),
    status,
    detail: error.message,
    code: error.code,
    outcome: error.outcome,
    ...(error.code === "UNKNOWN" && error.number !== 1 && { number: error.number }),
    ...(error.interface !== undefined && { interface: error.interface }),
    ...(error.service !== undefined && { service: error.service }),
    ...(error.method !== undefined && { method: error.method }),
    ...(error.remote?.name !== undefined && { name: error.remote.name }),
    ...(error.remote?.data !== undefined && { data: error.remote.data }),
  };
}

/** The failure of a call in what was thrown: itself, or what is behind an error of a class that was registered. */
export function callErrorOf(thrown: unknown): RpcError | undefined {
  if (RpcError.isRpcError(thrown)) return thrown;
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined;
  return RpcError.isRpcError(cause) ? cause : undefined;
}

/** Answers a request with what went wrong. Nothing is sent where an answer has begun: that breaks off. */
export function sendProblem(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = problemOf(thrown);
  const isAnonymous = problem.code === "ACCESS_DENIED" && request.headers.authorization === undefined;
  const status = isAnonymous && !(thrown instanceof HttpRefusal) ? 401 : problem.status;
  const text = toJson({ ...problem, status, title: titleOf(status) });
  send(request, response, {
    status,
    type: "application/problem+json",
    body: text,
    headers: {
      "cache-control": "no-store",
      ...(status === 401 && { "www-authenticate": "Bearer" }),
      // Another try makes sense where nothing has been executed.
      ...(status === 503 && problem.outcome !== "unknown" && problem.outcome !== "executed" && { "retry-after": "1" }),
      ...(thrown instanceof HttpRefusal && thrown.headers),
    },
  });
}

function titleOf(status: number): string {
  return STATUS_CODES[status] ?? "Cancelled";
}

const STATUSES: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  ACCESS_DENIED: 403,
  METHOD_NOT_FOUND: 404,
  SERVICE_NOT_FOUND: 404,
  SESSION_EXPIRED: 409,
  TOO_LARGE: 413,
  CANCELLED: 499,
  UNAVAILABLE: 503,
  OVERLOADED: 503,
  DRAINING: 503,
  CLOSED: 503,
  TIMEOUT: 504,
};

import type { IncomingMessage } from "node:http";
import { BadRequestError } from "../../errors.js";
import { AUTH_EXTENSION } from "../../peer/record.js";
import type { Extensions } from "../../wire/message.js";
import type { CallTarget } from "./callables.js";

/** What a request for a call says besides its arguments. */
export interface CallRequest extends CallTarget {
  /** Remote name. */
  readonly method: string;
  /** Session to take up. */
  readonly sessionId: string | undefined;
  /** Time for everything, in milliseconds. */
  readonly timeoutMs: number;
  /** The caller's token, where there is one. */
  readonly extensions: Extensions | undefined;
  /** Arguments as JSON, where they do not stand in the body. */
  readonly argumentText: string | undefined;
}

/**
 * The interface and method that a path names; `undefined` when it is none of calls.
 *
 * @throws BadRequestError when it cannot be read
 */
export function callPath(path: string): { readonly interface: string; readonly method: string } | undefined {
  const [empty, verb, interfaceName, method, ...more] = path.split("/");
  if (empty !== "" || verb !== "call" || !interfaceName || !method || more.length > 0) return undefined;
  let names: { readonly interface: string; readonly method: string };
  try {
    names = { interface: decodeURIComponent(interfaceName), method: decodeURIComponent(method) };
  } catch {
    throw new BadRequestError("The path is not encoded as URLs are");
  }
  // An address is none either: whom the gateway connects to is the nameserver's to say, and not whoever asks.
  if (/[/:]/.test(names.interface) || names.interface.length > MAX_NAME || names.method.length > MAX_NAME) {
    throw new BadRequestError(`${JSON.stringify(names.interface.slice(0, MAX_NAME))} is no name of an interface`);
  }
  return names;
}

/**
 * Reads what stands in query and headers; headers win.
 *
 * @throws BadRequestError for a deadline that is none
 */
export function readCallRequest(
  request: IncomingMessage,
  url: URL,
  path: { readonly interface: string; readonly method: string },
  limits: { readonly timeoutMs: number; readonly maxTimeoutMs: number },
): CallRequest {
  const { headers } = request;
  const given = (header: string, parameter: string): string | undefined => {
    const value = headers[header];
    return typeof value === "string" ? value : (url.searchParams.get(parameter) ?? undefined);
  };
  const timeout = given("x-timeout-ms", "timeoutMs");
  const wantedMs = timeout === undefined ? limits.timeoutMs : Number(timeout);
  if (!(wantedMs > 0)) {
    throw new BadRequestError(`A deadline is a number of milliseconds above 0, got ${JSON.stringify(timeout)}`);
  }
  const tags = given("x-tags", "tags") ?? "";
  const token = tokenOf(headers.authorization);
  return {
    ...path,
    service: given("x-service", "service"),
    tags: tags
      .split(",")
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ""),
    sessionId: given("x-session-id", "session"),
    timeoutMs: Math.min(wantedMs, limits.maxTimeoutMs),
    extensions: token === undefined ? undefined : { [AUTH_EXTENSION]: token },
    argumentText: given("x-arguments", "args"),
  };
}

/** Of interfaces and methods, in characters. */
const MAX_NAME = 255;

/** The token of a caller, as the header `Authorization` gives it; `undefined` for none. */
export function tokenOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}

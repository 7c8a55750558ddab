import { type ErrorCode, MethodNotFoundError, RpcError } from "../../errors.js";
import { Code } from "../../wire/amp/format.js";
import type { FailureMessage } from "../../wire/amp/index.js";
import type { AmpErrorClass, Command } from "./command.js";
import { RemoteAmpError } from "./errors.js";
import { HIDDEN } from "./failure-of.js";

/** What was called where, for errors. */
export interface CalledPlace {
  /** The name of the command. */
  readonly method: string;
  /** The address of the peer, where it is known. */
  readonly service?: string | undefined;
  /** What one of our own hosts says more exactly than AMP can. Default `UNKNOWN`. */
  readonly code?: ErrorCode | undefined;
}

/**
 * What a call fails with whose peer answered with an error (docs/amp-wire.md, section 4): a `MethodNotFoundError`, `not-executed`,
 * where the peer has no such command; an error of the class that the command declares for the code, whose `cause` is the
 * {@link RemoteAmpError}; else that one itself.
 *
 * @param command - that was called; `undefined` where nothing but its name is known
 */
export function errorOf(command: Command | undefined, failure: FailureMessage, where: CalledPlace): Error {
  const { code, description, outcome = "executed" } = failure;
  const remote = { name: code, message: description };
  if (code === Code.unhandled) {
    return new MethodNotFoundError(`${placeOf(where)} has no command ${JSON.stringify(where.method)}`, {
      ...where,
      outcome: "not-executed",
      remote,
    });
  }
  const error = new RemoteAmpError(code, description, {
    ...where,
    outcome,
    remote,
    fatal: command?.fatalErrors.has(code),
    received: true,
    message: messageOf(failure, where),
  });
  return asDeclared(command, code, description, error);
}

/**
 * An error of the class that a command declares for a code, with another as its cause; the other where there is none.
 *
 * @param command - `undefined` where nothing but its name is known
 */
export function asDeclared(command: Command | undefined, code: string, description: string, cause: RpcError): Error {
  const Class = command?.errors.get(code) ?? command?.fatalErrors.get(code);
  return Class ? declared(Class, description, cause) : cause;
}

/** What people are told of an error that a peer has answered. */
export function messageOf(
  { code, description }: Pick<FailureMessage, "code" | "description">,
  where: CalledPlace,
): string {
  const failed = `${where.method} failed at ${where.service ?? "the peer"}`;
  if (code === Code.unknown && description === HIDDEN) {
    return `${failed}, which does not tell why: its log has the reason (${code}: ${description})`;
  }
  return description === "" ? `${failed} (${code})` : `${failed}: ${description} (${code})`;
}

function placeOf({ service }: CalledPlace): string {
  return service ?? "The peer";
}

/** An error of the class that stands for the code. What its constructor does is not ours: it may throw, or make something else. */
function declared(Class: AmpErrorClass, description: string, error: RpcError): Error {
  try {
    const made = new Class(description);
    if (!(made instanceof Error)) return error;
    const told = { cause: error, ...(RpcError.isRpcError(made) && factsOf(error)) };
    for (const [name, value] of Object.entries(told)) {
      Object.defineProperty(made, name, { value, configurable: true, writable: true, enumerable: name !== "cause" });
    }
    return made;
  } catch {
    return error;
  }
}

/** What one of our own errors says of its call. It was made of a text alone, as if it had never been sent. */
function factsOf({ outcome, service, method, remote }: RpcError): Partial<RpcError> {
  return { outcome, service, method, remote };
}

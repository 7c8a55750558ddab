import { RpcError, type RpcErrorOptions } from "../../errors.js";
import { UNSUPPORTED_INTERFACE } from "../../peer/dispatcher.js";
import { isRegisteredName } from "../../peer/error-classes.js";
import { Code } from "../../wire/amp/format.js";
import type { AmpDialect } from "../../wire/amp/index.js";
import type { ErrorMessage } from "../../wire/message.js";
import type { Command } from "./command.js";
import { isCode, RemoteAmpError } from "./errors.js";
import { failureOf } from "./failure-of.js";

/**
 * What whoever has called a method is told of its failure. The code is the one that the command declares, the name of a registered class
 * of errors, `UNHANDLED` where there is no such method, or else that of the `RpcError`. The connection goes on, unless the command
 * declares the error as a fatal one.
 */
export function failureOfAnswer(
  answer: ErrorMessage,
  command: Command | undefined,
  dialect: AmpDialect,
): RemoteAmpError {
  const { code, outcome, remote, thrown } = answer;
  if (outcome === "executed") {
    const said = failureOf(command, thrown, dialect);
    if (said.isDeclared) return failure(said.code, said.description, { outcome }, said.isFatal);
  }
  const isUnhandled =
    outcome !== "executed" && (code === "METHOD_NOT_FOUND" || remote.message.startsWith(UNSUPPORTED_INTERFACE));
  if (isUnhandled) return failure(Code.unhandled, remote.message, { outcome });
  const isNamed = remote.name !== undefined && isRegisteredName(remote.name) && isCode(remote.name);
  return failure(isNamed && remote.name ? remote.name : code, remote.message, { outcome });
}

/** What whoever has called a method is told of arguments that cannot be read; nothing was run. */
export function failureOfArguments(error: unknown): RemoteAmpError {
  const text = RpcError.isRpcError(error) ? error.message : "The arguments cannot be read";
  return failure("BAD_REQUEST", text, { outcome: "not-executed" });
}

function failure(code: string, text: string, options: RpcErrorOptions, fatal = false): RemoteAmpError {
  return new RemoteAmpError(code, text, { ...options, fatal, tellsOutcome: true });
}

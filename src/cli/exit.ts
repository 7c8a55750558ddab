import { RpcError } from "../errors.js";
import { UNSUPPORTED_INTERFACE } from "../peer/dispatcher.js";
import { messageOf } from "./message.js";

/** Exit status of every command. */
export const EXIT = {
  /** It worked. */
  success: 0,
  /**
   * A host answered an error, also the one that it does not offer the interface, or its contract refuses the call, so that
   * nothing was sent; a name is taken, a port in use.
   */
  refused: 1,
  /** Wrong usage, a broken module, invalid JSON. */
  usage: 2,
  /** Not known to the nameserver, or not reachable: nothing was sent. */
  unreachable: 3,
  /** Sent and unanswered. */
  unanswered: 4,
} as const;

/** What a {@link CommandError} carries besides its message. */
export interface CommandErrorOptions {
  /** The error behind it; of an `RpcError` code and outcome are told too. */
  readonly cause?: unknown;
  /** What to do about it. */
  readonly hint?: string;
}

/** An end of a command with a status of its own. */
export class CommandError extends Error {
  /** See {@link EXIT}. */
  readonly status: number;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(message: string, status: number, options: CommandErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.hint = options.hint;
  }
}

/** Wrong usage. */
export function usageError(message: string, cause?: unknown): CommandError {
  return new CommandError(message, EXIT.usage, { cause });
}

/** The status that tells what is known of a failed command. */
export function statusOfError(error: unknown): number {
  if (error instanceof CommandError) return error.status;
  if (!RpcError.isRpcError(error)) return EXIT.refused;
  if (error.outcome === "unknown") return EXIT.unanswered;
  if (error.code === "CONFIGURATION") return EXIT.usage;
  // What the service's contract refuses it would have refused itself: that is its answer, given early.
  const early = error.code === "BAD_REQUEST" || error.code === "METHOD_NOT_FOUND" || error.code === "TOO_LARGE";
  return error.outcome === "not-sent" && !early ? EXIT.unreachable : EXIT.refused;
}

/** What standard error is told of a failed command. */
export interface ErrorReport {
  /** What happened. */
  readonly message: string;
  /** Code of a call's error. */
  readonly code?: string;
  /** The service's own number, where it has one. */
  readonly number?: number;
  /** What is known of the call's execution. */
  readonly outcome?: string;
  /** What to do. */
  readonly hint?: string;
}

/** What happened, its code and outcome, and what to do. */
export function reportOf(error: unknown): ErrorReport {
  const rpc = error instanceof CommandError ? error.cause : error;
  const hint = error instanceof CommandError ? error.hint : undefined;
  if (!RpcError.isRpcError(rpc)) {
    const message = messageOf(error);
    const advice = error instanceof CommandError ? hint : '"lamplighter doctor" looks at this installation.';
    return { message, ...(advice !== undefined && { hint: advice }) };
  }
  const advice = hint ?? adviceFor(rpc);
  return {
    message: messageOf(error),
    code: rpc.code,
    ...(rpc.remote && rpc.number > 6 && { number: rpc.number }),
    outcome: rpc.outcome,
    ...(advice !== undefined && { hint: advice }),
  };
}

/** The report in lines for people. */
export function describeError(error: unknown): string {
  const { message, code, number, outcome, hint } = reportOf(error);
  const lines = [`error: ${message}`];
  if (code !== undefined) lines.push(`code: ${code}${number === undefined ? "" : ` ${number}`}, outcome: ${outcome}`);
  if (hint !== undefined) lines.push(hint);
  return lines.join("\n");
}

/** What to do about a call's error; nothing where its message says it already. */
function adviceFor(error: RpcError): string | undefined {
  if (error.outcome === "unknown") {
    return "The call may have been executed. Look at the service before calling again.";
  }
  switch (error.code) {
    case "BAD_REQUEST":
    case "METHOD_NOT_FOUND":
      // What was no call, such as the address of an event.
      if (error.interface === undefined) return undefined;
      return error.message.startsWith(UNSUPPORTED_INTERFACE)
        ? '"lamplighter list" shows which service offers what.'
        : `"lamplighter introspect ${error.interface}" shows the methods and what they take.`;
    case "ACCESS_DENIED":
      return "Is it the right folder of keys (--keys), and does the host trust it? Or log in: --user and --credentials, or a --token.";
    case "SESSION_EXPIRED":
      return "Call without --session: that opens a new one.";
    case "TIMEOUT":
      return "A longer --timeout gives the service time to come up.";
    case "DRAINING":
    case "OVERLOADED":
      return "The call was not executed. Try again in a moment.";
    case "UNAVAILABLE":
      return error.message.includes("lamplighter nameserver")
        ? undefined
        : 'Look whether it runs, and at this address; "lamplighter doctor" looks at this machine.';
    default:
      return error.outcome === "executed" ? "The method ran and failed; the service's log may say why." : undefined;
  }
}

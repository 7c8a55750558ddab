import { RpcError } from "../errors.js";

/** Exit status of every command. */
export const EXIT = {
  /** It worked. */
  success: 0,
  /** The service answered an error, a name is taken, a port in use. */
  refused: 1,
  /** Wrong usage, a broken module, invalid JSON. */
  usage: 2,
  /** Not found or not reachable: nothing was sent. */
  unreachable: 3,
  /** Sent and unanswered. */
  unanswered: 4,
} as const;

/** An end of a command with a status of its own. */
export class CommandError extends Error {
  /** See {@link EXIT}. */
  readonly status: number;

  constructor(message: string, status: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

/** Wrong usage. */
export function usageError(message: string, cause?: unknown): CommandError {
  return new CommandError(message, EXIT.usage, cause);
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

/** What standard error is told: what happened, its code and outcome, and what to do. */
export function describeError(error: unknown): string {
  if (error instanceof CommandError && RpcError.isRpcError(error.cause)) return describeError(error.cause);
  if (!RpcError.isRpcError(error)) return `error: ${error instanceof Error ? error.message : String(error)}`;
  const number = error.remote && error.number > 6 ? ` ${error.number}` : "";
  const lines = [`error: ${error.message}`, `code: ${error.code}${number}, outcome: ${error.outcome}`];
  const hint = HINTS[error.outcome];
  if (hint !== undefined) lines.push(hint);
  return lines.join("\n");
}

const HINTS: Readonly<Record<string, string | undefined>> = {
  unknown: "The call may have been executed. Look at the service before calling again.",
};

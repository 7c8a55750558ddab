import { type ErrorCode, RpcError, rpcError } from "../../errors.js";
import type { RunFailure, RunInfo } from "../run.js";

/** A step has failed; thrown from it up to where something is done about it. */
export class StepFailed extends Error {
  /** As it is written down. */
  readonly failure: RunFailure;
  /** May it be tried again, if the step's definition says so? */
  readonly mayRetry: boolean;

  constructor(failure: RunFailure, options: { readonly mayRetry?: boolean } = {}) {
    super(failure.message);
    this.failure = failure;
    this.mayRetry = options.mayRetry ?? true;
  }
}

/** The workflow service is being closed: the run is left as it stands in the journal, and goes on from there when the service is there again. */
export class Suspended extends Error {
  constructor() {
    super("The workflow service was closed; the run goes on when it is there again");
  }
}

/**
 * What is thrown by a step, as it is written down.
 *
 * @param step - its path
 */
export function failureOf(error: unknown, step: string): RunFailure {
  if (error instanceof StepFailed) return error.failure;
  // What a function throws was thrown while it ran.
  const { code, message, outcome, number } = RpcError.from(error, "UNKNOWN", { outcome: "executed" });
  // What can be as long as it likes could not be written down, and the run would break off.
  const text =
    message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE).replace(/[\uD800-\uDBFF]$/, "")}…` : message;
  return { code, message: text, outcome, ...(code === "UNKNOWN" && number !== 1 && { number }), step };
}

/** In characters. */
const MAX_MESSAGE = 10_000;

/** The error that whoever waits for a run gets. */
export function errorOfRun(
  { id, task, state }: Pick<RunInfo, "id" | "task" | "state">,
  { code, message, number, step, further }: RunFailure,
): RpcError {
  const where = step === undefined ? "" : ` at step ${step}`;
  const more = further && further.length > 0 ? ` (and ${further.join("; ")})` : "";
  // The run was executed, whatever the outcome of its step.
  return rpcError(code as ErrorCode, `Run ${id} of ${task} ${state}${where}: ${message}${more}`, {
    outcome: "executed",
    number,
  });
}

/** A request that makes no sense: nothing was done. */
export function refuse(message: string): RpcError {
  return rpcError("BAD_REQUEST", message, { outcome: "not-executed" });
}

/** For who waits for a run when the service is closed: `unknown`, so that it is tried again, at whoever goes on with the run. */
export function leftAsItIs(run: string): RpcError {
  return rpcError("UNAVAILABLE", `The workflow service was closed; run ${run} goes on when it is there again`, {
    outcome: "unknown",
  });
}

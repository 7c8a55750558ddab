import { RpcError, rpcError } from "../../errors.js";
import { toldCode } from "../../wire/told.js";
import type { Runs } from "../engine/runs.js";
import { ENDED_STATES, type RunInfo } from "../run.js";

/**
 * Waits for the result of a run.
 *
 * @param signal - ends the wait with its reason
 * @throws RpcError, `executed`, with what the run failed with, saying which run and which step it is
 */
export async function resultOf(runs: Runs, id: string, signal: AbortSignal): Promise<unknown> {
  try {
    return await runs.wait(id, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason as Error;
    const run = await runs.status(id).catch(() => undefined);
    throw run && ENDED_STATES.includes(run.state) ? failureOf(run, error) : error;
  }
}

/**
 * What is to be told of a run that somebody has waited for in vain.
 *
 * @param pollBy - which call would wait on
 */
export function stillRunning(run: RunInfo, waitedMs: number, pollBy: string): RpcError {
  const { questions, stalled } = run;
  const asks = questions.map(({ step, text }) => `step ${step} asks: ${text}`).join("; ");
  const detail = stalled === undefined ? asks : `it is stalled: ${stalled}`;
  const how = `${run.state}${detail === "" ? "" : ` (${detail})`}`;
  return rpcError(
    "TIMEOUT",
    `Run ${run.id} of ${run.task} has not ended after ${Math.round(waitedMs)} ms and goes on; it is ${how}. ${pollBy}`,
    { outcome: "executed" },
  );
}

/** The same as callers of services are told it. */
function failureOf({ error }: RunInfo, thrown: unknown): RpcError {
  const known = RpcError.from(thrown);
  return rpcError(toldCode(known.code) ?? "UNKNOWN", known.message, {
    outcome: "executed",
    // PyCOM's own numbers would say of the call what is true of a step: that nothing was executed.
    number: error?.number ?? 1,
    cause: thrown,
  });
}

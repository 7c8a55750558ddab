import type { Delivery, RunDetails, RunProgress } from "../control.js";
import type { CompiledWorkflow } from "../definition/compiled.js";
import type { HistoryEntry, RunAnswer, RunFilter, RunInfo } from "../run.js";

/** What runs are begun with. */
export interface StartOptions {
  /** Default: one of our own making. */
  readonly id?: string | undefined;
}

/**
 * The runs of one workflow service: what {@link WorkflowControl} offers of them, within the process. An engine implements it. All that takes the id of a
 * run fails with `BAD_REQUEST`, `not-executed`, when there is no such run.
 */
export interface Runs {
  /** What new runs begin with; may change at any time. @internal */
  definitions: CompiledWorkflow;
  /** Begins a run; settles when it is written down. */
  start(task: string, input: unknown, options?: StartOptions): Promise<RunInfo>;
  /** Settles when the run ends. @throws what it failed with, as RpcError; the signal's reason */
  wait(run: string, signal?: AbortSignal): Promise<unknown>;
  /** How a run is doing. */
  status(run: string): Promise<RunInfo>;
  /** A run with its chain. */
  show(run: string): Promise<RunDetails>;
  /** Newest first. */
  list(filter: RunFilter): Promise<readonly RunInfo[]>;
  /** How many there are in each state. */
  count(): Promise<Readonly<Record<string, number>>>;
  /** What has happened in a run, in order. */
  history(run: string, after?: number, limit?: number): Promise<readonly HistoryEntry[]>;
  /** Stops a run, and undoes what it did. */
  cancel(run: string, reason: string, by?: string): Promise<RunInfo>;
  /** Lets a run that has failed go on at the step that failed. */
  retry(run: string, by?: string): Promise<RunInfo>;
  /** Answers a question. */
  resume(run: string, answer: RunAnswer): Promise<RunInfo>;
  /** Delivers an event to one run, or to all that wait for it under a key. */
  deliver(
    event: string,
    payload: unknown,
    to: { run?: string | undefined; key?: string | undefined },
  ): Promise<Delivery>;
  /** Ends with the run, with the signal, or when the reader leaves. */
  progress(run: string | undefined, signal: AbortSignal): AsyncIterable<RunProgress>;
}

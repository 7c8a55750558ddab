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
  /** See {@link WorkflowControl.start}. */
  start(task: string, input: unknown, options?: StartOptions): Promise<RunInfo>;
  /** Settles when the run ends. @throws what it failed with, as RpcError; the signal's reason */
  wait(run: string, signal?: AbortSignal): Promise<unknown>;
  /** See {@link WorkflowControl.status}. */
  status(run: string): Promise<RunInfo>;
  /** See {@link WorkflowControl.show}. */
  show(run: string): Promise<RunDetails>;
  /** See {@link WorkflowControl.list}. */
  list(filter: RunFilter): Promise<readonly RunInfo[]>;
  /** See {@link WorkflowControl.count}. */
  count(): Promise<Readonly<Record<string, number>>>;
  /** See {@link WorkflowControl.history}. */
  history(run: string, after?: number, limit?: number): Promise<readonly HistoryEntry[]>;
  /** See {@link WorkflowControl.cancel}. */
  cancel(run: string, reason: string, by?: string): Promise<RunInfo>;
  /** See {@link WorkflowControl.retry}. */
  retry(run: string, by?: string): Promise<RunInfo>;
  /** See {@link WorkflowControl.resume}. */
  resume(run: string, answer: RunAnswer): Promise<RunInfo>;
  /** See {@link WorkflowControl.deliver}. */
  deliver(
    event: string,
    payload: unknown,
    to: { run?: string | undefined; key?: string | undefined },
  ): Promise<Delivery>;
  /** Ends with the run, with the signal, or when the reader leaves. */
  progress(run: string | undefined, signal: AbortSignal): AsyncIterable<RunProgress>;
}

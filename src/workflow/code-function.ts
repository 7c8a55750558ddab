/** What a function of a `code` step is told besides its input. */
export interface CodeContext {
  /** Id of the run. */
  readonly run: string;
  /** Name of the task. */
  readonly task: string;
  /** Path of the step; with the run's id a key for what the function does. */
  readonly step: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Fires when its time is over. */
  readonly signal: AbortSignal;
}

/**
 * A function that `code` steps run. Its result is written down, and it does not run again then. It may say what it takes, as `(item: string) => …`; the
 * definition decides what it gets.
 */
export type CodeFunction = {
  /** Gets the input of its step, and results in what is written down. */
  bivariant(input: unknown, context: CodeContext): unknown;
}["bivariant"];

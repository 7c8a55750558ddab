import type { CompiledStep, CompiledWorkflow } from "../definition/compiled.js";
import type { HistoryEvent, RunFailure } from "../run.js";
import type { CallTargets } from "./call-targets.js";
import type { EngineParts } from "./parts.js";
import type { RunMemory } from "./run-memory.js";
import type { RunFacts, RunScope } from "./scope.js";
import type { Stop } from "./stop.js";
import type { CallNames, Strand } from "./strand.js";

/** What steps need of the run that they belong to. */
export interface RunContext {
  readonly facts: RunFacts;
  /** What the run began with. */
  readonly workflow: CompiledWorkflow;
  readonly memory: RunMemory;
  readonly names: CallNames;
  readonly targets: CallTargets;
  readonly parts: EngineParts;
  /** Stops everything when the service is closed. */
  readonly closing: Stop;
  /** Settles when all that an earlier process did is known again; `undefined`: it is, or there was none. */
  readonly retold: Promise<void> | undefined;
  /** Fires a while later: what is still going on is given up. */
  readonly givingUp: AbortSignal;
  /**
   * Carries out steps, one after the other. What the history tells of them is not done again.
   *
   * @param result - of what came before
   * @returns the result of the last one
   * @throws StepFailed, Suspended
   */
  runSteps(steps: readonly CompiledStep[], frame: Frame, result: unknown): Promise<unknown>;
  /**
   * Carries out what is done at the end of a task or of some steps, in any case.
   *
   * @param error - what they failed with, if they did
   * @throws as `runSteps`
   */
  runFinally(steps: readonly CompiledStep[], frame: Frame, error: RunFailure | undefined): Promise<void>;
  /** When the run fails, a step that has ended is undone. */
  undoLater(path: string, undo: CompiledStep, scope: RunScope): void;
  /** Writes down what has happened. */
  record(event: HistoryEvent): void;
  /** Settles when all that was recorded is safe. */
  safe(): Promise<void>;
  /** Something is going on, or is only waited for, until the returned function is called; what the run's state is made of. */
  busy(how: "working" | "waiting" | "asking"): () => void;
  /** Is told when an event is delivered under a key; the returned function lets go. */
  listen(event: string, key: string | undefined, heard: () => void): () => void;
  /** Is told when the question of a step is answered; the returned function lets go. */
  answered(step: string, heard: () => void): () => void;
}

/** Where in a run a step stands. */
export interface Frame {
  /** What stands before the keys of its steps: empty, or ends with a slash. */
  readonly path: string;
  readonly scope: RunScope;
  readonly strand: Strand;
  readonly stop: Stop;
}

/**
 * Nothing more is begun when the run stops, or the service is closed.
 *
 * @throws StepFailed with the reason; Suspended
 */
export function requireGoing({ stop }: Frame): void {
  const { reason } = stop;
  if (reason) throw reason;
}

/**
 * Waits for something.
 *
 * @param begin - begins to; gets the function that ends the waiting, and returns what lets go of it all
 * @throws StepFailed with the reason when the run stops meanwhile; Suspended when the service is closed
 */
export function waitFor<T>(
  { stop }: Frame,
  begin: (settle: (value: T) => void, fail: (error: unknown) => void) => () => void,
): Promise<T> {
  let letGo: () => void = () => undefined;
  let leave: () => void = () => undefined;
  return new Promise<T>((resolve, reject) => {
    if (stop.reason) throw stop.reason;
    leave = stop.onStop(() => {
      const { reason } = stop;
      if (reason) reject(reason);
    });
    letGo = begin(resolve, reject);
  }).finally(() => {
    leave();
    letGo();
  });
}

/** Waits until a time, in milliseconds since 1970. @throws as {@link waitFor} */
export async function pauseUntil({ parts }: RunContext, frame: Frame, when: number): Promise<void> {
  await waitFor<undefined>(frame, (settle) =>
    parts.clock.at(when, () => {
      settle(undefined);
    }),
  );
}

/** What a step is given. @throws BadRequestError when a reference leads nowhere */
export function inputOf(step: CompiledStep, scope: RunScope): unknown {
  const template = "input" in step ? step.input : undefined;
  return template ? template(scope) : scope.get("result");
}

import type { StepFailed, Suspended } from "./failure.js";

/**
 * Tells the steps of a run, or of a part of it, to begin nothing more. What they are doing they end; what they only wait for they leave.
 */
export class Stop {
  readonly #parent: Stop | undefined;
  #reason: StepFailed | Suspended | undefined;
  #listeners: Set<() => void> | undefined;

  /** @param parent - stops this one as well */
  constructor(parent?: Stop) {
    this.#parent = parent;
  }

  /** Why; `undefined` as long as nobody has told. */
  get reason(): StepFailed | Suspended | undefined {
    return this.#reason ?? this.#parent?.reason;
  }

  /** Stops; the first reason counts. */
  stop(reason: StepFailed | Suspended): void {
    if (this.reason) return;
    this.#reason = reason;
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners = undefined;
  }

  /**
   * Calls a listener when it stops, here or above.
   *
   * @returns lets go of the listener
   */
  onStop(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    const leave = this.#parent?.onStop(listener);
    return () => {
      this.#listeners?.delete(listener);
      leave?.();
    };
  }
}

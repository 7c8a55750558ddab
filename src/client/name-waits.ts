import type { DeadlineWheel, Expiring } from "../util/deadline-wheel.js";
import { type Linked, LinkedList } from "../util/linked-list.js";
import { listenToAbort } from "../util/signals.js";
import type { Run } from "./run.js";

/** A call that waits for the name of its first try. */
export class NameWait implements Linked {
  previous: this | undefined = undefined;
  next: this | undefined = undefined;
  readonly run: Run;
  /** The call has come to an end from outside, for this reason. */
  readonly onEnded: (reason: unknown) => void;
  /** Listens to the call's signal. */
  onAbort: (() => void) | undefined = undefined;
  /** Is it over, with a name or without? */
  isOver = false;
  /** Does the call's own guard look after it? */
  isGuarded = false;

  constructor(run: Run, onEnded: (reason: unknown) => void) {
    this.run = run;
    this.onEnded = onEnded;
  }
}

/**
 * Calls that wait for the names of their first tries. Most get them soon: only those that wait for longer, or have little time left, are
 * given a guard.
 */
export class NameWaits implements Expiring {
  wheelBucket: Set<Expiring> | undefined;
  readonly #waits = new LinkedList<NameWait>();
  readonly #wheel: DeadlineWheel;
  #isWatched = false;

  /** @param wheel - that of the calls */
  constructor(wheel: DeadlineWheel) {
    this.#wheel = wheel;
  }

  /** A call begins to wait, as soon as it has begun. */
  begin(run: Run, onEnded: (reason: unknown) => void): NameWait {
    const wait = new NameWait(run, onEnded);
    this.#waits.add(wait);
    const soon = run.startedAt + SOON_MS;
    if (run.deadlineAt <= soon + SOON_MS) this.#guard(wait);
    else if (!this.#isWatched) {
      this.#isWatched = true;
      this.#wheel.add(soon, this);
    }
    if (run.signal) {
      wait.onAbort = () => {
        this.#guard(wait);
      };
      listenToAbort(run.signal, wait.onAbort);
    }
    return wait;
  }

  /** It waits no more. Returns whether it did until now. */
  end(wait: NameWait): boolean {
    if (wait.isOver) return false;
    const { run, onAbort } = wait;
    wait.isOver = true;
    if (onAbort) run.signal?.removeEventListener("abort", onAbort);
    if (wait.isGuarded) run.dispose();
    else this.#waits.delete(wait);
    return true;
  }

  expire(): void {
    this.#isWatched = false;
    for (const wait of this.#waits) this.#guard(wait);
  }

  #guard(wait: NameWait): void {
    if (wait.isGuarded) return;
    wait.isGuarded = true;
    this.#waits.delete(wait);
    const guard = wait.run.guard();
    const ended = (): void => {
      if (this.end(wait)) wait.onEnded(guard.reason);
    };
    if (guard.aborted) ended();
    else guard.addEventListener("abort", ended, { once: true });
  }
}

/** How long calls wait without a guard, in milliseconds. */
const SOON_MS = 50;

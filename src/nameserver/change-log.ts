import { randomBytes } from "node:crypto";
import type { Registry, RegistryChange } from "./registry.js";

/** What `watch` answers. */
export interface ChangeBatch {
  /** Where to go on: give it back as `since`. */
  readonly cursor: string;
  /** The changes are the whole state: it is the first question, or too much has happened since the cursor. */
  readonly reset: boolean;
  /** In order; after a reset every record as `added`. */
  readonly changes: readonly RegistryChange[];
}

/** The last changes of a registry, numbered, for those who follow it. */
export class ChangeLog {
  readonly #registry: Registry;
  readonly #changes: RegistryChange[] = [];
  readonly #unwatch: () => void;
  readonly #waiting = new Set<() => void>();
  /** Cursors of another run of this nameserver mean nothing here. */
  readonly #run = randomBytes(6).toString("hex");
  #first = 0;
  #closed = false;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#unwatch = registry.watch((change) => {
      this.#changes.push(change);
      if (this.#changes.length > MAX_CHANGES) {
        this.#first += this.#changes.length - KEPT_CHANGES;
        this.#changes.splice(0, this.#changes.length - KEPT_CHANGES);
      }
      for (const wake of [...this.#waiting]) wake();
    });
  }

  /** Number of changes so far, for {@link ChangeLog.next}. */
  get count(): number {
    return this.#first + this.#changes.length;
  }

  /** What has happened since a cursor; everything, if there is none or it is too old. */
  since(cursor: string | undefined): ChangeBatch {
    const [run, number] = cursor?.split(".") ?? [];
    const index = run === this.#run ? Number(number) - this.#first : NaN;
    const next = `${this.#run}.${this.count}`;
    if (!(index >= 0 && index <= this.#changes.length)) {
      const changes = this.#registry.list().map((record): RegistryChange => ({ type: "added", record }));
      return { cursor: next, reset: true, changes };
    }
    return { cursor: next, reset: false, changes: this.#changes.slice(index) };
  }

  /**
   * Settles with `true` at the next change, with `false` when the time is up or the signal fires.
   *
   * @param since - {@link ChangeLog.count} of what the asker knows
   */
  next(since: number, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (since !== this.count) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (changed: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", stop);
        resolve(changed);
      };
      const wake = (): void => {
        settle(true);
      };
      const stop = (): void => {
        settle(false);
      };
      const timer = setTimeout(stop, waitMs);
      this.#waiting.add(wake);
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted || this.#closed) stop();
    });
  }

  /** Stops following the registry; whoever waits gets what there is. */
  close(): void {
    this.#unwatch();
    for (const wake of [...this.#waiting]) wake();
    this.#closed = true;
  }
}

/** So many changes are kept … */
const KEPT_CHANGES = 5_000;
/** … and shortened to that when there are more than this. */
const MAX_CHANGES = 10_000;

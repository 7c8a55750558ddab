import type { JournalWrite, StoredRun } from "../journal/run-journal.js";
import type { HistoryEvent, RunFailure } from "../run.js";
import type { EngineParts } from "./parts.js";

/** Runs that have not ended and cannot go on, because what they began with, or their history, cannot be read. */
export class StuckRuns {
  readonly #parts: EngineParts;
  /** Why, by id. */
  readonly #reasons = new Map<string, string>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** A run turns out to be one of them. */
  add({ id, task }: StoredRun, { message }: Error): void {
    this.#reasons.set(id, message);
    this.#parts.log.error(`Run ${id} of ${task} cannot go on: ${message}`);
  }

  /** Why a run cannot go on; `undefined`: it is none of them. */
  why(run: string): string | undefined {
    return this.#reasons.get(run);
  }

  /** It is none of them any more. */
  delete(run: string): void {
    this.#reasons.delete(run);
  }

  /** Ends one of them; what it did stays done. @throws UnavailableError when that cannot be written */
  async cancel({ id, key }: StoredRun, reason: string, by: string | undefined): Promise<void> {
    const why = this.#reasons.get(id);
    if (why === undefined) return;
    // Who comes at the same time finds it cancelled.
    this.#reasons.delete(id);
    const at = this.#parts.clock.now();
    const error: RunFailure = {
      code: "CANCELLED",
      message: `It was cancelled: ${reason}`,
      outcome: "executed",
      further: [`what it did was not undone, because it could not go on: ${why}`],
    };
    try {
      await this.#parts.journal.write([
        ...(await this.#lines(key, at, [
          { kind: "cancelled", reason, ...(by !== undefined && { by }) },
          { kind: "ended", state: "cancelled" },
        ])),
        { kind: "state", run: key, state: "cancelled", at, ended: true, error },
      ]);
    } catch (failure) {
      this.#reasons.set(id, why);
      throw failure;
    }
  }

  /** Of a history that cannot be read nobody knows where it ends: it gets no more lines. */
  async #lines(run: number, at: number, events: readonly HistoryEvent[]): Promise<JournalWrite[]> {
    let last: number;
    try {
      last = (await this.#parts.journal.history(run)).at(-1)?.number ?? 0;
    } catch {
      return [];
    }
    return events.map((event, index) => ({ kind: "entry", run, entry: { number: last + index + 1, at, event } }));
  }
}

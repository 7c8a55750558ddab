import type { JournalStatement } from "../../peer/once/call-journal.js";
import type { Database } from "../../service/journal/libsql.js";
import { ENDED_STATES, type RunState } from "../run.js";
import type { PrunePolicy } from "./run-journal.js";
import type { StateCounts } from "./state-counts.js";
import type { JournalWriter } from "./writer.js";

/** Forgets ended runs in small transactions, between which others have their turn. */
export class Pruner {
  readonly #writer: JournalWriter;
  readonly #counts: StateCounts;
  readonly #oldest: JournalStatement;
  readonly #remember: JournalStatement;
  readonly #deleteRun: JournalStatement;
  readonly #forgotten: JournalStatement;
  readonly #deleteLines: JournalStatement;
  readonly #deleteForgotten: JournalStatement;
  #isStopped = false;

  constructor(database: Database, writer: JournalWriter, counts: StateCounts) {
    this.#writer = writer;
    this.#counts = counts;
    this.#oldest = database.prepare(
      "SELECT key, state FROM runs WHERE ended IS NOT NULL AND ended < ? ORDER BY ended, key LIMIT ?",
    );
    this.#remember = database.prepare("INSERT INTO forgotten VALUES (?)");
    this.#deleteRun = database.prepare("DELETE FROM runs WHERE key = ?");
    this.#forgotten = database.prepare("SELECT run FROM forgotten ORDER BY run LIMIT 1");
    this.#deleteLines = database.prepare(
      "DELETE FROM history WHERE rowid IN (SELECT rowid FROM history WHERE run = ? LIMIT ?)",
    );
    this.#deleteForgotten = database.prepare("DELETE FROM forgotten WHERE run = ?");
  }

  /** See {@link RunJournal.prune}. */
  async prune({ maxAgeMs = MAX_AGE_MS, maxRuns = MAX_RUNS }: PrunePolicy): Promise<number> {
    let runs = 0;
    // First those of which an earlier process had no time to delete everything.
    await this.#deleteHistories();
    for (;;) {
      const tooMany = ENDED_STATES.reduce((sum, state) => sum + this.#counts.of(state), -maxRuns);
      const removed =
        tooMany > 0 ? this.#remove(Infinity, Math.min(tooMany, RUNS)) : this.#remove(Date.now() - maxAgeMs, RUNS);
      if (removed === 0) return runs;
      runs += removed;
      await nextTurn();
      await this.#deleteHistories();
      if (this.#isStopped) return runs;
    }
  }

  /** Leaves off where it is. */
  stop(): void {
    this.#isStopped = true;
  }

  /** The runs themselves are gone at once; @returns how many */
  #remove(endedBefore: number, limit: number): number {
    if (this.#isStopped) return 0;
    return this.#writer.transaction(() => {
      const rows = this.#oldest.all([endedBefore, limit]) as readonly Ended[];
      for (const { key, state } of rows) {
        this.#remember.run([key]);
        this.#deleteRun.run([key]);
        this.#counts.add(state, -1);
      }
      return rows.length;
    });
  }

  async #deleteHistories(): Promise<void> {
    let mayBeMore = true;
    while (mayBeMore && !this.#isStopped) {
      mayBeMore = this.#writer.transaction(() => this.#deleteSome());
      await nextTurn();
    }
  }

  /** @returns whether there may be more */
  #deleteSome(): boolean {
    for (let left = LINES; left > 0; ) {
      const row = this.#forgotten.get([]) as { readonly run: number } | undefined;
      if (!row) return false;
      const { changes } = this.#deleteLines.run([row.run, left]) as { readonly changes: number };
      if (changes < left) this.#deleteForgotten.run([row.run]);
      left -= Math.max(changes, 1);
    }
    return true;
  }
}

interface Ended {
  readonly key: number;
  readonly state: RunState;
}

const MAX_AGE_MS = 30 * 24 * 60 * 60 * 1_000;
const MAX_RUNS = 1_000_000;
/** Runs and lines of histories that one transaction deletes: it takes some milliseconds. */
const RUNS = 100;
const LINES = 500;

function nextTurn(): Promise<void> {
  return new Promise(setImmediate);
}

import type { JournalStatement } from "../../peer/once/call-journal.js";
import type { Database } from "../../service/journal/libsql.js";
import { ENDED_STATES, type RunState } from "../run.js";
import type { Chains } from "./chains.js";
import type { PrunePolicy } from "./run-journal.js";
import type { StateCounts } from "./state-counts.js";
import type { JournalWriter } from "./writer.js";

/** Forgets ended runs in small transactions, between which others have their turn. */
export class Pruner {
  readonly #writer: JournalWriter;
  readonly #counts: StateCounts;
  readonly #chains: Chains;
  readonly #oldest: JournalStatement;
  readonly #remember: JournalStatement;
  readonly #deleteRun: JournalStatement;
  readonly #forgotten: JournalStatement;
  readonly #deleteLine: JournalStatement;
  readonly #shorten: JournalStatement;
  readonly #deleteForgotten: JournalStatement;
  #isStopped = false;

  constructor(database: Database, writer: JournalWriter, counts: StateCounts, chains: Chains) {
    this.#writer = writer;
    this.#chains = chains;
    this.#counts = counts;
    this.#oldest = database.prepare(
      "SELECT key, state FROM runs WHERE ended IS NOT NULL AND ended < ? ORDER BY ended, key LIMIT ?",
    );
    this.#remember = database.prepare("INSERT INTO forgotten VALUES (?, ?)");
    this.#deleteRun = database.prepare("DELETE FROM runs WHERE key = ?");
    this.#forgotten = database.prepare("SELECT run, last FROM forgotten ORDER BY run LIMIT 1");
    this.#deleteLine = database.prepare("DELETE FROM history WHERE line = ? AND run = ? RETURNING before");
    this.#shorten = database.prepare("UPDATE forgotten SET last = ? WHERE run = ?");
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
        this.#remember.run([key, this.#chains.last(key)]);
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
      const row = this.#forgotten.get([]) as { readonly run: number; readonly last: number } | undefined;
      if (!row) return false;
      let place = row.last;
      for (; place > 0 && left > 0; left--) {
        const deleted = this.#deleteLine.get([place, row.run]) as { readonly before: number } | undefined;
        place = deleted?.before ?? 0;
      }
      if (place > 0) this.#shorten.run([place, row.run]);
      else this.#deleteForgotten.run([row.run]);
      left--;
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

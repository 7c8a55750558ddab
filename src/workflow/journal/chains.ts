import type { JournalStatement } from "../../peer/once/call-journal.js";
import type { Database } from "../../service/journal/libsql.js";

/** Where a new line of a history stands. */
export interface LinePlace {
  /** Its own place. */
  readonly line: number;
  /** That of the line of the same run before it; 0: it is the first. */
  readonly before: number;
}

/**
 * Where the latest line of each run stands. Each line knows the one before it, so that lines of all runs are written one behind the other: an index of
 * them by run costs several times as much as they do. What is known here is written into the table of the runs from time to time, and found
 * again by reading the lines that came since.
 */
export class Chains {
  readonly #stored: JournalStatement;
  readonly #save: JournalStatement;
  readonly #saved: JournalStatement;
  /** Of runs whose row in the table may be behind. */
  readonly #last = new Map<number, LastLine>();
  /** What was there before the transaction that is under way, the latest last. */
  #undo: (readonly [run: number, last: LastLine | undefined])[] = [];
  #next: number;
  #nextBefore: number;
  /** Up to this one the table knows everything. */
  #savedUpTo: number;

  constructor(database: Database) {
    this.#stored = database.prepare("SELECT line, number FROM runs JOIN history ON line = last WHERE key = ?");
    this.#save = database.prepare("UPDATE runs SET last = ? WHERE key = ?");
    this.#saved = database.prepare("UPDATE journal SET chained = ?");
    const { chained } = database.prepare("SELECT chained FROM journal").get([]) as { readonly chained: number };
    this.#savedUpTo = chained;
    let last = chained;
    const since = database.prepare("SELECT run, line, number FROM history WHERE line > ? ORDER BY line");
    for (const row of since.all([chained])) {
      const { run, line, number } = row as LastLine & { readonly run: number };
      this.#last.set(run, { line, number });
      last = line;
    }
    this.#next = last + 1;
    this.#nextBefore = this.#next;
  }

  /**
   * The place of one more line of a run, in the transaction that is under way.
   *
   * @returns `undefined` when there is no such run, or a line of this number or a higher one
   */
  append(run: number, number: number): LinePlace | undefined {
    const known = this.#last.get(run);
    const latest = known ?? (number === 1 ? NONE : this.#storedLast(run));
    if (!latest || number <= latest.number) return undefined;
    const line = this.#next++;
    this.#undo.push([run, known]);
    this.#last.set(run, { line, number });
    return { line, before: latest.line };
  }

  /** The place of the latest line of a run; 0: it has none. */
  last(run: number): number {
    return (this.#last.get(run) ?? this.#storedLast(run))?.line ?? 0;
  }

  /** Writes what the table does not know, in the transaction that is under way, if that is much. @param isForced - also if it is little */
  save(isForced: boolean): boolean {
    const upTo = this.#next - 1;
    if (upTo === this.#savedUpTo || (!isForced && upTo - this.#savedUpTo < SAVE_LINES)) return false;
    for (const [run, { line }] of this.#last) this.#save.run([line, run]);
    this.#saved.run([upTo]);
    return true;
  }

  /**
   * The transaction is over.
   *
   * @param isKept - whether it holds
   * @param isSaved - whether it has saved
   */
  settle(isKept: boolean, isSaved: boolean): void {
    if (isKept) {
      this.#nextBefore = this.#next;
      if (isSaved) {
        this.#savedUpTo = this.#next - 1;
        this.#last.clear();
      }
    } else {
      this.#next = this.#nextBefore;
      for (const [run, last] of this.#undo.reverse()) {
        if (last === undefined) this.#last.delete(run);
        else this.#last.set(run, last);
      }
    }
    this.#undo = [];
  }

  #storedLast(run: number): LastLine | undefined {
    return this.#stored.get([run]) as LastLine | undefined;
  }
}

/** The latest line of a run. */
interface LastLine {
  readonly line: number;
  readonly number: number;
}

const NONE: LastLine = { line: 0, number: 0 };
/** So many lines are read when a journal is opened that was not closed; it takes some tens of milliseconds. */
const SAVE_LINES = 50_000;

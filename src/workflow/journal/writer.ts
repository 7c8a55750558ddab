import type { JournalStatement } from "../../peer/once/call-journal.js";
import type { Database } from "../../service/journal/libsql.js";
import { ENDED_STATES, type RunState } from "../run.js";
import type { Chains } from "./chains.js";
import { cannotWrite, failureKind, isClosed, isDamaged, noSuchLine, noSuchRun } from "./journal-error.js";
import type { StateCounts } from "./state-counts.js";
import { LINE_VALUES, prepareWrites, type WriteStatements } from "./statements.js";

/** Something that waits to be written. */
export type Operation = (BeginOperation | WriteOperation | PutOperation) & {
  readonly reject: (error: Error) => void;
};

/** A new run with the first line of its history, or the one that has this id. */
export interface BeginOperation {
  readonly kind: "begin";
  readonly id: string;
  /** Its task, version, state and time of the beginning. */
  readonly values: readonly unknown[];
  readonly state: RunState;
  readonly startedAt: number;
  readonly input: Buffer;
  /** Told the number of the run, and whether it is new. */
  readonly resolve: (key: number, isNew: boolean) => void;
}

/** Lines of histories, and states. */
export interface WriteOperation {
  readonly kind: "write";
  readonly lines: readonly NewLine[];
  readonly states: readonly StateChange[];
  readonly resolve: () => void;
}

/** A line of a history, packed. */
export interface NewLine {
  readonly run: number;
  readonly number: number;
  readonly at: number;
  readonly event: Buffer;
}

/** How a run is doing now, packed. */
export interface StateChange {
  readonly run: number;
  readonly state: RunState;
  readonly at: number;
  readonly hasEnded: boolean;
  readonly result: Buffer | null;
  readonly error: Buffer | null;
}

/** One statement with its values. */
export interface PutOperation {
  readonly kind: "put";
  readonly statement: JournalStatement;
  readonly values: readonly unknown[];
  readonly resolve: () => void;
}

/** Writes what is given within one turn of the event loop in one transaction. */
export class JournalWriter {
  readonly statements: WriteStatements;
  readonly #database: Database;
  readonly #file: string;
  readonly #counts: StateCounts;
  readonly #chains: Chains;
  readonly #onDamage: (error: unknown) => void;
  /** Number of the next run; not one of `runs`, because those may be forgotten while somebody knows them. */
  #nextKey: number;
  #waiting: Operation[] = [];
  #lines: unknown[] = [];
  #settled: (() => void)[] = [];
  #damage: unknown;
  #isClosing = false;
  #isClosed = false;

  /** @param onDamage - told once when the file turns out to be damaged; nothing is written from then on */
  constructor(
    database: Database,
    file: string,
    { counts, chains }: { readonly counts: StateCounts; readonly chains: Chains },
    onDamage: (error: unknown) => void,
  ) {
    this.#database = database;
    this.#chains = chains;
    this.#file = file;
    this.#counts = counts;
    this.#onDamage = onDamage;
    this.statements = prepareWrites(database);
    const { last } = database
      .prepare(
        "SELECT max(coalesce((SELECT max(key) FROM runs), 0), coalesce((SELECT max(run) FROM forgotten), 0)) AS last",
      )
      .get([]) as { readonly last: number };
    this.#nextKey = last + 1;
  }

  /** Writes it with all else of this turn. */
  add(operation: Operation): void {
    if (this.#isClosed) {
      operation.reject(isClosed(this.#file));
      return;
    }
    this.#waiting.push(operation);
    if (this.#waiting.length === 1) setImmediate(this.#flushLater);
  }

  /** Settles when all that was given so far is written, or has failed. */
  settled(): Promise<void> {
    if (this.#waiting.length === 0) return SETTLED;
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  /**
   * Does something at once, all of it or nothing.
   *
   * @throws RpcError as of the journal's methods
   */
  transaction<T>(body: () => T): T {
    try {
      return this.#transaction(body);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** It is known to be damaged. */
  setDamaged(error: unknown): void {
    if (this.#damage !== undefined) return;
    this.#damage = error;
    this.#onDamage(error);
  }

  /** Writes what waits, and takes nothing more. */
  close(): void {
    this.#flush();
    this.#isClosing = true;
    try {
      this.#transaction(() => undefined);
    } catch {
      // The next opening finds it by reading.
    }
    this.#isClosed = true;
  }

  readonly #flushLater = (): void => {
    this.#flush();
  };

  #flush(): void {
    const operations = this.#waiting;
    if (operations.length === 0) return;
    this.#waiting = [];
    this.#write(operations);
    const settled = this.#settled;
    this.#settled = [];
    for (const settle of settled) settle();
  }

  #write(operations: readonly Operation[]): void {
    try {
      const settle = this.#transaction(() => {
        const ways = operations.map((operation) => this.#apply(operation));
        this.#insertLines();
        return ways;
      });
      for (const done of settle) done();
    } catch (error) {
      // When one of them is wrong, the others are not to suffer; when there is no room, there is none for one of them either.
      if (operations.length > 1 && failureKind(error) === "given") {
        for (const operation of operations) this.#write([operation]);
      } else {
        const failure = this.#failure(error);
        for (const { reject } of operations) reject(failure);
      }
    }
  }

  #transaction<T>(body: () => T): T {
    if (this.#isClosed) throw isClosed(this.#file);
    if (this.#damage !== undefined) throw isDamaged(this.#file, this.#damage);
    const { begin, commit, rollback } = this.statements;
    let isKept = false;
    let isSaved = false;
    this.#lines = [];
    try {
      begin.run([]);
      const result = body();
      isSaved = this.#chains.save(this.#isClosing);
      commit.run([]);
      isKept = true;
      return result;
    } finally {
      // After a full disk SQLite has often done so itself.
      if (!isKept && this.#database.inTransaction) rollback.run([]);
      this.#counts.settle(isKept);
      this.#chains.settle(isKept, isSaved);
    }
  }

  /** @returns what tells its owner that it is written */
  #apply(operation: Operation): () => void {
    switch (operation.kind) {
      case "begin":
        return this.#begin(operation);
      case "write":
        for (const line of operation.lines) this.#append(line);
        for (const change of operation.states) this.#change(change);
        return operation.resolve;
      case "put":
        operation.statement.run(operation.values);
        return operation.resolve;
    }
  }

  #begin({ id, values, state, startedAt, input, resolve }: BeginOperation): () => void {
    const known = this.statements.findKey.get([id]) as { readonly key: number } | undefined;
    if (known) {
      const { key } = known;
      return () => {
        resolve(key, false);
      };
    }
    const key = this.#nextKey++;
    const first = this.#append({ run: key, number: 1, at: startedAt, event: input });
    this.statements.insertRun.run([key, id, ...values, first]);
    this.#counts.add(state, 1);
    return () => {
      resolve(key, true);
    };
  }

  #change({ run, state, at, hasEnded, result, error }: StateChange): void {
    const before = this.statements.stateOf.get([run]) as { readonly state: RunState } | undefined;
    if (!before) throw noSuchRun(this.#file, run);
    const endedAt = hasEnded || ENDED_STATES.includes(state) ? at : null;
    this.statements.updateRun.run([state, at, endedAt, result, error, run]);
    if (before.state === state) return;
    this.#counts.add(before.state, -1);
    this.#counts.add(state, 1);
  }

  /** @returns its place */
  #append({ run, number, at, event }: NewLine): number {
    const place = this.#chains.append(run, number);
    if (!place) throw noSuchLine(this.#file, run, number);
    const { line, before } = place;
    this.#lines.push(line, run, number, before, at, event);
    return line;
  }

  #insertLines(): void {
    const lines = this.#lines;
    let at = 0;
    for (const [rows, statement] of this.statements.insertLines) {
      const values = rows * LINE_VALUES;
      for (; lines.length - at >= values; at += values) statement.run(lines.slice(at, at + values));
    }
  }

  #failure(error: unknown): Error {
    if (failureKind(error) !== "damaged") return cannotWrite(this.#file, error);
    this.setDamaged(error);
    return isDamaged(this.#file, error);
  }
}

const SETTLED = Promise.resolve();

import { RpcError } from "../../errors.js";
import type { ServiceRecord } from "../../peer/record.js";
import { closeDatabase, type Database } from "../../service/journal/libsql.js";
import type { Logger } from "../../util/log.js";
import type { HistoryEntry, RunFilter, RunState } from "../run.js";
import { Chains } from "./chains.js";
import { suspect } from "./damage.js";
import { cannotRead, failureKind, isClosed, isDamaged, noSuchRun } from "./journal-error.js";
import { Pruner } from "./pruner.js";
import { JournalReader, type StoredLine } from "./reader.js";
import type {
  BegunRun,
  JournalWrite,
  NewRun,
  PrunePolicy,
  RunJournal,
  StoredRun,
  StoredSchedule,
} from "./run-journal.js";
import { StateCounts } from "./state-counts.js";
import { packStored, requireText } from "./stored-value.js";
import { JournalWriter, type NewLine, type PutOperation, type StateChange } from "./writer.js";

/** What a journal is made of. */
export interface JournalParts {
  /** Open, with the tables. */
  readonly database: Database;
  /** Its file. */
  readonly file: string;
  /** Largest value, in bytes. */
  readonly maxRecordBytes: number;
  readonly log: Logger;
  /** Where a damaged one is that was here before. */
  readonly setAside: string | undefined;
  /** Told when it was closed. */
  readonly onClosed: () => void;
}

/** A journal of runs in an SQLite database, made by `openRunJournal`. */
export class SqliteRunJournal implements RunJournal {
  readonly id: string;
  /** Where a damaged journal was moved that had this name when it was opened; `undefined`: there was none. */
  readonly setAside: string | undefined;
  /** The database, for those who look after the file; the tables are the journal's. @internal */
  readonly database: Database;
  readonly #file: string;
  readonly #maxBytes: number;
  readonly #log: Logger;
  readonly #onClosed: () => void;
  readonly #counts: StateCounts;
  readonly #chains: Chains;
  readonly #writer: JournalWriter;
  readonly #reader: JournalReader;
  readonly #pruner: Pruner;
  #pruning: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** Use `openRunJournal`. @internal */
  constructor({ database, file, maxRecordBytes, log, setAside, onClosed }: JournalParts) {
    this.database = database;
    this.setAside = setAside;
    this.#file = file;
    this.#maxBytes = maxRecordBytes;
    this.#log = log;
    this.#onClosed = onClosed;
    const { id } = database.prepare("SELECT id FROM journal").get([]) as { readonly id: string };
    this.id = id;
    this.#counts = new StateCounts(database);
    this.#chains = new Chains(database);
    this.#writer = new JournalWriter(database, file, { counts: this.#counts, chains: this.#chains }, (error) => {
      const { message } = error as Error;
      suspect(file, message);
      log.error(`The journal ${file} is damaged, and nothing more is written to it: ${message}`);
    });
    this.#reader = new JournalReader(database);
    this.#pruner = new Pruner(database, this.#writer, this.#counts, this.#chains);
  }

  async begin(run: NewRun): Promise<BegunRun> {
    const { id, task, version, state, startedAt } = run;
    for (const text of [id, task, version]) requireText(text, `the id or task of run ${id}`);
    const input = this.#pack(run.input, `the input of run ${id}`);
    return await new Promise((resolve, reject) => {
      this.#writer.add({
        kind: "begin",
        id,
        values: [task, version, state, startedAt, startedAt],
        state,
        startedAt,
        input,
        resolve: (key, isNew) => {
          if (isNew) resolve({ run: { ...run, key, updatedAt: startedAt, endedAt: null }, isNew });
          else resolve(this.#readKnown(key));
        },
        reject,
      });
    });
  }

  write(writes: readonly JournalWrite[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const lines: NewLine[] = [];
      const states: StateChange[] = [];
      // What this throws rejects the promise.
      for (const write of writes) {
        if (write.kind === "entry") {
          const { number, at, event } = write.entry;
          lines.push({ run: write.run, number, at, event: this.#pack(event, event.kind) });
        } else states.push(this.#packState(write));
      }
      this.#writer.add({ kind: "write", lines, states, resolve, reject });
    });
  }

  check(value: unknown, what: string): void {
    // What is written down with it takes some more.
    packStored(value, what, Math.max(this.#maxBytes - MARGIN_BYTES, this.#maxBytes / 2));
  }

  find(id: string): Promise<StoredRun | undefined> {
    return this.#read(() => this.#reader.byId(id));
  }

  async unfinished(): Promise<readonly StoredRun[]> {
    return await this.#readRuns(await this.#read(() => this.#reader.unfinished()));
  }

  async list(filter: RunFilter): Promise<readonly StoredRun[]> {
    return await this.#readRuns(await this.#read(() => this.#reader.list(filter)));
  }

  count(): Promise<Readonly<Partial<Record<RunState, number>>>> {
    return this.#read(() => this.#counts.all());
  }

  async history(run: number, after = 0, limit?: number): Promise<readonly HistoryEntry[]> {
    const found: StoredLine[] = [];
    const known = await this.#read(() => (this.#reader.isThere(run) ? this.#chains.last(run) : 0));
    // Long ones a part at a time, so that nobody waits for them.
    for (let place = known; place > 0; ) {
      const { entries, next } = await this.#read(() => this.#reader.lines(run, place, after, READ_AT_ONCE));
      for (const entry of entries) found.push(entry);
      place = next;
      if (place > 0) await nextTurn();
    }
    const lines = found.reverse().slice(0, limit);
    return await this.#read(() => lines.map((line) => this.#reader.entryOf(line)));
  }

  keepDefinition(version: string, json: string): Promise<void> {
    const { keepDefinition } = this.#writer.statements;
    return this.#put(() => ({ statement: keepDefinition, values: [version, json] }), version, json);
  }

  definition(version: string): Promise<string | undefined> {
    return this.#read(() => this.#reader.definition(version));
  }

  keepTarget(name: string, record: ServiceRecord): Promise<void> {
    const { keepTarget } = this.#writer.statements;
    const pack = () => this.#pack(record, `the record of the service ${record.service}`);
    return this.#put(() => ({ statement: keepTarget, values: [name, pack()] }), name);
  }

  target(name: string): Promise<ServiceRecord | undefined> {
    return this.#read(() => this.#reader.target(name));
  }

  tasks(): Promise<ReadonlyMap<string, string | null>> {
    return this.#read(() => this.#reader.tasks());
  }

  setTask(name: string, json: string | null | undefined): Promise<void> {
    const { setTask, forgetTask } = this.#writer.statements;
    if (json === undefined) return this.#put(() => ({ statement: forgetTask, values: [name] }), name);
    return this.#put(() => ({ statement: setTask, values: [name, json] }), name, json ?? "");
  }

  schedules(): Promise<readonly StoredSchedule[]> {
    return this.#read(() => this.#reader.schedules());
  }

  setSchedule(name: string, schedule: StoredSchedule | undefined): Promise<void> {
    const { setSchedule, removeSchedule } = this.#writer.statements;
    if (!schedule) return this.#put(() => ({ statement: removeSchedule, values: [name] }), name);
    const pack = () => this.#pack(schedule, `the schedule ${name}`);
    return this.#put(() => ({ statement: setSchedule, values: [name, pack()] }), name);
  }

  async prune(policy: PrunePolicy): Promise<number> {
    const before = this.#pruning;
    const pruned = before.then(async () => {
      this.#requireOpen();
      return await this.#pruner.prune(policy);
    });
    this.#pruning = pruned.catch(() => undefined);
    return await pruned;
  }

  /**
   * Writes a copy of the journal into a new file, as it is at this moment. Nothing else goes on meanwhile.
   *
   * @throws RpcError UNAVAILABLE when the file is there already, or there is no room
   */
  async backup(file: string): Promise<void> {
    await this.#read(() => this.database.prepare("VACUUM INTO ?").run([requireText(file, "the name of the copy")]));
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#pruner.stop();
      this.#writer.close();
      try {
        closeDatabase(this.database);
      } catch (error) {
        // All is there; what is written ahead stays beside the file until it is opened again.
        this.#log.warn(`The journal ${this.#file} was not closed cleanly: ${(error as Error).message}`);
      } finally {
        this.#onClosed();
      }
    }
    await this.#pruning;
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A run that is there. */
  async #readKnown(key: number): Promise<BegunRun> {
    return await this.#read(() => {
      const run = this.#reader.byKey(key);
      if (!run) throw noSuchRun(this.#file, key);
      return { run, isNew: false };
    });
  }

  #packState(write: JournalWrite & { readonly kind: "state" }): StateChange {
    const { run, state, at, ended = false, error } = write;
    return {
      run,
      state,
      at,
      hasEnded: ended,
      result: "result" in write ? this.#pack(write.result, `the result of run ${run}`) : null,
      error: error ? this.#pack(error, `the error of run ${run}`) : null,
    };
  }

  #pack(value: unknown, what: string): Buffer {
    return packStored(value, what, this.#maxBytes);
  }

  #put(make: () => Pick<PutOperation, "statement" | "values">, ...texts: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      for (const text of texts) requireText(text, "a name or a definition");
      this.#writer.add({ kind: "put", ...make(), resolve, reject });
    });
  }

  /** All that was given before can be read. */
  async #read<T>(body: () => T): Promise<T> {
    await this.#writer.settled();
    this.#requireOpen();
    try {
      return body();
    } catch (error) {
      throw this.#readFailure(error);
    }
  }

  /** A part at a time, so that nobody waits for all. */
  async #readRuns(keys: readonly number[]): Promise<StoredRun[]> {
    const runs: StoredRun[] = [];
    for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
      if (at > 0) await nextTurn();
      const part = keys.slice(at, at + READ_AT_ONCE);
      // One that was forgotten meanwhile is no longer there.
      const found = await this.#read(() => part.flatMap((key) => this.#reader.byKey(key) ?? []));
      for (const run of found) runs.push(run);
    }
    return runs;
  }

  #readFailure(error: unknown): Error {
    const kind = failureKind(error);
    if (RpcError.isRpcError(error) && kind === "given") return error;
    if (kind !== "damaged") return cannotRead(this.#file, error);
    this.#writer.setDamaged(error);
    return isDamaged(this.#file, error);
  }

  #requireOpen(): void {
    if (this.#isClosed) throw isClosed(this.#file);
  }
}

/** For the names of an event, its step and who says so. */
const MARGIN_BYTES = 16_384;
/** Lines or runs that are read in one turn of the event loop. */
const READ_AT_ONCE = 1_000;

function nextTurn(): Promise<void> {
  return new Promise(setImmediate);
}

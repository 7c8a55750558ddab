import { randomBytes } from "node:crypto";
import { ConfigurationError, rpcError } from "../../errors.js";
import { encodeAnswer, lostAnswer } from "../../peer/answers/encode-answer.js";
import type {
  CallJournal,
  JournalDatabase,
  JournalEntry,
  JournaledCall,
  JournalStatement,
} from "../../peer/once/call-journal.js";
import { type Logger, SILENT } from "../../util/log.js";
import { lampWire } from "../../wire/lamp/index.js";
import type { AnswerMessage } from "../../wire/message.js";
import { closeDatabase, type Database, openDatabase } from "./libsql.js";
import { packFrames, unpackFrames } from "./pack-frames.js";

/** Options of {@link openJournal}. */
export interface JournalOptions {
  /**
   * What a record survives: `full`, also that the machine loses power; `normal`, only that the process is killed, and some
   * times as fast. Default `full`.
   */
  readonly sync?: "full" | "normal" | undefined;
  /** How long calls are remembered, in milliseconds; default 24 hours. Older ones that are tried again are `unknown`. */
  readonly maxAgeMs?: number | undefined;
  /** How many calls are remembered; default 1,000,000. */
  readonly maxCalls?: number | undefined;
  /** Largest answer that is kept, in bytes; default 16 MiB. Of a larger one only is known that the call was executed. */
  readonly maxAnswerBytes?: number | undefined;
  /** Told when the journal cannot be written; default nobody. */
  readonly log?: Logger | undefined;
}

/**
 * Opens the journal in which a host writes down the calls of its `once` methods, or makes it. Its owner closes it, after the
 * host.
 *
 * @param file - an SQLite database, which belongs to one process at a time
 * @throws ConfigurationError when the package `libsql` is not installed, the file cannot be opened, or another process has it
 */
export async function openJournal(file: string, options: JournalOptions = {}): Promise<Journal> {
  const database = await openDatabase(file);
  try {
    return new Journal(database, options);
  } catch (error) {
    closeDatabase(database);
    throw new ConfigurationError(`The journal ${file} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

/** A journal in an SQLite database, made by {@link openJournal}. */
export class Journal implements CallJournal {
  readonly id: string;
  readonly #database: Database;
  readonly #options: JournalOptions;
  readonly #log: Logger;
  readonly #find: JournalStatement;
  readonly #write: (records: readonly Waiting[]) => void;
  readonly #commit: (call: JournaledCall, body: (database: JournalDatabase) => AnswerMessage) => AnswerMessage;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #prunedAt = -Infinity;
  #clockOffset: number = Date.now() - performance.now();
  /** Calls that were sent first before this may have been forgotten; in milliseconds since 1970. */
  #forgottenBefore: number;
  #isClosed = false;

  /** Use {@link openJournal}. @internal */
  constructor(database: Database, options: JournalOptions) {
    this.#database = database;
    this.#options = options;
    this.#log = options.log ?? SILENT;
    database.exec(`PRAGMA synchronous = ${options.sync === "normal" ? "NORMAL" : "FULL"}; ${SCHEMA}`);
    database.prepare("INSERT OR IGNORE INTO lamplighter_journal VALUES (1, ?, 0)").run(randomBytes(12).toString("hex"));
    const row = database.prepare("SELECT id, forgotten_before AS before FROM lamplighter_journal").get();
    const { id, before } = row as { readonly id: string; readonly before: number };
    this.id = id;
    this.#forgottenBefore = before;
    this.#find = database.prepare("SELECT answer FROM lamplighter_calls WHERE id = ?");
    const begin = database.prepare("INSERT INTO lamplighter_calls (id, label, at) VALUES (?, ?, ?)");
    const end = database.prepare("UPDATE lamplighter_calls SET answer = ? WHERE id = ?");
    const withdraw = database.prepare("DELETE FROM lamplighter_calls WHERE id = ? AND answer IS NULL");
    const both = database.prepare("INSERT INTO lamplighter_calls (id, label, at, answer) VALUES (?, ?, ?, ?)");
    this.#write = database.transaction((records: readonly Waiting[]) => {
      for (const record of records) {
        switch (record.kind) {
          case "begin":
            record.entry = this.look(record.call);
            if (record.entry.state === "new") begin.run(record.call.id, record.call.label, sentAt(record.call));
            break;
          case "end":
            end.run(record.answer, record.id);
            break;
          case "withdraw":
            withdraw.run(record.id);
            break;
        }
      }
    });
    this.#commit = database.transaction(
      (call: JournaledCall, body: (database: JournalDatabase) => AnswerMessage): AnswerMessage => {
        const known = this.look(call);
        if (known.state === "answered") return known.answer;
        const answer = body(database);
        both.run(call.id, call.label, sentAt(call), this.#pack(answer));
        return answer;
      },
    );
    this.#prune();
  }

  /** The SQLite database, for tables of one's own; names that begin with `lamplighter_` are the journal's. */
  get database(): JournalDatabase {
    return this.#database;
  }

  begin(call: JournaledCall): Promise<JournalEntry> {
    return new Promise((resolve, reject) => {
      this.#add({ kind: "begin", call, entry: NEW, resolve, reject });
    });
  }

  look(call: JournaledCall): JournalEntry {
    this.#requireOpen();
    const row = this.#find.get(call.id) as { readonly answer: Uint8Array | null } | undefined;
    if (row) return row.answer ? { state: "answered", answer: unpack(row.answer) } : BEGUN;
    return call.ageMs > 0 && sentAt(call) - UNREAD_MS <= this.#forgottenBefore ? FORGOTTEN : NEW;
  }

  end(id: string, answer: AnswerMessage): Promise<void> {
    return new Promise((resolve) => {
      this.#add({ kind: "end", id, answer: this.#pack(answer), resolve });
    });
  }

  withdraw(id: string): void {
    this.#add({ kind: "withdraw", id });
  }

  commit(call: JournaledCall, body: (database: JournalDatabase) => AnswerMessage): AnswerMessage {
    this.#requireOpen();
    const answer = this.#commit(call, body);
    this.#pruneWhenDue();
    return answer;
  }

  /** Writes what waits, and closes the file. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#isClosed = true;
    closeDatabase(this.#database);
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** What is written down in one turn of the event loop shares a transaction. */
  #add(record: Waiting): void {
    if (this.#isClosed) {
      this.#failed(record, new Error("it is closed"));
      return;
    }
    this.#waiting.push(record);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const records = this.#waiting;
    if (records.length === 0 || this.#isClosed) return;
    this.#waiting = [];
    const error = this.#tryToWrite(records);
    if (error) {
      // When one of them cannot be written, the others are not to suffer.
      for (const record of records) {
        const own = records.length === 1 ? error : this.#tryToWrite([record]);
        if (own) this.#failed(record, own);
      }
    }
    this.#pruneWhenDue();
  }

  /** @returns why it could not be written */
  #tryToWrite(records: readonly Waiting[]): Error | undefined {
    try {
      this.#write(records);
    } catch (error) {
      return error as Error;
    }
    for (const record of records) {
      if (record.kind === "begin") record.resolve(record.entry);
      else if (record.kind === "end") record.resolve();
    }
    return undefined;
  }

  #pruneWhenDue(): void {
    if (performance.now() - this.#prunedAt > PRUNE_MS) this.#prune();
  }

  /** What has not begun does not begin. What has ended is answered all the same: that is true, only not for ever known. */
  #failed(record: Waiting, error: Error): void {
    this.#log.error(`The journal cannot be written: ${error.message}`);
    if (record.kind === "begin") record.reject(this.#unavailable(error));
    else if (record.kind === "end") record.resolve();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw this.#unavailable(new Error("it is closed"));
  }

  #unavailable(error: Error): Error {
    return rpcError("UNAVAILABLE", `The journal of the service cannot be written: ${error.message}`, { cause: error });
  }

  #pack(answer: AnswerMessage): Buffer {
    return packFrames(encodeAnswer(lampWire, answer, this.#options.maxAnswerBytes ?? 16 * 1024 * 1024).frames);
  }

  #prune(): void {
    this.#prunedAt = performance.now();
    const { maxAgeMs = 24 * 60 * 60 * 1_000, maxCalls = 1_000_000 } = this.#options;
    try {
      const beyond = this.#database
        .prepare("SELECT at FROM lamplighter_calls ORDER BY at DESC LIMIT 1 OFFSET ?")
        .get(maxCalls) as { readonly at: number } | undefined;
      const before = Math.max(Date.now() - maxAgeMs, beyond?.at ?? 0);
      const newest = this.#database.prepare("SELECT max(at) AS at FROM lamplighter_calls").get() as {
        at: number | null;
      };
      // Was the clock put right? Then what was written before looks older than it is.
      const offset = Date.now() - performance.now();
      const hasJumped = Math.abs(offset - this.#clockOffset) > JUMP_MS || (newest.at ?? Infinity) <= before;
      this.#clockOffset = offset;
      const found = this.#database.prepare("SELECT 1 FROM lamplighter_calls WHERE at <= ? LIMIT 1").get(before);
      if (found === undefined) return;
      this.#database.transaction(() => {
        this.#database.prepare("DELETE FROM lamplighter_calls WHERE at <= ?").run(before);
        this.#forgottenBefore = Math.max(this.#forgottenBefore, hasJumped ? Date.now() : before);
        this.#database.prepare("UPDATE lamplighter_journal SET forgotten_before = ?").run(this.#forgottenBefore);
      })();
    } catch (error) {
      this.#log.error(`The journal cannot be shortened: ${(error as Error).message}`);
    }
  }
}

type Waiting =
  | {
      readonly kind: "begin";
      readonly call: JournaledCall;
      entry: JournalEntry;
      readonly resolve: (entry: JournalEntry) => void;
      readonly reject: (error: Error) => void;
    }
  | { readonly kind: "end"; readonly id: string; readonly answer: Buffer; readonly resolve: () => void }
  | { readonly kind: "withdraw"; readonly id: string };

const SCHEMA = `
CREATE TABLE IF NOT EXISTS lamplighter_journal (
  only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL, forgotten_before REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS lamplighter_calls (
  id TEXT PRIMARY KEY, label TEXT NOT NULL, at REAL NOT NULL, answer BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lamplighter_calls_at ON lamplighter_calls (at);
`;
const NEW: JournalEntry = { state: "new" };
const BEGUN: JournalEntry = { state: "begun" };
const FORGOTTEN: JournalEntry = { state: "forgotten" };
/** A clock that is wrong by less is none that was put right. */
const JUMP_MS = 60_000;
/** How often it is looked for calls that are too old, in milliseconds. */
const PRUNE_MS = 60_000;
/** How long a message may lie unread, so that a call seems younger than it is, in milliseconds. */
const UNREAD_MS = 60_000;

/** When a call was sent first, in milliseconds since 1970. */
function sentAt({ ageMs }: JournaledCall): number {
  return Date.now() - ageMs;
}

function unpack(packed: Uint8Array): AnswerMessage {
  for (const { answer } of lampWire.readAnswers?.(unpackFrames(packed)) ?? []) return answer;
  return lostAnswer();
}

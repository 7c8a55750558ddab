import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigurationError } from "../../errors.js";
import type { JournalDatabase } from "../../peer/once/call-journal.js";

/** What we use of a database of the package `libsql`. */
export interface Database extends JournalDatabase {
  /** Runs a function in a transaction: all of it, or nothing. */
  transaction<A extends readonly unknown[], T>(body: (...values: A) => T): (...values: A) => T;
  /** Has a transaction begun? */
  readonly inTransaction: boolean;
  /** Closes it. */
  close(): unknown;
}

/**
 * Opens an SQLite database for this process alone.
 *
 * @param look - looks at it before anything is written to it; what it throws is the reason why it cannot be opened, as `cause`
 * @throws ConfigurationError when the package `libsql` is not installed, the file cannot be opened, or another process has it
 */
export async function openDatabase(file: string, look?: (database: Database) => void): Promise<Database> {
  const Constructor = await loadLibsql();
  let database: Database | undefined;
  try {
    database = new Constructor(file);
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    look?.(database);
    // Whoever begins to write first has the file to the end.
    database.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; COMMIT");
    return database;
  } catch (error) {
    database?.close();
    const { message } = error as Error;
    const isTaken = message.includes("locked") || message.includes("busy");
    const folder = dirname(file);
    const reason = existsSync(folder) ? message : `there is no folder ${folder}; make it, or name another file`;
    throw new ConfigurationError(
      isTaken
        ? `The journal ${file} is in use by another process; each host and each workflow service needs a journal of its own`
        : `The journal ${file} cannot be opened: ${reason}`,
      { cause: error },
    );
  }
}

/** Closes it, and gives the file back at once: `close` alone does so when the last statement was garbage-collected. */
export function closeDatabase(database: Database): void {
  try {
    // With a write-ahead log the lock is held until the end; the new mode takes effect with the next reading.
    database.exec("PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL");
    database.prepare("SELECT 1 FROM sqlite_schema").all();
  } finally {
    database.close();
  }
}

async function loadLibsql(): Promise<new (file: string) => Database> {
  try {
    // An optional peer dependency: only hosts with a journal need it.
    const module = (await import("libsql")) as unknown as { readonly default: new (file: string) => Database };
    return module.default;
  } catch (error) {
    throw new ConfigurationError(
      `A journal needs the package libsql, which cannot be loaded: npm install libsql (${(error as Error).message})`,
      { cause: error },
    );
  }
}

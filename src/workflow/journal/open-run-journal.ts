import { randomBytes } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigurationError, RpcError } from "../../errors.js";
import { closeDatabase, type Database, openDatabase } from "../../service/journal/libsql.js";
import { type Logger, requireLogger, SILENT } from "../../util/log.js";
import { checkDatabase, detach, lookAtFile, setAside, suspect } from "./damage.js";
import { failureKind } from "./journal-error.js";
import { createSchema } from "./schema.js";
import { SqliteRunJournal } from "./sqlite-run-journal.js";

/** Options of {@link openRunJournal}. */
export interface RunJournalOptions {
  /**
   * What a write survives: `full`, also that the machine loses power; `normal`, only that the process is killed. What that costs stands in
   * docs/workflow-journal.md. Default `full`.
   */
  readonly sync?: "full" | "normal" | undefined;
  /** Largest input, result, or line of a history, in bytes; default 16 MiB. Larger ones are refused with `BAD_REQUEST`. */
  readonly maxRecordBytes?: number | undefined;
  /** What to do about a damaged file: `set-aside`, move it out of the way and begin a new one (default); `refuse`, do nothing. */
  readonly onDamage?: "set-aside" | "refuse" | undefined;
  /** Files below this size are checked wholly when they are opened, in bytes; default 256 MiB. */
  readonly checkBelowBytes?: number | undefined;
  /** Told of damage; default nobody. */
  readonly log?: Logger | undefined;
}

/**
 * Opens the journal of a workflow service, or makes it. Its owner closes it, after the service.
 *
 * @param file - an SQLite database, which belongs to one process at a time
 * @throws ConfigurationError when the package `libsql` is not installed, the file cannot be opened, another process has it, it is something else or of a newer
 *   version, or with `onDamage: "refuse"` it is damaged
 */
export async function openRunJournal(file: string, options: RunJournalOptions = {}): Promise<SqliteRunJournal> {
  requireLogger(options.log);
  // What belongs to a database lies beside it, not beside a link to it.
  const real = existsSync(file) ? realpathSync(file) : resolve(file);
  // SQLite would find out as well; but whoever as much as reads a file drops the locks that the process has on it.
  if (IN_USE.has(real)) throw new ConfigurationError(`The journal ${real} is in use by this process already`);
  IN_USE.add(real);
  try {
    return await openUnused(real, options);
  } catch (error) {
    IN_USE.delete(real);
    throw error;
  }
}

async function openUnused(file: string, options: RunJournalOptions): Promise<SqliteRunJournal> {
  const { maxRecordBytes = 16 * 1024 * 1024, log = SILENT } = options;
  let opened = await open(file, options);
  let damaged: string | undefined;
  if ("reason" in opened) {
    damaged = opened.setAside;
    log.error(`The journal ${file} is damaged: ${opened.reason}. It was moved to ${damaged}, and a new one begins`);
    opened = await open(file, options);
    if ("reason" in opened) throw new ConfigurationError(`The new journal ${file} is damaged: ${opened.reason}`);
  }
  const database = opened;
  const onClosed = (): void => {
    IN_USE.delete(file);
  };
  try {
    const sync = options.sync === "normal" ? "NORMAL" : "FULL";
    database.exec(`PRAGMA synchronous = ${sync}; PRAGMA cache_size = ${-CACHE_KIB};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${MAX_LOG_BYTES}`);
    return new SqliteRunJournal({ database, file, maxRecordBytes, log, setAside: damaged, onClosed });
  } catch (error) {
    const { message } = error as Error;
    const isDamage = failureKind(error) === "damaged";
    if (isDamage) suspect(file, message);
    closeDatabase(database);
    throw new ConfigurationError(
      `The journal ${file} cannot be used: ${message}${isDamage ? ". When it is opened again, all of it is checked" : ""}`,
      { cause: error },
    );
  }
}

/** A journal was damaged, and is elsewhere now. */
interface Damage {
  readonly reason: string;
  readonly setAside: string;
}

async function open(file: string, options: RunJournalOptions): Promise<Database | Damage> {
  const found = lookAtFile(file);
  if (found === "only-log") {
    const reason = "it is empty, and what is written ahead of it is not";
    return { reason, setAside: setAsideUnlessRefused(file, reason, options) };
  }
  const damage: Damage[] = [];
  try {
    return await openDatabase(file, (database) => {
      if (found === "nothing") {
        createSchema(database, randomBytes(12).toString("hex"));
        return;
      }
      try {
        checkDatabase(file, database, options.checkBelowBytes ?? CHECK_BELOW_BYTES);
      } catch (error) {
        if (failureKind(error) !== "damaged") throw error;
        const reason = (error as Error).message;
        // While it is open: SQLite leaves alone what is no longer where it was, and would tidy up what it closes.
        damage.push({ reason, setAside: setAsideUnlessRefused(file, reason, options) });
        throw error;
      }
    });
  } catch (error) {
    const [found] = damage;
    if (found) return found;
    const { cause } = error as { readonly cause?: unknown };
    throw RpcError.isRpcError(cause) && cause.code === "CONFIGURATION" ? cause : error;
  }
}

function setAsideUnlessRefused(file: string, reason: string, { onDamage }: RunJournalOptions): string {
  if (onDamage !== "refuse") return setAside(file);
  detach(file);
  throw new ConfigurationError(
    `The journal ${file} is damaged: ${reason}. Nothing was changed; with onDamage "set-aside" it is moved out of the way`,
  );
}

/** Journals that are open in this process. */
const IN_USE = new Set<string>();
/** 200 MB are checked in about half a second. */
const CHECK_BELOW_BYTES = 256 * 1024 * 1024;
/** Memory for pages, in KiB. */
const CACHE_KIB = 16 * 1024;
/** The write-ahead log is taken over into the file when it has so many pages of 4 KiB: with 1,000 a line costs a fifth more. */
const CHECKPOINT_PAGES = 4_000;
/** What a large transaction has made of the log is given back. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;

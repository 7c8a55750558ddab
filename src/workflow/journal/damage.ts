import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { ConfigurationError, ProtocolError } from "../../errors.js";
import type { Database } from "../../service/journal/libsql.js";
import { APPLICATION_ID, SCHEMA_VERSION } from "./schema.js";
import { requireUndamaged, type StoredBytes } from "./stored-value.js";

/** What stands at the place of a journal: nothing, something that seems to be one, or nothing but what is written ahead of one. */
export type Found = "nothing" | "database" | "only-log";

/**
 * Looks at a file without SQLite, which would change it.
 *
 * @throws ConfigurationError when it is something else, or of a newer version
 */
export function lookAtFile(file: string): Found {
  const head = tryToReadHead(file);
  if (head.length === 0) {
    // SQLite would delete what is written ahead of a file that is empty.
    return sizeOf(`${file}-wal`) > 0 ? "only-log" : "nothing";
  }
  if (head.subarray(0, MAGIC.length).toString("latin1") !== MAGIC) {
    // Whatever became of it, a database consists of whole pages, or has another file beside it, or names of its tables in it.
    const isDatabase = sizeOf(file) % PAGE_BYTES === 0 || existsSync(`${file}-wal`) || head.includes("runs_by_state");
    if (isDatabase) return "database";
    throw new ConfigurationError(`${file} is no journal of a workflow service, but something else; name another file`);
  }
  if (head.length < HEADER_BYTES) return "database";
  if (head.readUInt32BE(APPLICATION_ID_AT) !== APPLICATION_ID) {
    const what = head.includes("lamplighter_calls")
      ? "the journal of the calls of a host"
      : "another application's database";
    throw new ConfigurationError(`${file} is no journal of a workflow service, but ${what}; name another file`);
  }
  requireVersion(file, head.readUInt32BE(USER_VERSION_AT));
  return "database";
}

/** @throws ConfigurationError when the tables are of a newer version */
export function requireVersion(file: string, version: number): void {
  if (version <= SCHEMA_VERSION) return;
  throw new ConfigurationError(
    `The journal ${file} was made by a newer version of Lamplighter (form ${version}, known is ${SCHEMA_VERSION}); use that one`,
  );
}

/**
 * Checks a database that has just been opened, and writes nothing to it: small ones, and those whose damage was seen before, wholly;
 * of large ones only whether the tables are there.
 *
 * @throws what SQLite throws, or ProtocolError, when it is damaged
 */
export function checkDatabase(file: string, database: Database, wholeBelowBytes: number): void {
  // A file whose first page is gone is none for SQLite, which says so here.
  const { user_version: version } = database.prepare("PRAGMA user_version").get([]) as { user_version: number };
  requireVersion(file, version);
  const names = database.prepare("SELECT name FROM sqlite_schema").all([]) as readonly { readonly name: string }[];
  for (const table of TABLES)
    if (!names.some(({ name }) => name === table)) throw new ProtocolError(`it has no ${table}`);
  if (database.prepare("SELECT id FROM journal").get([]) === undefined) throw new ProtocolError("its id is missing");
  const isSuspect = existsSync(suspicionOf(file));
  if (!isSuspect && sizeOf(file) >= wholeBelowBytes) return;
  const [row] = database.prepare("PRAGMA quick_check(1)").all([]) as readonly { readonly quick_check: string }[];
  if (row?.quick_check !== "ok") throw new ProtocolError(`${row?.quick_check}`.replaceAll(/\s+/g, " "));
  if (!isSuspect) return;
  checkValues(database);
  rmSync(suspicionOf(file), { force: true });
}

/** Lets the next opening check the whole file, however large it is. */
export function suspect(file: string, reason: string): void {
  try {
    writeFileSync(suspicionOf(file), `${reason}\n`);
  } catch {
    // A full disk, say: the reason is told all the same.
  }
}

/**
 * Moves a damaged journal and all that belongs to it out of the way, unchanged.
 *
 * @returns where it is now; what was written ahead of it is beside it
 */
export function setAside(file: string): string {
  const time = new Date().toISOString().replaceAll(/[-:]/g, "");
  let target = `${file}.damaged-${time}`;
  for (let number = 2; isTaken(target); number++) target = `${file}.damaged-${time}-${number}`;
  for (const suffix of SUFFIXES) if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix);
  rmSync(suspicionOf(file), { force: true });
  return target;
}

/**
 * Puts equal files in the place of a damaged journal that is open: SQLite, which would take over what is written ahead when it closes, leaves alone what is
 * no longer the file that it opened.
 *
 * @throws Error when there is no room for a second one
 */
export function detach(file: string): void {
  for (const name of [`${file}-wal`, file]) {
    if (!existsSync(name)) continue;
    try {
      copyFileSync(name, `${name}.copy`, constants.COPYFILE_FICLONE);
      renameSync(`${name}.copy`, name);
    } finally {
      rmSync(`${name}.copy`, { force: true });
    }
  }
}

/** The checksums of all values. */
function checkValues(database: Database): void {
  for (const { table, column } of VALUES) {
    const page = database.prepare(
      `SELECT rowid AS place, ${column} AS value FROM ${table} WHERE rowid > ? AND ${column} IS NOT NULL ORDER BY rowid LIMIT 100`,
    );
    for (let place = 0; ; ) {
      const rows = page.all([place]) as readonly { readonly place: number; readonly value: StoredBytes }[];
      for (const { value } of rows) requireUndamaged(value);
      const last = rows.at(-1);
      if (!last) break;
      place = last.place;
    }
  }
}

function isTaken(target: string): boolean {
  return SUFFIXES.some((suffix) => existsSync(target + suffix));
}

function suspicionOf(file: string): string {
  return `${file}.check`;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function tryToReadHead(file: string): Buffer {
  try {
    return readHead(file);
  } catch (error) {
    throw new ConfigurationError(`The journal ${file} cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

function readHead(file: string): Buffer {
  if (sizeOf(file) === 0) return Buffer.alloc(0);
  const head = Buffer.alloc(HEAD_BYTES);
  const handle = openSync(file, "r");
  try {
    return head.subarray(0, readSync(handle, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(handle);
  }
}

/** Files of a database. */
const SUFFIXES = ["", "-wal", "-shm", "-journal"];
const TABLES = ["journal", "runs", "history", "forgotten", "definitions", "targets", "tasks", "schedules"];
const VALUES = [
  { table: "runs", column: "result" },
  { table: "runs", column: "error" },
  { table: "history", column: "event" },
];
const MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;
const PAGE_BYTES = 4_096;
/** The tables' names stand in the first page. */
const HEAD_BYTES = 64 * 1024;

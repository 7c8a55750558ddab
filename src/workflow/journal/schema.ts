import type { Database } from "../../service/journal/libsql.js";

/** Stands in the header of the file, so that no other application's database is taken for a journal: `LamW`. */
export const APPLICATION_ID = 0x4c616d57;
/** The newest form of the tables that this version knows. */
export const SCHEMA_VERSION = 1;

/**
 * Makes the tables, all of them or none, before the write-ahead log is switched on: so the header of the file itself always tells whose it is.
 *
 * @param id - of the new journal
 */
export function createSchema(database: Database, id: string): void {
  database.transaction(() => {
    database.exec(TABLES);
    database.prepare("INSERT INTO journal VALUES (1, ?, 0)").run([id]);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
  })();
}

/*
 * The event of the first line of a history is always `begun`: the input of the run stands there in its place, so that it is written once, and not
 * again whenever the state changes. Each line names the one `before` it, a run its `first` and its `last`; those that came after line `chained` are found by
 * reading them (Chains). Lists go by the time of the beginning, and among equals by `key`, with which every index ends. `forgotten` are runs whose
 * history is still to be deleted.
 */
const TABLES = `
CREATE TABLE journal (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL, chained INTEGER NOT NULL);
CREATE TABLE runs (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, version TEXT NOT NULL, state TEXT NOT NULL,
  started INTEGER NOT NULL, updated INTEGER NOT NULL, ended INTEGER, result BLOB, error BLOB, first INTEGER NOT NULL,
  last INTEGER NOT NULL
);
CREATE INDEX runs_by_state ON runs (state, started);
CREATE INDEX runs_by_task ON runs (task, state, started);
CREATE INDEX runs_by_end ON runs (ended) WHERE ended IS NOT NULL;
CREATE TABLE history (
  line INTEGER PRIMARY KEY, run INTEGER NOT NULL, number INTEGER NOT NULL, before INTEGER NOT NULL, at INTEGER NOT NULL,
  event BLOB NOT NULL
);
CREATE TABLE forgotten (run INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE definitions (version TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE targets (name TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE tasks (name TEXT PRIMARY KEY, json TEXT) WITHOUT ROWID;
CREATE TABLE schedules (name TEXT PRIMARY KEY, schedule BLOB NOT NULL) WITHOUT ROWID;
`;

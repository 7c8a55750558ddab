import type { JournalStatement } from "../../peer/once/call-journal.js";
import type { Database } from "../../service/journal/libsql.js";

/** What the writer does to the tables, prepared once. All take their values as one array. */
export interface WriteStatements {
  readonly begin: JournalStatement;
  readonly commit: JournalStatement;
  readonly rollback: JournalStatement;
  /** Many lines of histories cost less together: rows of a statement and the statement, the largest first. */
  readonly insertLines: readonly (readonly [rows: number, statement: JournalStatement])[];
  readonly findKey: JournalStatement;
  readonly insertRun: JournalStatement;
  readonly stateOf: JournalStatement;
  readonly updateRun: JournalStatement;
  readonly keepDefinition: JournalStatement;
  readonly keepTarget: JournalStatement;
  readonly setTask: JournalStatement;
  readonly forgetTask: JournalStatement;
  readonly setSchedule: JournalStatement;
  readonly removeSchedule: JournalStatement;
}

/** Values of a line of a history: `line`, `run`, `number`, `before`, `at`, `event`. */
export const LINE_VALUES = 6;

/** Prepares what the writer needs. */
export function prepareWrites(database: Database): WriteStatements {
  const lines = (rows: number): JournalStatement =>
    database.prepare(`INSERT INTO history VALUES ${new Array<string>(rows).fill("(?, ?, ?, ?, ?, ?)").join(", ")}`);
  return {
    begin: database.prepare("BEGIN IMMEDIATE"),
    commit: database.prepare("COMMIT"),
    rollback: database.prepare("ROLLBACK"),
    insertLines: [64, 8, 1].map((rows) => [rows, lines(rows)] as const),
    findKey: database.prepare("SELECT key FROM runs WHERE id = ?"),
    insertRun: database.prepare(
      `INSERT INTO runs (key, id, task, version, state, started, updated, first, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)`,
    ),
    stateOf: database.prepare("SELECT state FROM runs WHERE key = ?"),
    updateRun: database.prepare(
      `UPDATE runs SET state = ?1, updated = ?2, ended = ?3, result = coalesce(?4, result),
         error = CASE WHEN ?1 = 'completed' THEN NULL ELSE coalesce(?5, error) END WHERE key = ?6`,
    ),
    keepDefinition: database.prepare("INSERT OR IGNORE INTO definitions VALUES (?, ?)"),
    keepTarget: database.prepare("INSERT OR IGNORE INTO targets VALUES (?, ?)"),
    setTask: database.prepare("INSERT OR REPLACE INTO tasks VALUES (?, ?)"),
    forgetTask: database.prepare("DELETE FROM tasks WHERE name = ?"),
    setSchedule: database.prepare("INSERT OR REPLACE INTO schedules VALUES (?, ?)"),
    removeSchedule: database.prepare("DELETE FROM schedules WHERE name = ?"),
  };
}

/** What the reader asks the tables, prepared once. All take their values as one array. */
export interface ReadStatements {
  readonly byId: JournalStatement;
  readonly byKey: JournalStatement;
  readonly isThere: JournalStatement;
  readonly placeOf: JournalStatement;
  readonly listByState: JournalStatement;
  readonly listByTask: JournalStatement;
  readonly unfinished: JournalStatement;
  readonly line: JournalStatement;
  readonly definition: JournalStatement;
  readonly target: JournalStatement;
  readonly tasks: JournalStatement;
  readonly schedules: JournalStatement;
}

/** Prepares what the reader needs. */
export function prepareReads(database: Database): ReadStatements {
  const run = `SELECT key, id, task, version, state, started, updated, ended, result, error, event AS input
    FROM runs JOIN history ON line = first`;
  const list = (where: string): JournalStatement =>
    database.prepare(
      `SELECT key, started FROM runs WHERE ${where} AND started >= ? AND started < ? AND (started, key) < (?, ?)
         ORDER BY started DESC, key DESC LIMIT ?`,
    );
  return {
    byId: database.prepare(`${run} WHERE id = ?`),
    byKey: database.prepare(`${run} WHERE key = ?`),
    isThere: database.prepare("SELECT 1 FROM runs WHERE key = ?"),
    placeOf: database.prepare("SELECT key, started FROM runs WHERE id = ?"),
    listByState: list("state = ?"),
    listByTask: list("task = ? AND state = ?"),
    unfinished: database.prepare("SELECT key FROM runs WHERE state = ? ORDER BY key"),
    line: database.prepare("SELECT number, before, at, event FROM history WHERE line = ? AND run = ?"),
    definition: database.prepare("SELECT json FROM definitions WHERE version = ?"),
    target: database.prepare("SELECT record FROM targets WHERE name = ?"),
    tasks: database.prepare("SELECT name, json FROM tasks ORDER BY name"),
    schedules: database.prepare("SELECT schedule FROM schedules ORDER BY name"),
  };
}

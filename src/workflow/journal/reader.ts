import { ProtocolError, rpcError } from "../../errors.js";
import type { ServiceRecord } from "../../peer/record.js";
import type { Database } from "../../service/journal/libsql.js";
import {
  ENDED_STATES,
  type HistoryEntry,
  type HistoryEvent,
  type RunFailure,
  type RunFilter,
  type RunState,
} from "../run.js";
import type { StoredRun, StoredSchedule } from "./run-journal.js";
import { prepareReads, type ReadStatements } from "./statements.js";
import { type StoredBytes, unpackStored } from "./stored-value.js";

/** Reads the tables of a journal. What it throws is SQLite's, or a ProtocolError for a value that is damaged. */
export class JournalReader {
  readonly #statements: ReadStatements;

  /** @param database - with the tables */
  constructor(database: Database) {
    this.#statements = prepareReads(database);
  }

  /** A run by its id. */
  byId(id: string): StoredRun | undefined {
    return toRun(this.#statements.byId.get([id]));
  }

  /** A run by its number. */
  byKey(key: number): StoredRun | undefined {
    return toRun(this.#statements.byKey.get([key]));
  }

  /** Is there a run of this number? */
  isThere(key: number): boolean {
    return this.#statements.isThere.get([key]) !== undefined;
  }

  /** Numbers of the runs that have not ended, in order. */
  unfinished(): number[] {
    const states = ALL_STATES.filter((state) => !ENDED_STATES.includes(state));
    const rows = states.flatMap((state) => this.#statements.unfinished.all([state]) as readonly { key: number }[]);
    return rows.map(({ key }) => key).sort((a, b) => a - b);
  }

  /** Numbers of the runs of a page. @throws RpcError BAD_REQUEST when the run that it follows is not there */
  list({ task, state, since = 0, before = Number.MAX_SAFE_INTEGER, limit, after }: RunFilter): number[] {
    const rows = pageLimit(limit);
    const end = after === undefined ? LAST : (this.#statements.placeOf.get([after]) as Place | undefined);
    if (!end) {
      throw rpcError("BAD_REQUEST", `There is no run ${after} that the list could go on after`, {
        outcome: "not-executed",
      });
    }
    const states = state === undefined ? ALL_STATES : new Set(typeof state === "string" ? [state] : state);
    const found: Place[] = [];
    // Each state has its place in the index; of each no more than a page is wanted.
    for (const each of states) {
      const range = [each, since, before, end.started, end.key, rows];
      const { listByState, listByTask } = this.#statements;
      const places = task === undefined ? listByState.all(range) : listByTask.all([task, ...range]);
      found.push(...(places as readonly Place[]));
    }
    found.sort((a, b) => b.started - a.started || b.key - a.key);
    return found.slice(0, rows).map(({ key }) => key);
  }

  /**
   * Lines of a history, the latest first, until one of the number `after`.
   *
   * @param from - the place of the first of them
   * @param most - so many at a time
   */
  lines(run: number, from: number, after: number, most: number): ReadLines {
    const entries: StoredLine[] = [];
    let place = from;
    while (place > 0 && entries.length < most) {
      const row = this.#statements.line.get([place, run]) as LineRow | undefined;
      if (!row) throw new ProtocolError(`line ${place} of run ${run} is missing`);
      if (row.number <= after) return { entries, next: 0 };
      entries.push(row);
      place = row.before;
    }
    return { entries, next: place };
  }

  /** What a line says. */
  entryOf({ number, at, event }: StoredLine): HistoryEntry {
    return { number, at, event: number === 1 ? BEGUN : (unpackStored(event) as HistoryEvent) };
  }

  /** The JSON of a version. */
  definition(version: string): string | undefined {
    const row = this.#statements.definition.get([version]) as { readonly json: string } | undefined;
    return row?.json;
  }

  /** Who got a call. */
  target(name: string): ServiceRecord | undefined {
    const row = this.#statements.target.get([name]) as { readonly record: StoredBytes } | undefined;
    return row && (unpackStored(row.record) as ServiceRecord);
  }

  /** Tasks that were added at run time. */
  tasks(): Map<string, string | null> {
    const rows = this.#statements.tasks.all([]) as readonly { readonly name: string; readonly json: string | null }[];
    return new Map(rows.map(({ name, json }) => [name, json]));
  }

  /** What is begun by the clock. */
  schedules(): StoredSchedule[] {
    const rows = this.#statements.schedules.all([]) as readonly { readonly schedule: StoredBytes }[];
    return rows.map(({ schedule }) => unpackStored(schedule) as StoredSchedule);
  }
}

/** Largest page of a list. */
const MAX_PAGE = 1_000;
const ALL_STATES: readonly RunState[] = ["running", "waiting", "asking", "undoing", ...ENDED_STATES];
const BEGUN: HistoryEvent = { kind: "begun" };

/** Where a run stands in a list. */
interface Place {
  readonly key: number;
  readonly started: number;
}
const LAST: Place = { key: Number.MAX_SAFE_INTEGER, started: Number.MAX_SAFE_INTEGER };

/** A line as it is stored. */
export interface StoredLine {
  readonly number: number;
  readonly at: number;
  readonly event: StoredBytes;
}

/** Some lines. */
export interface ReadLines {
  readonly entries: readonly StoredLine[];
  /** The place of the one before them; 0: there is none that is wanted. */
  readonly next: number;
}

interface LineRow extends StoredLine {
  readonly before: number;
}

interface RunRow {
  readonly key: number;
  readonly id: string;
  readonly task: string;
  readonly version: string;
  readonly state: RunState;
  readonly started: number;
  readonly updated: number;
  readonly ended: number | null;
  readonly input: StoredBytes;
  readonly result: StoredBytes | null;
  readonly error: StoredBytes | null;
}

function toRun(found: unknown): StoredRun | undefined {
  if (found === undefined) return undefined;
  const row = found as RunRow;
  return {
    key: row.key,
    id: row.id,
    task: row.task,
    version: row.version,
    state: row.state,
    startedAt: row.started,
    updatedAt: row.updated,
    endedAt: row.ended,
    input: unpackStored(row.input),
    ...(row.result && { result: unpackStored(row.result) }),
    ...(row.error && { error: unpackStored(row.error) as RunFailure }),
  };
}

function pageLimit(limit = 100): number {
  return Math.max(0, Math.min(Math.trunc(limit), MAX_PAGE));
}

import type { ServiceRecord } from "../../peer/record.js";
import type { ScheduleDefinition } from "../definition/definition.js";
import type { HistoryEntry, RunFailure, RunFilter, RunInfo, RunState } from "../run.js";

/** A run as a journal keeps it; its `version` is that of its definition, for {@link RunJournal.definition}. */
export interface StoredRun extends Omit<RunInfo, "questions" | "stalled"> {
  /** The journal's own number of it. */
  readonly key: number;
}

/** A run that is about to begin. */
export type NewRun = Omit<StoredRun, "key" | "updatedAt" | "endedAt" | "result" | "error">;

/** What became of a run that was to begin. */
export interface BegunRun {
  /** The run of its id. */
  readonly run: StoredRun;
  /** Was there none before? */
  readonly isNew: boolean;
}

/** Something to be written down. */
export type JournalWrite = EntryWrite | StateWrite;

/** A line of a run's history. */
export interface EntryWrite {
  /** Tells it from others. */
  readonly kind: "entry";
  /** The journal's number of the run. */
  readonly run: number;
  /** The line. */
  readonly entry: HistoryEntry;
}

/** How a run is doing now; what is absent stays as it is, but a run that is `completed` has no error. */
export interface StateWrite {
  /** Tells it from others. */
  readonly kind: "state";
  /** The journal's number of the run. */
  readonly run: number;
  /** How it is doing. */
  readonly state: RunState;
  /** Since when, in milliseconds since 1970. */
  readonly at: number;
  /** It has ended. */
  readonly ended?: boolean | undefined;
  /** What it resulted in. */
  readonly result?: unknown;
  /** Why it failed. */
  readonly error?: RunFailure | undefined;
}

/** A schedule as a journal keeps it. */
export interface StoredSchedule extends ScheduleDefinition {
  /** Unique. */
  readonly name: string;
  /** The latest time that began a run, in milliseconds since 1970; `undefined`: none yet. */
  readonly lastAt: number | undefined;
  /** Since when it is as it is, in milliseconds since 1970: times before that are none that were missed. */
  readonly since?: number | undefined;
  /** `file`: it stands in the file, and is kept for its times alone; `removed`: it stands there, and was removed; `undefined`: neither. */
  readonly source?: "file" | "removed" | undefined;
}

/** Which ended runs are forgotten; whatever comes first. */
export interface PrunePolicy {
  /** Ended longer ago than this, in milliseconds; default 30 days. */
  readonly maxAgeMs?: number | undefined;
  /** More ended runs than this, the oldest first; default 1,000,000. */
  readonly maxRuns?: number | undefined;
}

/**
 * Where a workflow service writes down what its runs do, before they go on. One service owns a journal at a time. All that it rejects with is
 * `UNAVAILABLE`, `not-executed`, when it cannot be written (a full disk): nothing of what was given was kept then, and the same may be given again.
 */
export interface RunJournal {
  /** Random; belongs to the journal, not to the process. */
  readonly id: string;
  /**
   * Writes a new run with the first line of its history, `begun`.
   *
   * @returns the run, and whether it is new; of an id that is there already the one that is there
   */
  begin(run: NewRun): Promise<BegunRun>;
  /**
   * Writes all of it or nothing, in order, after all that was given before. Settles when it is safe. What is given within one turn of the event
   * loop shares a commit. The numbers of a run's lines rise. Values are those that travel on the lamp wire; what holds a stream, a function or another thing that cannot be
   * kept is refused at once with `BAD_REQUEST`, `not-sent`.
   */
  write(writes: readonly JournalWrite[]): Promise<void>;
  /**
   * Looks whether a value that comes from outside can be kept, before a run has heard of it.
   *
   * @param what - what it is, for people
   * @throws BadRequestError when it cannot
   */
  check(value: unknown, what: string): void;
  /** A run by its id. */
  find(id: string): Promise<StoredRun | undefined>;
  /** All that has not ended, the oldest first. */
  unfinished(): Promise<readonly StoredRun[]>;
  /** Newest first. */
  list(filter: RunFilter): Promise<readonly StoredRun[]>;
  /** How many runs there are in each state; states without runs may be absent. */
  count(): Promise<Readonly<Partial<Record<RunState, number>>>>;
  /**
   * What happened in a run, in order.
   *
   * @param after - only lines behind the one of this number
   * @param limit - at most so many; default all
   */
  history(run: number, after?: number, limit?: number): Promise<readonly HistoryEntry[]>;
  /** Keeps a definition that runs begin with, by its version; again is nothing. */
  keepDefinition(version: string, json: string): Promise<void>;
  /** The JSON of a version. */
  definition(version: string): Promise<string | undefined>;
  /** Keeps who gets calls, by a name of the caller's making; again is nothing. */
  keepTarget(name: string, record: ServiceRecord): Promise<void>;
  /** Who got a call. */
  target(name: string): Promise<ServiceRecord | undefined>;
  /** Tasks that were added at run time: name and JSON of the task; `null`: one of the file that was removed. */
  tasks(): Promise<ReadonlyMap<string, string | null>>;
  /** Adds, replaces, or, with `undefined`, forgets what is known of a task. */
  setTask(name: string, json: string | null | undefined): Promise<void>;
  /** What is begun by the clock. */
  schedules(): Promise<readonly StoredSchedule[]>;
  /** Adds or replaces a schedule, or writes down how far it has come; with `undefined` removes it. */
  setSchedule(name: string, schedule: StoredSchedule | undefined): Promise<void>;
  /** Forgets what the policy says, a little at a time, so that nobody waits for it. @returns how many runs */
  prune(policy: PrunePolicy): Promise<number>;
  /** Writes what waits, and closes. Idempotent. */
  close(): Promise<void>;
}

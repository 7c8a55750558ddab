import type { ScheduleDefinition, TaskDefinition, WorkflowDefinition } from "./definition/definition.js";
import type { HistoryEntry, RunAnswer, RunFilter, RunInfo } from "./run.js";

/** The interface whose methods are the tasks. */
export const WORKFLOW_INTERFACE = "lamplighter.workflow";
/** The interface of those who look after runs, beside it under the same service name. */
export const CONTROL_INTERFACE = "lamplighter.workflow.control";
/**
 * Extension of calls of tasks, and of their answers: the id of the run. Callers that give one of their own making join that run when they
 * call again.
 */
export const RUN_EXTENSION = "lamplighter.run";

/** How far a run is: its history from the beginning, and whenever something happens how it is doing. */
export interface RunProgress {
  /** The run. */
  readonly run: RunInfo;
  /** What has happened; absent for a run whose history was not asked for. */
  readonly entry?: HistoryEntry | undefined;
}

/** A part of a run, as a picture of it is drawn. */
export interface StepStatus {
  /** Path. */
  readonly step: string;
  /** `call`, `code`, `task`, `value`, `steps`, `parallel`, `map`, `when`, `switch` or `wait`. */
  readonly kind: string;
  /** What it does, in a few words: `demo.interface.1.task1`, `wait for payment`. */
  readonly label: string;
  /** `skipped`: it was not needed, or nothing got as far. */
  readonly state: "pending" | "running" | "waiting" | "asking" | "done" | "failed" | "undone" | "skipped";
  /** When its first try began, in milliseconds since 1970. */
  readonly startedAt?: number | undefined;
  /** When it ended, in milliseconds since 1970. */
  readonly endedAt?: number | undefined;
  /** Tries. */
  readonly attempts: number;
  /** Why it failed. */
  readonly error?: string | undefined;
  /** What it consists of; the branches of `parallel`, `map`, `when` and `switch` are steps of kind `steps`. */
  readonly steps: readonly StepStatus[];
}

/** A run with all that is known of it. */
export interface RunDetails extends RunInfo {
  /** The chain, as it is drawn. */
  readonly steps: readonly StepStatus[];
}

/** A schedule, as it is told. Times are milliseconds since 1970. */
export interface ScheduleInfo extends ScheduleDefinition {
  /** Unique. */
  readonly name: string;
  /** When it begins a run next; `null`: never. */
  readonly nextAt: number | null;
  /** When it did last; `null`: never. */
  readonly lastAt: number | null;
}

/** A task, as it is told. */
export interface TaskInfo {
  /** Unique. */
  readonly name: string;
  /** What it does, for people. */
  readonly doc: string | null;
  /** Tells versions of it apart. */
  readonly version: string;
  /** As it was given. */
  readonly definition: TaskDefinition;
  /** What is probably wrong with it: interfaces that nobody provides, methods that they do not have. */
  readonly warnings: readonly string[];
}

/** What happens at an event that is delivered. */
export interface Delivery {
  /** Runs that got it. */
  readonly runs: readonly string[];
}

/**
 * The methods of {@link CONTROL_INTERFACE}. Each takes one object, so that callers of all wires can give it by name.
 */
export interface WorkflowControl {
  /**
   * Begins a run; settles when it is written down.
   *
   * @returns the run; of an `id` that was given before, the one that it was given for
   * @throws METHOD_NOT_FOUND for an unknown task; BAD_REQUEST when `id` belongs to a run of another task or with another input
   */
  start(options: { task: string; input?: unknown; id?: string }): Promise<RunInfo>;
  /**
   * The result of a run, when it has one.
   *
   * @throws what the run failed with; TIMEOUT, `executed`, with the state of the run, when it takes longer than `timeoutMs` (default: as long as the call may take)
   */
  wait(options: { run: string; timeoutMs?: number }): Promise<unknown>;
  /** How a run is doing. @throws BAD_REQUEST when there is no such run; as all methods that name one */
  status(options: { run: string }): Promise<RunInfo>;
  /** A run with its chain. */
  show(options: { run: string }): Promise<RunDetails>;
  /** Newest first. */
  list(filter?: RunFilter): Promise<readonly RunInfo[]>;
  /** How many runs there are in each state. */
  count(): Promise<Readonly<Record<string, number>>>;
  /** What has happened in a run, in order. */
  history(options: { run: string; after?: number; limit?: number }): Promise<readonly HistoryEntry[]>;
  /** Stops a run, and undoes what it did. @returns the run, as it is then; it ends when all is undone */
  cancel(options: { run: string; reason?: string; by?: string }): Promise<RunInfo>;
  /** Lets a run that has failed go on at the step that failed, as if it had not. */
  retry(options: { run: string; by?: string }): Promise<RunInfo>;
  /** Answers a question. @throws BAD_REQUEST when there is none, or the answer is none of its choices */
  resume(options: RunAnswer & { run: string }): Promise<RunInfo>;
  /**
   * Delivers an event: to one run, which keeps it until it waits for it, or to all that wait for it under this key.
   *
   * @throws BAD_REQUEST without `run` and `key`
   */
  deliver(options: { event: string; payload?: unknown; run?: string; key?: string }): Promise<Delivery>;
  /**
   * Follows a run from its beginning until it ends; without `run` all runs, from now on, without their histories.
   */
  progress(options?: { run?: string }): AsyncIterable<RunProgress>;
  /** All tasks. */
  tasks(): Promise<readonly TaskInfo[]>;
  /** Adds tasks, or replaces them, and schedules. Runs that have begun keep what they began with. @throws BAD_REQUEST for a bad definition, and changes nothing */
  define(definition: WorkflowDefinition): Promise<readonly TaskInfo[]>;
  /** Removes a task; its runs go on. @throws BAD_REQUEST when there is none, or another task or a schedule needs it */
  remove(options: { task: string }): Promise<void>;
  /** What is begun by the clock. */
  schedules(): Promise<readonly ScheduleInfo[]>;
  /** Adds or replaces a schedule. */
  schedule(options: ScheduleDefinition & { name: string }): Promise<ScheduleInfo>;
  /** Removes a schedule. @throws BAD_REQUEST when there is none */
  unschedule(options: { name: string }): Promise<void>;
}

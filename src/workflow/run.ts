import type { Outcome } from "../errors.js";

/**
 * How a run is doing: `running`; `waiting` for a time, an event or a person; `asking`, because nobody knows whether a step was executed;
 * `undoing` what was done, after a failure or when it is cancelled; and three in which it has ended.
 */
export type RunState = "running" | "waiting" | "asking" | "undoing" | "completed" | "failed" | "cancelled";

/** States in which nothing happens any more. */
export const ENDED_STATES: readonly RunState[] = ["completed", "failed", "cancelled"];

/** Why a step or a run failed, as it is written down and told. */
export interface RunFailure {
  /** As of `RpcError`. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** What is known of the call. */
  readonly outcome: Outcome;
  /** A service's own number. */
  readonly number?: number | undefined;
  /** Path of the step. */
  readonly step?: string | undefined;
  /** What failed while what was done was undone, or at the very end: path and message. */
  readonly further?: readonly string[] | undefined;
}

/** Something that a run wants to know from a person. */
export interface RunQuestion {
  /** Path of the step that asks. */
  readonly step: string;
  /** `approval`: the definition says so. `unknown`: a call may have been executed, and may not be executed twice. */
  readonly kind: "approval" | "unknown";
  /** What is asked. */
  readonly text: string;
  /**
   * What can be answered; empty: anything. Of `unknown`: `repeat` calls again, `done` goes on with a result that is given, `fail` lets
   * the step fail.
   */
  readonly choices: readonly string[];
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
}

/** A run, as it is told. Times are milliseconds since 1970. */
export interface RunInfo {
  /** Of the caller's or our own making. */
  readonly id: string;
  /** Name of its task. */
  readonly task: string;
  /** Tells versions of the task apart; a run keeps the one that it began with. */
  readonly version: string;
  /** How it is doing. */
  readonly state: RunState;
  /** When it began. */
  readonly startedAt: number;
  /** When something happened last. */
  readonly updatedAt: number;
  /** When it ended; `null` while it goes on. */
  readonly endedAt: number | null;
  /** What it was given. */
  readonly input: unknown;
  /** When it is `completed`. */
  readonly result?: unknown;
  /** When it is `failed` or `cancelled`, and while it is `undoing` what it did. */
  readonly error?: RunFailure | undefined;
  /** What it wants to know. */
  readonly questions: readonly RunQuestion[];
  /** Why nothing goes on although it should: the journal cannot be written, or the definition of the run cannot be read. */
  readonly stalled?: string | undefined;
}

/** What was answered to a question. */
export interface RunAnswer {
  /** One of the choices, or anything where there are none. */
  readonly answer: unknown;
  /** With `done`: what the step results in; default `null`. */
  readonly result?: unknown;
  /** Which question; default the only one. */
  readonly step?: string | undefined;
  /** Who says so, for the history. */
  readonly by?: string | undefined;
}

/** A line of the history of a run. */
export interface HistoryEntry {
  /** From 1 on, without holes. */
  readonly number: number;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** What. */
  readonly event: HistoryEvent;
}

/** What happened in a run; `step` is the path of a step, such as `pay/left/0`. */
export type HistoryEvent =
  | BegunEvent
  | StartedEvent
  | DoneEvent
  | FailedEvent
  | WaitingEvent
  | AskedEvent
  | AnsweredEvent
  | DeliveredEvent
  | UndoingEvent
  | CancelledEvent
  | RetriedEvent
  | EndedEvent;

/** The run began. */
export interface BegunEvent {
  /** Tells it from others. */
  readonly kind: "begun";
}

/** A step began; a try of a call is about to be sent. */
export interface StartedEvent {
  /** Tells it from others. */
  readonly kind: "started";
  /** Path. */
  readonly step: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The name by which the called host knows the call: a secret, which `lamplighter.workflow.control` does not tell. */
  readonly call?: string | undefined;
  /** The run of the service that gets it, for {@link RunJournal.target}. */
  readonly target?: string | undefined;
  /** The journal of that service, where it writes the call down. */
  readonly journal?: string | undefined;
  /** It may be executed twice without harm. */
  readonly idempotent?: boolean | undefined;
}

/** A step has ended. */
export interface DoneEvent {
  /** Tells it from others. */
  readonly kind: "done";
  /** Path. */
  readonly step: string;
  /** What it resulted in. */
  readonly result: unknown;
  /** It waited in vain, and goes on all the same. */
  readonly timedOut?: boolean | undefined;
}

/** A step has failed. */
export interface FailedEvent {
  /** Tells it from others. */
  readonly kind: "failed";
  /** Path. */
  readonly step: string;
  /** Why. */
  readonly error: RunFailure;
  /** It is tried again then, in milliseconds since 1970. */
  readonly retryAt?: number | undefined;
}

/** A step waits. */
export interface WaitingEvent {
  /** Tells it from others. */
  readonly kind: "waiting";
  /** Path. */
  readonly step: string;
  /** Until then, in milliseconds since 1970. */
  readonly until?: number | undefined;
  /** For an event of this name. */
  readonly event?: string | undefined;
  /** And under this key. */
  readonly key?: string | undefined;
  /** For what is published under this name. */
  readonly published?: string | undefined;
}

/** A person is asked. */
export interface AskedEvent {
  /** Tells it from others. */
  readonly kind: "asked";
  /** What. */
  readonly question: RunQuestion;
}

/** A question was answered. */
export interface AnsweredEvent {
  /** Tells it from others. */
  readonly kind: "answered";
  /** Path of the step that asked. */
  readonly step: string;
  /** See {@link RunAnswer.answer}. */
  readonly answer: unknown;
  /** See {@link RunAnswer.result}. */
  readonly result?: unknown;
  /** Who answered. */
  readonly by?: string | undefined;
}

/** An event was delivered to the run. */
export interface DeliveredEvent {
  /** Tells it from others. */
  readonly kind: "event";
  /** Its name. */
  readonly event: string;
  /** What came with it. */
  readonly payload: unknown;
}

/** What was done is undone from here on. */
export interface UndoingEvent {
  /** Tells it from others. */
  readonly kind: "undoing";
  /** Why. */
  readonly error: RunFailure;
}

/** The run is to be cancelled. */
export interface CancelledEvent {
  /** Tells it from others. */
  readonly kind: "cancelled";
  /** Why. */
  readonly reason: string;
  /** Who wants it. */
  readonly by?: string | undefined;
}

/** A run that had failed goes on at the step that failed. */
export interface RetriedEvent {
  /** Tells it from others. */
  readonly kind: "retried";
  /** Who wants it. */
  readonly by?: string | undefined;
}

/** The run has ended. */
export interface EndedEvent {
  /** Tells it from others. */
  readonly kind: "ended";
  /** How. */
  readonly state: RunState;
}

/** Which runs to list; all members must match. */
export interface RunFilter {
  /** Runs of this task. */
  readonly task?: string | undefined;
  /** One or several. */
  readonly state?: RunState | readonly RunState[] | undefined;
  /** Begun at or after, in milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Begun before, in milliseconds since 1970. */
  readonly before?: number | undefined;
  /** At most so many; default 100, at most 1,000. */
  readonly limit?: number | undefined;
  /** Only what comes after this run in the list: for the next page. */
  readonly after?: string | undefined;
}

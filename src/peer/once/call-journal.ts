import type { AnswerMessage } from "../../wire/message.js";

/** What a journal knows of a call that is about to begin. */
export type JournalEntry =
  /** It was not begun before; it stands in the journal now. */
  | {
      /** Tells the cases apart. */
      readonly state: "new";
    }
  /** It was begun, and nothing tells how it ended. */
  | {
      /** Tells the cases apart. */
      readonly state: "begun";
    }
  /** It was carried out, and answered so. */
  | {
      /** Tells the cases apart. */
      readonly state: "answered";
      /** How. */
      readonly answer: AnswerMessage;
    }
  /** The journal has forgotten calls that are as old. */
  | {
      /** Tells the cases apart. */
      readonly state: "forgotten";
    };

/** A call as a journal knows it. */
export interface JournaledCall {
  /** Its name over all its tries; `ServerCall.callId`. */
  readonly id: string;
  /** How long ago it was sent first, in milliseconds. */
  readonly ageMs: number;
  /** Interface and method, for people who look into the journal. */
  readonly label: string;
}

/** A prepared statement of a {@link JournalDatabase}. */
export interface JournalStatement {
  /** Runs it; for statements that return no rows. */
  run(...values: readonly unknown[]): unknown;
  /** The first row by column name, or `undefined`. */
  get(...values: readonly unknown[]): unknown;
  /** All rows by column name. */
  all(...values: readonly unknown[]): readonly unknown[];
}

/** The SQLite database of a journal, as far as methods use it for tables of their own. All of it is synchronous. */
export interface JournalDatabase {
  /** Runs statements that take no values and return nothing. */
  exec(sql: string): unknown;
  /** Prepares a statement; `?` stands for values. */
  prepare(sql: string): JournalStatement;
}

/**
 * Where a host writes down the calls of its `once` methods, so that they are executed at most once even if it is killed
 * and started again (docs/failures.md).
 */
export interface CallJournal {
  /** Random; belongs to the journal, not to the process. */
  readonly id: string;
  /** Writes down that a call begins, unless it stands there already. Settles when that is safe. */
  begin(call: JournaledCall): Promise<JournalEntry>;
  /** What is known of a call that may be new; writes nothing. */
  look(call: JournaledCall): JournalEntry;
  /** Writes down how a call that has begun was answered. Settles when that is safe, or has turned out to be impossible. */
  end(id: string, answer: AnswerMessage): Promise<void>;
  /** A call was not executed after all: it may begin another time. */
  withdraw(id: string): void;
  /**
   * Carries out a call's effect and writes its answer down, both or neither.
   *
   * @param body - the effect; gives the answer
   * @returns the answer; of the call as it was carried out before, if it was
   */
  commit(call: JournaledCall, body: (database: JournalDatabase) => AnswerMessage): AnswerMessage;
}

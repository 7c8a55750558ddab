import { RpcError } from "../../errors.js";
import type { JournalWrite, RunJournal } from "../journal/run-journal.js";
import type { HistoryEvent } from "../run.js";
import { failureOf, StepFailed, Suspended } from "./failure.js";
import type { Room } from "./room.js";

/**
 * What one run writes down, in order. When the journal cannot be written, a full disk say, it waits until it can, and the run with it.
 *
 * Each step comes through here, so the common case makes a promise only for who waits for one.
 */
export class RunLog {
  readonly #journal: RunJournal;
  readonly #room: Room;
  #waiting: JournalWrite[] = [];
  /** For who waits until `#waiting` is written. */
  #next: Waiter | undefined;
  /** For who waits until that is written which is being written. */
  #current: Waiter | undefined;
  #isWriting = false;
  #refused: StepFailed | Suspended | undefined;

  constructor(journal: RunJournal, room: Room) {
    this.#journal = journal;
    this.#room = room;
  }

  /** Writes something down, soon: {@link RunLog.safe} tells when. */
  add(write: JournalWrite): void {
    this.#waiting.push(write);
    if (this.#isWriting) return;
    this.#isWriting = true;
    // What a step resulted in and that the next one begins are added one after the other, in microtasks, and go together.
    process.nextTick(this.#writeWaiting);
  }

  /**
   * Settles when all that was added is safe.
   *
   * @throws StepFailed when the result of a step cannot be kept; Suspended when the service is closed before it could be written
   */
  safe(): Promise<void> {
    if (this.#refused) return Promise.reject(this.#refused);
    if (this.#waiting.length > 0) {
      this.#next ??= new Waiter();
      return this.#next.promise;
    }
    if (!this.#isWriting) return SAFE;
    this.#current ??= new Waiter();
    return this.#current.promise;
  }

  /** What was refused is dealt with: the run has failed of it. */
  forgive(): void {
    this.#refused = undefined;
  }

  readonly #writeWaiting = (): void => {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#current = this.#next;
    this.#next = undefined;
    this.#journal.write(batch).then(this.#written, (error: unknown) => {
      this.#writeSlowly(batch, error).then(this.#written, this.#failed);
    });
  };

  readonly #written = (): void => {
    this.#room.found();
    const waiter = this.#current;
    this.#current = undefined;
    if (this.#refused) waiter?.reject(this.#refused);
    else waiter?.resolve();
    if (this.#waiting.length > 0) this.#writeWaiting();
    else this.#isWriting = false;
  };

  readonly #failed = (error: unknown): void => {
    const refused = error instanceof Suspended ? error : new StepFailed(failureOf(error, ""));
    this.#refused = refused;
    this.#isWriting = false;
    this.#waiting = [];
    for (const waiter of [this.#current, this.#next]) waiter?.reject(refused);
    this.#current = undefined;
    this.#next = undefined;
  };

  /** Waits until there is room; or, when one of them cannot be kept, lets the others not suffer. */
  async #writeSlowly(batch: readonly JournalWrite[], reason: unknown): Promise<void> {
    let error = reason;
    while (isLack(error)) {
      await this.#room.lacking(error);
      try {
        await this.#journal.write(batch);
        return;
      } catch (another) {
        error = another;
      }
    }
    const [first, ...others] = batch;
    if (!isRefusal(error) || !first) throw error;
    if (others.length === 0) await this.#refuse(first, error);
    else for (const write of batch) await this.#writeOne(write);
  }

  async #writeOne(write: JournalWrite): Promise<void> {
    try {
      await this.#journal.write([write]);
    } catch (error) {
      await this.#writeSlowly([write], error);
    }
  }

  /** A step whose result cannot be kept has failed. */
  async #refuse(write: JournalWrite, error: RpcError): Promise<void> {
    if (write.kind !== "entry" || write.entry.event.kind !== "done") throw error;
    const { step } = write.entry.event;
    const refused = new StepFailed({ code: "BAD_REQUEST", message: error.message, outcome: "executed", step });
    this.#refused = refused;
    const event: HistoryEvent = { kind: "failed", step, error: refused.failure };
    await this.#writeOne({ ...write, entry: { ...write.entry, event } });
  }
}

/** A promise that somebody else settles. */
class Waiter {
  resolve!: () => void;
  reject!: (reason: Error) => void;
  readonly promise: Promise<void> = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

function isLack(error: unknown): error is RpcError {
  return RpcError.isRpcError(error) && error.code === "UNAVAILABLE";
}

function isRefusal(error: unknown): error is RpcError {
  return RpcError.isRpcError(error) && error.code === "BAD_REQUEST";
}

const SAFE: Promise<void> = Promise.resolve();

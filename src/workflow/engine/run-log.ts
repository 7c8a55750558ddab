import { RpcError } from "../../errors.js";
import type { JournalWrite, RunJournal } from "../journal/run-journal.js";
import type { HistoryEvent } from "../run.js";
import { failureOf, StepFailed, Suspended } from "./failure.js";
import type { Room } from "./room.js";

/**
 * What one run writes down, in order. When the journal cannot be written, a full disk say, it waits until it can, and the run with it.
 */
export class RunLog {
  readonly #journal: RunJournal;
  readonly #room: Room;
  #waiting: JournalWrite[] = [];
  #writing: Promise<void> | undefined;
  #refused: StepFailed | Suspended | undefined;

  constructor(journal: RunJournal, room: Room) {
    this.#journal = journal;
    this.#room = room;
  }

  /** Writes something down, soon: {@link RunLog.safe} tells when. */
  add(write: JournalWrite): void {
    this.#waiting.push(write);
    // Who has to know asks; whatever goes wrong is kept for them.
    if (!this.#writing) this.#begin();
  }

  /**
   * Settles when all that was added is safe.
   *
   * @throws StepFailed when the result of a step cannot be kept; Suspended when the service is closed before it could be written
   */
  async safe(): Promise<void> {
    while (this.#writing) await this.#writing;
    if (this.#refused) throw this.#refused;
  }

  /** What was refused is dealt with: the run has failed of it. */
  forgive(): void {
    this.#refused = undefined;
  }

  #begin(): void {
    this.#writing = endOfMicrotasks()
      .then(() => this.#writeAll())
      .catch((error: unknown) => {
        this.#waiting = [];
        this.#refused = error instanceof Suspended ? error : new StepFailed(failureOf(error, ""));
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(batch);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // One of them cannot be kept, and the others are not to suffer.
        for (const write of batch) await this.#writeOne(write);
      }
    }
  }

  async #writeOne(write: JournalWrite): Promise<void> {
    try {
      await this.#write([write]);
    } catch (error) {
      if (!isRefusal(error) || write.kind !== "entry" || write.entry.event.kind !== "done") throw error;
      const { step } = write.entry.event;
      const failed = new StepFailed({ code: "BAD_REQUEST", message: error.message, outcome: "executed", step });
      this.#refused = failed;
      const event: HistoryEvent = { kind: "failed", step, error: failed.failure };
      await this.#write([{ ...write, entry: { ...write.entry, event } }]);
    }
  }

  /** Writes, as soon as there is room. */
  async #write(batch: readonly JournalWrite[]): Promise<void> {
    for (;;) {
      try {
        await this.#journal.write(batch);
        this.#room.found();
        return;
      } catch (error) {
        if (!RpcError.isRpcError(error) || error.code !== "UNAVAILABLE") throw error;
        await this.#room.lacking(error);
      }
    }
  }
}

function isRefusal(error: unknown): error is RpcError {
  return RpcError.isRpcError(error) && error.code === "BAD_REQUEST";
}

/** What a step resulted in and that the next one begins are added one after the other, and go together. */
function endOfMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

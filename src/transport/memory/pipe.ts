import { AsyncLocalStorage } from "node:async_hooks";
import { type Frames, sizeOf } from "../../wire/message.js";

const outside = AsyncLocalStorage.snapshot();

/**
 * One direction of a connection inside a process. What is sent in one turn of the event loop arrives in the next one, in
 * order, so that two ends that answer each other leave room for everything else. Messages are copies: neither end sees what
 * the other does with its bytes.
 */
export class Pipe {
  readonly #deliver: (frames: Frames) => void;
  readonly #ended: () => void;
  readonly #drained: (() => void) | undefined;
  #waiting: Frames[] = [];
  #bytes = 0;
  #isScheduled = false;
  #isEnding = false;
  #isOver = false;
  readonly #flush = (): void => {
    this.#isScheduled = false;
    const messages = this.#waiting;
    const bytes = this.#bytes;
    this.#waiting = [];
    for (const frames of messages) if (!this.#isOver) this.#deliver(frames);
    if (!this.#isOver) this.#bytes -= bytes;
    if (bytes > 0 && this.#bytes === 0 && !this.#isOver) this.#drained?.();
    if (!this.#isEnding || this.#isOver || this.#waiting.length > 0) return;
    this.#isOver = true;
    this.#ended();
  };

  /**
   * @param deliver - takes a message
   * @param ended - called after the last one, when the sender has ended the pipe
   * @param drained - called when everything that was sent has arrived
   */
  constructor(deliver: (frames: Frames) => void, ended: () => void, drained?: () => void) {
    this.#deliver = deliver;
    this.#ended = ended;
    this.#drained = drained;
  }

  /** What was sent and has not arrived. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Sends a message.
   *
   * @returns whether it will arrive: nothing does after {@link Pipe.end} and {@link Pipe.cut}
   */
  send(frames: Frames): boolean {
    if (this.#isEnding || this.#isOver) return false;
    this.#waiting.push(frames.map((frame) => Buffer.from(frame)));
    this.#bytes += sizeOf(frames);
    this.#schedule();
    return true;
  }

  /** Nothing more will be sent; what was, arrives. Idempotent. */
  end(): void {
    if (this.#isEnding || this.#isOver) return;
    this.#isEnding = true;
    this.#schedule();
  }

  /** Its receiver is gone: nothing arrives any more. Idempotent. */
  cut(): void {
    this.#isOver = true;
    this.#waiting = [];
    this.#bytes = 0;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // What the receiver does is no part of what the sender is doing now.
    outside(setImmediate, this.#flush);
  }
}

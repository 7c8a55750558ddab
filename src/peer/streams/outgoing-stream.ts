import { type RpcError, rpcError } from "../../errors.js";
import { type ItemIterator, iterate, type StreamSource } from "./source.js";
import { STREAM_WINDOW_BYTES, STREAM_WINDOW_ITEMS } from "./window.js";

/** Where a stream's items go. */
export interface StreamOutput {
  /**
   * Sends an item.
   *
   * @returns its size in bytes
   * @throws RpcError when it cannot travel
   */
  item(id: number, value: unknown): number;
  /** Ends the stream, in order or with an error. */
  end(id: number, error: unknown): void;
}

/** What a stream is part of. */
export interface StreamContext {
  /** Around each step of a source. */
  run<T>(step: () => T): T;
  /** The message that so many streams belong to is on its way. */
  started(count: number): void;
  /** One of them is over, however it ended. */
  ended(): void;
  /** Nobody wants the stream any more. */
  stopped(reason: unknown): void;
}

/**
 * The sending end of a stream: takes from its source what the receiver has room for, and no more.
 *
 * However the stream ends, the source's `finally` blocks run.
 */
export class OutgoingStream {
  /** Its number at this end. */
  readonly id: number;
  readonly #iterator: ItemIterator;
  readonly #output: StreamOutput;
  readonly #context: StreamContext;
  readonly #onEnd: (stream: OutgoingStream) => void;
  /** Items that may be sent. */
  #credit = STREAM_WINDOW_ITEMS;
  /** Sizes of the items that are on their way, the oldest first from `#oldest` on. */
  #sizes: number[] = [];
  #oldest = 0;
  #bytes = 0;
  #isPumping = false;
  #isOver = false;

  constructor(
    id: number,
    source: StreamSource,
    output: StreamOutput,
    context: StreamContext,
    onEnd: (stream: OutgoingStream) => void,
  ) {
    this.id = id;
    this.#iterator = iterate(source);
    this.#output = output;
    this.#context = context;
    this.#onEnd = onEnd;
  }

  /** Begins to send. */
  start(): void {
    void this.#pump();
  }

  /** The receiver has room for more. */
  grant(items: number): void {
    this.#credit += items;
    for (let count = 0; count < items && this.#oldest < this.#sizes.length; count++) {
      this.#bytes -= this.#sizes[this.#oldest++] ?? 0;
    }
    if (this.#oldest > STREAM_WINDOW_ITEMS) {
      this.#sizes = this.#sizes.slice(this.#oldest);
      this.#oldest = 0;
    }
    void this.#pump();
  }

  /** The receiver wants no more, or is gone: the source is ended. Idempotent. */
  stop(reason?: RpcError): void {
    if (this.#isOver) return;
    this.#finish();
    this.#context.stopped(reason ?? rpcError("CANCELLED", "The receiver wants no more of the stream"));
    this.#closeSource();
  }

  /** Nobody here wants it sent any more: the source is ended, and the receiver told why. Idempotent. */
  breakOff(reason: RpcError): void {
    if (this.#isOver) return;
    this.#finish();
    this.#closeSource();
    this.#output.end(this.id, reason);
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#hasRoom()) {
        const step = await this.#context.run(() => this.#iterator.next());
        if (this.#isStopped()) return;
        if (step.done) {
          this.#finish();
          this.#output.end(this.id, undefined);
          return;
        }
        this.#send(step.value);
      }
    } catch (error) {
      if (this.#isStopped()) return;
      this.#finish();
      this.#output.end(this.id, error);
    } finally {
      this.#isPumping = false;
    }
  }

  #send(value: unknown): void {
    let bytes: number;
    try {
      bytes = this.#output.item(this.id, value);
    } catch (error) {
      this.#closeSource();
      throw error;
    }
    this.#credit--;
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** One item may always be on its way, however large. */
  #hasRoom(): boolean {
    return (
      !this.#isOver && this.#credit > 0 && (this.#bytes < STREAM_WINDOW_BYTES || this.#oldest === this.#sizes.length)
    );
  }

  #isStopped(): boolean {
    return this.#isOver;
  }

  #finish(): void {
    this.#isOver = true;
    this.#onEnd(this);
    this.#context.ended();
  }

  #closeSource(): void {
    // A source that is at work ends when that is done; one that fails while it ends has nobody to tell.
    Promise.resolve(this.#context.run(() => this.#iterator.return?.())).catch(() => undefined);
  }
}

import { ProtocolError, type RpcError, rpcError } from "../../errors.js";
import { Ring } from "../../util/ring.js";
import { discardSources } from "./source.js";
import { STREAM_WINDOW_BYTES, STREAM_WINDOW_ITEMS } from "./window.js";

/** How the receiving end of a stream speaks to the sending one. */
export interface StreamControl {
  /** There is room for more items. */
  credit(id: number, items: number): void;
  /** No more are wanted. */
  stop(id: number): void;
}

/** What has come. */
interface Item {
  readonly value: unknown;
  /** Its size. */
  readonly bytes: number;
}

/** One step of a stream that is waited for. */
interface Waiter {
  readonly resolve: (step: IteratorResult<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/** What has come of a stream and was not taken yet, and who waits for more. Kept by the connection. */
export class IncomingStream {
  /** Its number at the sending end. */
  readonly id: number;
  readonly #control: StreamControl;
  readonly #onEnd: (stream: IncomingStream) => void;
  readonly #items = new Ring<Item>();
  readonly #waiters = new Ring<Waiter>();
  /** Items that were taken, and their bytes, since room was made last. */
  #taken = 0;
  #takenBytes = 0;
  #isOver = false;
  #error: { readonly reason: unknown } | undefined;
  /** Was anything asked of it? */
  isUsed = false;

  constructor(id: number, control: StreamControl, onEnd: (stream: IncomingStream) => void) {
    this.id = id;
    this.#control = control;
    this.#onEnd = onEnd;
  }

  /**
   * Takes an item from the sender.
   *
   * @param bytes - its size
   * @throws ProtocolError when the sender goes beyond the room it was given
   */
  receive(value: unknown, bytes: number): void {
    if (this.#isOver) return;
    const waiter = this.#waiters.shift();
    if (waiter) {
      this.#took(bytes);
      waiter.resolve({ done: false, value });
    } else if (this.#items.size >= STREAM_WINDOW_ITEMS) {
      throw new ProtocolError("A stream sends more items than there is room for");
    } else this.#items.push({ value, bytes });
  }

  /** The sender has ended the stream, in order or with an error. */
  end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(this);
    if (error !== undefined) this.#error = { reason: error };
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) this.#settle(waiter);
  }

  /** The next item. */
  next(): Promise<IteratorResult<unknown>> {
    this.isUsed = true;
    return new Promise((resolve, reject) => {
      const item = this.#items.shift();
      if (item) {
        this.#took(item.bytes);
        resolve({ done: false, value: item.value });
      } else if (this.#isOver) this.#settle({ resolve, reject });
      else this.#waiters.push({ resolve, reject });
    });
  }

  /** No more is wanted. */
  stop(): void {
    this.isUsed = true;
    // Streams may stand in what nobody takes any more.
    for (let item = this.#items.shift(); item; item = this.#items.shift()) discardSources(item.value);
    this.#error = undefined;
    if (this.#isOver) return;
    this.#control.stop(this.id);
    this.end();
  }

  /** An error is told once; after it the stream is just over. */
  #settle(waiter: Waiter): void {
    const error = this.#error;
    this.#error = undefined;
    if (error) waiter.reject(error.reason);
    else waiter.resolve({ done: true, value: undefined });
  }

  /** The sender is told in time: with large items it has no room any more long before it has sent as many as it may. */
  #took(bytes: number): void {
    if (this.#isOver) return;
    this.#taken++;
    this.#takenBytes += bytes;
    if (this.#taken < STREAM_WINDOW_ITEMS / 2 && this.#takenBytes < STREAM_WINDOW_BYTES / 2) return;
    this.#control.credit(this.id, this.#taken);
    this.#taken = 0;
    this.#takenBytes = 0;
  }
}

/** Streams that nobody holds any more are stopped, some time. Nobody should rely on it. */
const forgotten = new FinalizationRegistry<IncomingStream>((stream) => {
  stream.stop();
});

/**
 * A stream from the other end: an async iterable with back-pressure. Breaking off ends the generator at the far side.
 *
 * ```ts
 * for await (const n of query.count(10)) if (n > 5) break;
 * ```
 */
export class RemoteStream<T = unknown> implements AsyncIterableIterator<T> {
  readonly #stream: IncomingStream;

  /** Made by the connection. @internal */
  constructor(stream: IncomingStream) {
    this.#stream = stream;
    forgotten.register(this, stream);
  }

  /**
   * The next item.
   *
   * @throws RpcError when the sender's generator failed, or its connection was lost
   */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#stream.next() as Promise<IteratorResult<T, undefined>>;
  }

  /** Ends the stream: the generator at the far side runs its `finally` blocks. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#stream.stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the stream, and rejects with the error. */
  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.#stream.stop();
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }

  /** Itself: a stream is iterated once. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** The same as a web stream, for sources that were one. */
export function toReadableStream(stream: IncomingStream): ReadableStream<unknown> {
  const readable = new ReadableStream<unknown>(
    {
      async pull(controller) {
        const step = await stream.next();
        if (step.done) controller.close();
        else controller.enqueue(step.value);
      },
      cancel() {
        stream.stop();
      },
    },
    // Room is kept at the connection; a second buffer would only hide how far the consumer is.
    { highWaterMark: 0 },
  );
  forgotten.register(readable, stream);
  return readable;
}

/** A connection broke in the middle of a stream. */
export function streamLost(reason: RpcError): RpcError {
  return rpcError("UNAVAILABLE", `The stream broke off: ${reason.message}`, {
    outcome: "unknown",
    service: reason.service,
    cause: reason,
  });
}

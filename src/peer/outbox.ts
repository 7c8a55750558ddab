import { type RpcError, rpcError } from "../errors.js";
import { callName, type Frames, type Message, sizeOf } from "../wire/message.js";
import type { BatchingCodec, Codec } from "../wire/wire.js";

/** Takes frames for the link. `first` and `last` are the numbers of the calls among them; `last < first` for none. */
export type FrameSender = (frames: Frames, first: number, last: number) => void;

/**
 * What one end has to say: messages go out at once, or, on wires that batch, together with all others of this turn of the
 * event loop.
 */
export class Outbox {
  readonly #codec: Codec | BatchingCodec;
  readonly #send: FrameSender;
  readonly #now: () => number;
  #scheduled = false;
  /** Numbers of the calls in the batch. */
  #first = 0;
  #last = -1;
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** @param now - the sender's clock, in milliseconds, which goes with each batch */
  constructor(codec: Codec | BatchingCodec, send: FrameSender, now: () => number) {
    this.#codec = codec;
    this.#send = send;
    this.#now = now;
  }

  /** The lowest number of a call that has not been handed to the link; `undefined` when there is none. */
  get firstUnsent(): number | undefined {
    return this.#last < this.#first ? undefined : this.#first;
  }

  /** Is a call still here, so that what is added now travels with it? */
  holds(id: number): boolean {
    return id >= this.#first && id <= this.#last;
  }

  /**
   * Sends a message.
   *
   * @param maxBytes - what its receiver takes
   * @returns its size in bytes
   * @throws as {@link Codec.encode}; nothing is sent then
   */
  add(message: Message, maxBytes?: number): number {
    const codec = this.#codec;
    const call = message.kind === "call" && typeof message.id === "number" ? message.id : undefined;
    if (!("add" in codec)) {
      const frames = codec.encode(message);
      const bytes = sizeOf(frames);
      if (maxBytes !== undefined && bytes > maxBytes) throw tooLarge(message, bytes, maxBytes);
      if (call === undefined) this.#send(frames, 0, -1);
      else this.#send(frames, call, call);
      return bytes;
    }
    const bytes = codec.add(message, maxBytes);
    if (call !== undefined) {
      if (this.#last < this.#first) this.#first = call;
      this.#last = call;
    }
    if (codec.waiting > Math.min(MAX_BATCH_BYTES, (maxBytes ?? Infinity) / 4)) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      // Runs when the microtasks of this turn are through, so one answer's many followers travel together.
      process.nextTick(this.#flush);
    }
    return bytes;
  }

  /** Sends what waits. */
  flush(): void {
    const codec = this.#codec;
    if (!("add" in codec) || codec.waiting === 0) return;
    const first = this.#first;
    const last = this.#last;
    this.#first = last + 1;
    this.#send(codec.take(this.#now()), first, last);
  }
}

/**
 * A batch that is larger leaves at once, and one of a quarter of what the receiver takes: the receiver's turn must not become
 * long, nor the batch too large with what is added last, which is half of that where it can be cut.
 */
const MAX_BATCH_BYTES = 128 * 1024;

/** The peer has told how much it takes; more would only break the connection. */
function tooLarge(message: Message, bytes: number, maxBytes: number): RpcError {
  const what = message.kind === "call" ? `The call of ${callName(message)}` : "The message";
  return rpcError("TOO_LARGE", `${what} has ${bytes} bytes, the service takes ${maxBytes} at most`);
}

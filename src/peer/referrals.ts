import { ProtocolError } from "../errors.js";
import type { Referral, Referrer } from "../wire/wire.js";
import { runInCall, ServerCall } from "./call-context.js";
import { isStreamSource, type OutgoingStream, type StreamContext } from "./streams/outgoing-stream.js";
import type { IncomingStream } from "./streams/remote-stream.js";
import type { Streams } from "./streams/streams.js";

/**
 * Puts streams in the place of what produces them, message by message: what a message refers to comes to life when it is
 * sure to be sent, and is taken back when it is not.
 */
export class Referrals implements Referrer {
  readonly #streams: Streams;
  #origin: unknown;
  #onEnded: (() => void) | undefined;
  #context: StreamContext | undefined;
  #opened: OutgoingStream[] = [];
  #accepted: IncomingStream[] = [];

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  /**
   * A message is about to be written.
   *
   * @param origin - the call that it answers; what it refers to goes on as part of that
   * @param onEnded - called when everything is over that it refers to; never when it refers to nothing
   */
  begin(origin: unknown, onEnded?: () => void): void {
    this.#origin = origin;
    this.#onEnded = onEnded;
    this.#context = undefined;
  }

  /**
   * It is sure to be sent.
   *
   * @returns whether it refers to anything, so that it cannot be sent a second time
   */
  commit(): boolean {
    if (this.#opened.length === 0) return false;
    this.#context?.started(this.#opened.length);
    for (const stream of this.#opened.splice(0)) stream.start();
    return true;
  }

  /** It could not be written. */
  rollback(): void {
    for (const stream of this.#opened.splice(0)) stream.stop();
  }

  /** Streams that came with the message that was read last; asked once. */
  takeAccepted(): readonly IncomingStream[] {
    if (this.#accepted.length === 0) return NONE;
    const accepted = this.#accepted;
    this.#accepted = [];
    return accepted;
  }

  refers(value: object): boolean {
    return isStreamSource(value);
  }

  refer(value: object): Referral | undefined {
    if (!isStreamSource(value)) return undefined;
    this.#context ??= this.#origin instanceof ServerCall ? new CallContext(this.#origin, this.#onEnded) : OUTSIDE;
    const stream = this.#streams.open(value, this.#context);
    this.#opened.push(stream);
    return { kind: "stream", content: [stream.id, value instanceof ReadableStream ? 1 : 0] };
  }

  revive(kind: Referral["kind"], content: readonly unknown[]): unknown {
    const [id, readable] = content;
    if (kind !== "stream" || typeof id !== "number") throw new ProtocolError(`A ${kind} is malformed`);
    const { stream, value } = this.#streams.accept(id, readable === 1);
    this.#accepted.push(stream);
    return value;
  }
}

const NONE: readonly IncomingStream[] = [];

/** Streams among arguments: nobody's call. */
const OUTSIDE: StreamContext = {
  run: (step) => step(),
  started: () => undefined,
  stopped: () => undefined,
  ended: () => undefined,
};

/** Streams among results: what a generator does, it does as part of the call that it answers. */
class CallContext implements StreamContext {
  readonly #call: ServerCall;
  readonly #onEnded: (() => void) | undefined;
  #open = 0;

  constructor(call: ServerCall, onEnded: (() => void) | undefined) {
    this.#call = call;
    this.#onEnded = onEnded;
  }

  run<T>(step: () => T): T {
    return runInCall(this.#call, step);
  }

  started(count: number): void {
    this.#open = count;
    this.#call.outlive();
  }

  ended(): void {
    if (--this.#open === 0) this.#onEnded?.();
  }

  stopped(reason: unknown): void {
    this.#call.abort(reason);
  }
}

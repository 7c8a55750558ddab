import { type CallId, type EarlierTry, sizeOf } from "../../wire/message.js";
import type { Wire } from "../../wire/wire.js";
import type { CallOrigin } from "../call-origin.js";
import { encodeAnswer } from "./encode-answer.js";
import { RepeatedCall } from "./repeated-call.js";

/**
 * Calls that were tried again, over whichever connections: those that are being carried out, and the answers to those that
 * have been.
 */
export class RepeatedCalls {
  readonly #maxBytes: number;
  readonly #now: () => number;
  readonly #onEvicted: (repeated: RepeatedCall) => void;
  readonly #running = new Map<string, RepeatedCall>();
  /** The one that was heard of longest ago stands first. */
  readonly #answered = new Map<string, RepeatedCall>();
  #bytes = 0;

  /**
   * @param maxBytes - of answers together
   * @param now - milliseconds of a steady clock
   * @param onEvicted - told of each answer that is kept no more
   */
  constructor(maxBytes: number, now: () => number, onEvicted: (repeated: RepeatedCall) => void) {
    this.#maxBytes = maxBytes;
    this.#now = now;
    this.#onEvicted = onEvicted;
  }

  /** Answers that are kept. */
  get size(): number {
    return this.#answered.size;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The call of that name, if it is being carried out. */
  running(call: string): RepeatedCall | undefined {
    return this.#running.get(call);
  }

  /**
   * A call comes once more.
   *
   * @param origin - where its caller waits now
   * @param id - its number there
   * @returns whether it is known here: it is answered, now or later
   */
  serve({ call, idempotent }: EarlierTry, origin: CallOrigin, id: CallId, wire: Wire): boolean {
    const running = this.#running.get(call);
    running?.goesTo(origin, id);
    const answered = this.#answered.get(call);
    if (answered?.kept) {
      // What could not be kept may be made again.
      if (answered.kept.isLost && idempotent) return running !== undefined;
      this.#touch(answered);
      for (const { answer } of wire.readAnswers?.(answered.kept.frames) ?? []) origin.respond({ ...answer, id });
    }
    return running !== undefined || answered !== undefined;
  }

  /**
   * A call is being carried out, and its answer is to be kept.
   *
   * @param id - the number under which it runs
   * @param end - what it runs for; absent: the repeated call itself
   */
  add(call: string, id: CallId, end: object | undefined, wire: Wire): RepeatedCall {
    const repeated = new RepeatedCall(call, id, end, (answered, answer) => {
      this.#running.delete(call);
      // A call that was refused here is as new as before.
      if (end === undefined && answer.kind === "error" && answer.outcome === "not-executed") return;
      this.#bytes -= sizeOf(this.#answered.get(call)?.kept?.frames ?? []);
      answered.kept = encodeAnswer(wire, answer, this.#maxBytes / 4);
      this.#bytes += sizeOf(answered.kept.frames);
      this.#touch(answered);
      this.expire(-Infinity);
    });
    this.#running.set(call, repeated);
    return repeated;
  }

  /** Calls that are being carried out and whose callers wait at a connection. */
  *awaitedAt(end: object, id?: CallId): Iterable<RepeatedCall> {
    for (const repeated of this.#running.values()) if (repeated.isAwaitedAt(end, id)) yield repeated;
  }

  /** Lets answers go that were not heard of since a time, in milliseconds of the clock. */
  expire(before: number): void {
    for (const [call, repeated] of this.#answered) {
      const isFull = this.#bytes > this.#maxBytes || this.#answered.size > MAX_ANSWERED;
      if (repeated.touchedAt > before && !isFull) return;
      this.#answered.delete(call);
      this.#bytes -= sizeOf(repeated.kept?.frames ?? []);
      this.#onEvicted(repeated);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#running.clear();
    this.#answered.clear();
    this.#bytes = 0;
  }

  #touch(repeated: RepeatedCall): void {
    repeated.touchedAt = this.#now();
    this.#answered.delete(repeated.call);
    this.#answered.set(repeated.call, repeated);
  }
}

/** Answers to calls that were tried again, at most. */
const MAX_ANSWERED = 10_000;

import type { Linked } from "../../util/linked-list.js";
import type { CallId, Frames } from "../../wire/message.js";
import type { FoundAnswer, Wire } from "../../wire/wire.js";

/** A message with answers that may not have arrived. */
export class KeptMessage implements Linked {
  previous: this | undefined = undefined;
  next: this | undefined = undefined;
  /** The next one of its connection. */
  newer: KeptMessage | undefined = undefined;
  readonly connection: AnsweredConnection;
  /** Its number on its connection, in 32 bits. */
  readonly number: number;
  readonly frames: Frames;
  readonly bytes: number;

  constructor(connection: AnsweredConnection, number: number, frames: Frames, bytes: number) {
    this.connection = connection;
    this.number = number;
    this.frames = frames;
    this.bytes = bytes;
  }
}

/** A connection whose answers are kept until they are known to have arrived. */
export class AnsweredConnection {
  /** What it has called itself: random, and never used again. */
  readonly name: string;
  /** What its messages are written in. */
  readonly wire: Wire;
  /** Stands for it at the dispatcher; `undefined` for one that never got here. */
  readonly end: object | undefined;
  /** Ends it; `undefined` when it has ended. */
  breakOff: (() => void) | undefined;
  /** When it was lost, in milliseconds of the window's clock; `undefined` while it is not. */
  lostAt: number | undefined = undefined;
  /** The highest number of a call that came over it. */
  lastCall = 0;
  /** The oldest message that is kept. */
  oldest: KeptMessage | undefined = undefined;
  #newest: KeptMessage | undefined = undefined;
  #answers: Map<CallId, FoundAnswer> | undefined = undefined;

  constructor(name: string, wire: Wire, end: object | undefined, breakOff?: () => void) {
    this.name = name;
    this.wire = wire;
    this.end = end;
    this.breakOff = breakOff;
  }

  /** Names a call for good. */
  callOf(id: CallId): string {
    return `${this.name}:${String(id)}`;
  }

  /** Keeps a message. */
  add(number: number, frames: Frames, bytes: number): KeptMessage {
    const message = new KeptMessage(this, number, frames, bytes);
    if (this.#newest) this.#newest.newer = message;
    else this.oldest = message;
    this.#newest = message;
    return message;
  }

  /** Is a message among the first `count`, in 32 bits? */
  isRead(message: KeptMessage, count: number): boolean {
    return ((count - message.number) | 0) >= 0;
  }

  /** Lets the oldest message go. */
  shift(): void {
    const { oldest } = this;
    this.oldest = oldest?.newer;
    if (oldest) oldest.newer = undefined;
    if (!this.oldest) this.#newest = undefined;
  }

  /** The answer to a call, in the messages that are kept; to be asked when no more are added. */
  find(id: CallId): FoundAnswer | undefined {
    if (!this.#answers) {
      // Who has lost a connection asks for many of its calls: one reading serves them all.
      this.#answers = new Map();
      for (let message = this.oldest; message; message = message.newer) {
        for (const found of this.wire.readAnswers?.(message.frames) ?? []) this.#answers.set(found.answer.id, found);
      }
    }
    return this.#answers.get(id);
  }
}

import type { CallId, CallMessage } from "../wire/message.js";
import type { CallOrigin } from "./call-origin.js";
import type { ExposedInterface } from "./exposed/exposed-interface.js";

/** A call that waits until others have ended. */
export interface QueuedCall {
  /** The call. */
  readonly message: CallMessage;
  /** In milliseconds of `performance.now()`. */
  readonly arrivedAt: number;
  /** In milliseconds of `performance.now()`. */
  readonly deadlineAt: number;
  /** Where its answer goes. */
  readonly origin: CallOrigin;
  /** What is called, for references. */
  readonly target: ExposedInterface | undefined;
  /** It is never begun. */
  isCancelled: boolean;
  /** It is not under way any more, for those who count. */
  readonly ended: (() => void) | undefined;
}

/** Calls that wait, in their order, and found by who has made them; nothing is kept of them while there are none. */
export class CallQueue {
  readonly #calls: QueuedCall[] = [];
  readonly #byCaller = new Map<object, Map<CallId, QueuedCall>>();
  #head = 0;

  /** Calls that wait. */
  get size(): number {
    return this.#calls.length - this.#head;
  }

  /** Adds a call behind all others. */
  push(queued: QueuedCall): void {
    this.#calls.push(queued);
    const { origin, message } = queued;
    let ofCaller = this.#byCaller.get(origin.connection);
    if (!ofCaller) {
      ofCaller = new Map();
      this.#byCaller.set(origin.connection, ofCaller);
    }
    ofCaller.set(message.id, queued);
  }

  /** Takes the call that has waited longest. */
  shift(): QueuedCall | undefined {
    const next = this.#calls[this.#head];
    if (!next) return undefined;
    this.#head++;
    if (this.#head === this.#calls.length) {
      this.#calls.length = 0;
      this.#head = 0;
    }
    const { connection } = next.origin;
    const ofCaller = this.#byCaller.get(connection);
    ofCaller?.delete(next.message.id);
    if (ofCaller?.size === 0) this.#byCaller.delete(connection);
    return next;
  }

  /** The call of a number, if it waits. */
  find(connection: object, id: CallId): QueuedCall | undefined {
    return this.#byCaller.get(connection)?.get(id);
  }

  /** All calls of one caller that wait. */
  of(connection: object): Iterable<QueuedCall> {
    return this.#byCaller.get(connection)?.values() ?? [];
  }
}

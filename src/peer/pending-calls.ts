import type { RpcError } from "../errors.js";
import type { DeadlineWheel, Expiring } from "../util/deadline-wheel.js";
import type { ErrorMessage, ResultMessage } from "../wire/message.js";

/** What a pending call becomes in the end. */
export interface Settlement {
  /** The peer answered with a result. */
  answered(message: ResultMessage): void;
  /** The peer answered with an error. */
  refused(message: ErrorMessage): void;
  /** Nothing came: the call was given up here. */
  failed(why: "lost" | "expired" | "cancelled" | "unsent" | "closed", reason: unknown): void;
}

/** One call that waits for its answer. */
class PendingCall implements Expiring {
  wheelBucket: Set<Expiring> | undefined;
  onAbort: (() => void) | undefined;
  readonly id: number;
  readonly settlement: Settlement;
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  readonly #calls: PendingCalls;

  constructor(calls: PendingCalls, id: number, settlement: Settlement, bytes: number, signal: AbortSignal | undefined) {
    this.#calls = calls;
    this.id = id;
    this.settlement = settlement;
    this.bytes = bytes;
    this.signal = signal;
  }

  expire(): void {
    this.#calls.fail(this.id, "expired", undefined);
  }
}

/**
 * The calls that wait for an answer on one connection: added, settled, expired, or rejected all at once. Each settles
 * exactly once, and each has an owner and a deadline.
 */
export class PendingCalls {
  readonly #calls = new Map<number, PendingCall>();
  readonly #wheel: DeadlineWheel;
  #bytes = 0;

  constructor(wheel: DeadlineWheel) {
    this.#wheel = wheel;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#calls.size;
  }

  /** Bytes of their requests. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a call. `deadlineAt` is in milliseconds of the wheel's clock. */
  add(id: number, settlement: Settlement, deadlineAt: number, bytes: number, signal?: AbortSignal): void {
    const call = new PendingCall(this, id, settlement, bytes, signal);
    this.#calls.set(id, call);
    this.#bytes += bytes;
    this.#wheel.add(deadlineAt, call);
    if (signal) {
      call.onAbort = () => {
        this.fail(id, "cancelled", signal.reason);
      };
      signal.addEventListener("abort", call.onAbort, { once: true });
    }
  }

  /** Settles a call with what the peer answered; `false` when it waits no more, and the answer is late. */
  settle(id: number, answer: ResultMessage | ErrorMessage): boolean {
    const call = this.#take(id);
    if (!call) return false;
    if (answer.kind === "result") call.settlement.answered(answer);
    else call.settlement.refused(answer);
    return true;
  }

  /** Gives one call up. */
  fail(id: number, why: Parameters<Settlement["failed"]>[0], reason: unknown): void {
    this.#take(id)?.settlement.failed(why, reason);
  }

  /** Gives all calls up, at once. */
  failAll(why: Parameters<Settlement["failed"]>[0], reason: RpcError): void {
    for (const id of [...this.#calls.keys()]) this.fail(id, why, reason);
  }

  #take(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    if (!call) return undefined;
    this.#calls.delete(id);
    this.#bytes -= call.bytes;
    this.#wheel.delete(call);
    if (call.onAbort) call.signal?.removeEventListener("abort", call.onAbort);
    return call;
  }
}

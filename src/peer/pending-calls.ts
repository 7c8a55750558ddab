import type { RpcError } from "../errors.js";
import type { DeadlineWheel, Expiring } from "../util/deadline-wheel.js";
import { listenToAbort } from "../util/signals.js";
import { SlotTable } from "../util/slot-table.js";
import type { CallMessage, EarlierTry, ErrorMessage, Extensions, ResultMessage } from "../wire/message.js";

/** Why a call that waits for its answer is given up. */
export type GivenUp =
  /** The connection broke after the call was sent. */
  | "lost"
  /** Its deadline passed. */
  | "expired"
  /** Its signal fired. */
  | "cancelled"
  /** It had not left this process when the connection broke. */
  | "unsent"
  /** This end closed the connection. */
  | "closed";

/** One call as it goes over a channel, and what becomes of it. A channel settles it exactly once. */
export interface PendingCall {
  /** As a message, a call. */
  readonly kind: "call";
  /** Its number on the channel; the channel's to set. */
  id: number;
  /** Size of its request; the channel's to set. */
  bytes: number;
  /** Its arguments can be sent only once, for they hold streams; the channel's to set. */
  isOneShot: boolean;
  /** Milliseconds that were left when it was sent; the channel's to set. */
  timeoutMs: number;
  /** When it is sent, in milliseconds of the channel's clock. */
  readonly sentAt: number;
  /** Listens to {@link PendingCall.signal}; the channel's to set. */
  onAbort: (() => void) | undefined;
  /** Dotted name of the interface. */
  readonly interface: string;
  /** Remote name of the method. */
  readonly method: string;
  /** What is called, instead of an interface: the number of a reference at its owner. */
  readonly reference?: number | undefined;
  /** What is called, instead of an interface: the result of another call of the same batch. */
  readonly promised?: number | undefined;
  /** Is the value at the end of the way wanted, and nothing called? */
  readonly isGet?: boolean | undefined;
  /** Is no answer wanted? It is told that it was sent, by an empty result. */
  readonly isOneWay?: boolean | undefined;
  /** Are the arguments a list in order? */
  readonly isPositional?: boolean | undefined;
  /** In the wire's shape. */
  readonly args: unknown;
  /** Session to attach. */
  readonly sessionId: string | undefined;
  /** Members beside the call. */
  readonly extensions: Extensions | undefined;
  /** Bytes beside the arguments. */
  readonly attachment: Uint8Array | undefined;
  /** Largest request that the peer takes, in bytes. */
  readonly maxBytes: number | undefined;
  /** What is known of earlier tries. */
  readonly again?: EarlierTry | undefined;
  /** In milliseconds of the channel's clock. */
  readonly deadlineAt: number;
  /** Ends the call with `CANCELLED`. */
  readonly signal: AbortSignal | undefined;
  /**
   * The peer answered with a result.
   *
   * @param hasReferences - does it hold any?
   */
  answered(message: ResultMessage, hasReferences?: boolean): void;
  /** The peer answered with an error. */
  refused(message: ErrorMessage): void;
  /** It did not leave, for a reason that says so itself. */
  failed(error: RpcError): void;
  /** Nothing came: the call was given up here. */
  givenUp(why: GivenUp, reason: unknown): void;
}

/** The call as a message of its own, without what the channel keeps of it. */
export function callMessage(call: PendingCall): CallMessage {
  return {
    kind: "call",
    id: call.id,
    interface: call.interface,
    method: call.method,
    args: call.args,
    isPositional: call.isPositional,
    sessionId: call.sessionId,
    extensions: call.extensions,
    attachment: call.attachment,
    timeoutMs: call.timeoutMs,
    sentAt: call.sentAt,
  };
}

/**
 * The calls that wait for an answer on one connection: added, settled, expired, or rejected all at once. Each settles
 * exactly once, and each has an owner and a deadline.
 *
 * Deadlines cost almost nothing: what is kept is the earliest of them, and only when that has come are the calls looked
 * through.
 */
export class PendingCalls implements Expiring {
  wheelBucket: Set<Expiring> | undefined;
  readonly #calls = new SlotTable<PendingCall>();
  readonly #wheel: DeadlineWheel;
  readonly #onGivenUp: (call: PendingCall) => void;
  #bytes = 0;
  #earliest = Infinity;

  /**
   * Nothing waits yet.
   *
   * @param onGivenUp - told of calls that end here while the peer may still be at them: expired or cancelled
   */
  constructor(wheel: DeadlineWheel, onGivenUp: (call: PendingCall) => void = () => undefined) {
    this.#wheel = wheel;
    this.#onGivenUp = onGivenUp;
  }

  /** Does a call wait? */
  has(id: number): boolean {
    return this.#calls.get(id) !== undefined;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#calls.size;
  }

  /** Bytes of their requests. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number that was given last. */
  get lastId(): number {
    return this.#calls.last;
  }

  /** A number for the next call, which is to be added at once, or not at all. */
  nextId(): number {
    return this.#calls.next();
  }

  /** Adds a call, whose id and bytes are set. */
  add(call: PendingCall): void {
    this.#calls.add(call);
    this.#bytes += call.bytes;
    if (call.deadlineAt < this.#earliest) this.#watch(call.deadlineAt);
    const { signal } = call;
    if (!signal) return;
    call.onAbort = () => {
      if (this.#take(call.id)) {
        this.#onGivenUp(call);
        call.givenUp("cancelled", signal.reason);
      }
    };
    listenToAbort(signal, call.onAbort);
  }

  /** Settles a call with what the peer answered; `false` when it waits no more, and the answer is late. */
  settle(id: number, answer: ResultMessage | ErrorMessage, hasReferences = false): boolean {
    const call = this.#take(id);
    if (!call) return false;
    if (answer.kind === "result") call.answered(answer, hasReferences);
    else call.refused(answer);
    return true;
  }

  /** Gives one call up. */
  giveUp(id: number, why: GivenUp, reason: unknown): void {
    this.#take(id)?.givenUp(why, reason);
  }

  /** Gives all calls up, at once. */
  giveUpAll(why: GivenUp, reason: RpcError): void {
    for (const { id } of this.#calls.values()) this.giveUp(id, why, reason);
    this.#wheel.delete(this);
    this.#earliest = Infinity;
  }

  expire(): void {
    const now = this.#wheel.now();
    let earliest = Infinity;
    for (const call of this.#calls.values()) {
      if (call.deadlineAt > now) earliest = Math.min(earliest, call.deadlineAt);
      else if (this.#take(call.id)) {
        this.#onGivenUp(call);
        call.givenUp("expired", undefined);
      }
    }
    this.#earliest = Infinity;
    if (earliest < Infinity) this.#watch(earliest);
  }

  #watch(deadlineAt: number): void {
    this.#earliest = deadlineAt;
    this.#wheel.delete(this);
    this.#wheel.add(deadlineAt, this);
  }

  #take(id: number): PendingCall | undefined {
    const call = this.#calls.take(id);
    if (!call) return undefined;
    this.#bytes -= call.bytes;
    if (call.onAbort) {
      call.signal?.removeEventListener("abort", call.onAbort);
      call.onAbort = undefined;
    }
    if (this.#calls.size === 0) this.#rest();
    return call;
  }

  /**
   * Nothing waits: a watch that stays would keep the process awake until a deadline that is nobody's. It is not ended at
   * once, for most likely the next call is about to come.
   */
  #rest(): void {
    const soon = this.#wheel.now() + REST_MS;
    if (this.#earliest < Infinity && this.#earliest > soon) this.#watch(soon);
  }
}

/** How long the watch over deadlines goes on when no call waits, in milliseconds. */
const REST_MS = 50;

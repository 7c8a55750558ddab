import { type Outcome, type RpcError, refineError, rpcError } from "../errors.js";
import type { OutgoingCall } from "../peer/invoker.js";
import type { DeadlineWheel, Expiring } from "../util/deadline-wheel.js";
import type { Instance } from "./instance.js";
import { combineOutcomes } from "./retry-policy.js";

/** One call over all its tries: how long, how often, and what is known of it by now. */
export class Run implements Expiring {
  /** The call. */
  readonly call: OutgoingCall;
  /** When it began, in milliseconds of the wheel's clock. */
  readonly startedAt: number;
  /** When it ends, answered or not. */
  deadlineAt: number;
  /** Until when a missing provider is waited for. */
  readonly waitUntil: number;
  /** Ends the call when it fires: the caller's, or that of the call being served. */
  readonly signal: AbortSignal | undefined;
  /** What this call is shown to do no harm when run twice; learnt from the contract. */
  idempotent = false;
  /** Instances that failed this call. */
  readonly excluded: Set<string> = new Set<string>();
  /** An instance that was chosen for the first try, and is not connected yet. */
  preferred: Instance | undefined;
  /** The instance of the running try. */
  instance: Instance | undefined;
  /** Tries that failed. */
  failures = 0;
  wheelBucket: Set<Expiring> | undefined;
  readonly #wheel: DeadlineWheel;
  #outcome: Outcome | undefined;
  #last: RpcError | undefined;
  #guard: AbortController | undefined;
  #onAbort: (() => void) | undefined;

  constructor(
    call: OutgoingCall,
    wheel: DeadlineWheel,
    limits: { startedAt: number; deadlineAt: number; waitUntil: number; signal: AbortSignal | undefined },
  ) {
    this.call = call;
    this.#wheel = wheel;
    this.startedAt = limits.startedAt;
    this.deadlineAt = limits.deadlineAt;
    this.waitUntil = limits.waitUntil;
    this.signal = limits.signal;
  }

  /** A signal for whatever the call waits for besides its answer: fires at the deadline and when it is cancelled. */
  guard(): AbortSignal {
    if (this.#guard) return this.#guard.signal;
    const guard = new AbortController();
    this.#guard = guard;
    this.#wheel.add(this.deadlineAt, this);
    if (this.signal) {
      this.#onAbort = () => {
        guard.abort(this.#cancelled());
      };
      if (this.signal.aborted) this.#onAbort();
      else this.signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    return guard.signal;
  }

  /** The call has settled: nothing of it stays behind. */
  dispose(): void {
    this.#wheel.delete(this);
    if (this.#onAbort) this.signal?.removeEventListener("abort", this.#onAbort);
  }

  expire(): void {
    this.#guard?.abort(this.#timedOut());
  }

  /** Has it come to an end from outside? */
  get ended(): boolean {
    return this.#guard?.signal.aborted === true || this.#wheel.now() >= this.deadlineAt;
  }

  /** A try failed. */
  note(error: RpcError): void {
    if (error === this.#guard?.signal.reason) return;
    this.failures++;
    this.#last = error;
    this.#outcome = combineOutcomes(this.#outcome, error.outcome);
  }

  /**
   * The error that the caller gets, true to all tries together.
   *
   * @param label - names the service where no instance of it was found
   */
  verdict(label: string): RpcError {
    const ended = this.#guard?.signal.reason as RpcError | undefined;
    const last = this.#last;
    const error = ended?.code === "CANCELLED" || !last ? (ended ?? this.#timedOut()) : last;
    const tries = this.failures > 1 ? ` (${this.failures} tries in ${this.#elapsed()} ms)` : "";
    return refineError(error, {
      message: error.message + tries,
      outcome: combineOutcomes(this.#outcome, error.outcome),
      interface: this.call.interface,
      method: this.call.method,
      service: this.instance?.record.service ?? error.service ?? label,
      cause: error.cause,
    });
  }

  #elapsed(): number {
    return Math.round(this.#wheel.now() - this.startedAt);
  }

  #timedOut(): RpcError {
    const label = `${this.call.interface}.${this.call.method}`;
    return rpcError("TIMEOUT", `${label} was not sent within ${this.#elapsed()} ms: no provider was ready in time`);
  }

  #cancelled(): RpcError {
    return rpcError("CANCELLED", `${this.call.interface}.${this.call.method} was cancelled`, {
      cause: this.signal?.reason,
    });
  }
}

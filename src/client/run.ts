import { type Outcome, type RpcError, refineError, rpcError } from "../errors.js";
import { CallPromise, fromResult, type PipelineBase, type PipelineStep } from "../peer/call-promise.js";
import type { Channel } from "../peer/channel.js";
import type { MethodContract } from "../peer/contract.js";
import type { Answer, OutgoingCall } from "../peer/invoker.js";
import type { EarlierNamedTry } from "../peer/named-call.js";
import type { GivenUp } from "../peer/pending-calls.js";
import { givenUpError, hasRunOut, refusedError } from "../peer/promise-call.js";
import { discardSources } from "../peer/streams/source.js";
import type { DeadlineWheel, Expiring } from "../util/deadline-wheel.js";
import { listenToAbort } from "../util/signals.js";
import { callName, type EarlierTry, type ErrorMessage, type Extensions, type ResultMessage } from "../wire/message.js";
import { type Followed, follow } from "./follow.js";
import type { Instance, ReadyInstance } from "./instance.js";
import { earlierTry, type LostTry, lostTry } from "./lost-try.js";
import { combineOutcomes } from "./retry-policy.js";

/** What carries a run out, and is told what becomes of each try. */
export interface RunOwner {
  /** A try was answered with a result. */
  runAnswered(run: Run, message: ResultMessage): void;
  /** A result of a call that may be made again holds references. Told before {@link RunOwner.runAnswered}. */
  runReferred(run: Run, message: ResultMessage): void;
  /** A try failed. */
  runFailed(run: Run, error: RpcError): void;
}

/** Where a session lives. */
export interface HeldSession {
  /** As the service named it. */
  readonly id: string;
  /** The instance that holds it. */
  readonly instance: Instance;
}

/** What a {@link Run} begins with; times in milliseconds of the wheel's clock. */
export interface RunStart {
  /** When it began. */
  readonly startedAt: number;
  /** When it ends, answered or not. */
  readonly deadlineAt: number;
  /** Until when a missing provider is waited for. */
  readonly waitUntil: number;
  /** Ends it when it fires. */
  readonly signal: AbortSignal | undefined;
  /** Settles the call. */
  readonly resolve: (answer: Answer) => void;
  /** Settles the call. */
  readonly reject: (error: unknown) => void;
}

/**
 * One call over all its tries: how long, how often, and what is known of it by now. It is also what a channel keeps of the
 * running try, so that the common case, one try that is answered, makes no further object.
 */
export class Run implements Expiring, Followed, PipelineBase {
  readonly kind = "call" as const;
  /** The call. */
  readonly call: OutgoingCall;
  /** When it began, in milliseconds of the wheel's clock. */
  readonly startedAt: number;
  deadlineAt: number;
  /** Until when a missing provider is waited for. */
  waitUntil: number;
  /** Ends the call when it fires: the caller's, or that of the call being served. */
  readonly signal: AbortSignal | undefined;
  /** Settles the call. */
  readonly resolve: (answer: Answer) => void;
  /** Settles the call. */
  readonly reject: (error: unknown) => void;
  /** Members that go with the call: the caller's own, and the client's token. */
  extensions: Extensions | undefined;
  /** Is this call known to do no harm when it is executed twice? Said by the caller, or learnt from the contract. */
  idempotent: boolean;

  // What belongs to the running try.
  id = 0;
  bytes = 0;
  timeoutMs = 0;
  isOneShot = false;
  sentAt: number;
  onAbort: (() => void) | undefined = undefined;
  args: unknown = undefined;
  isPositional = false;
  attachment: Uint8Array | undefined = undefined;
  maxBytes: number | undefined = undefined;
  /** The session that it belongs to. */
  session: HeldSession | undefined = undefined;
  /** The instance that it goes to. */
  instance: Instance | undefined = undefined;
  /** How the instance is reached, and what it says of itself. */
  ready: ReadyInstance | undefined = undefined;
  /** What it says of the method. */
  contract: MethodContract | undefined = undefined;
  /** Told when the call has settled, after however many tries. */
  onSettled: (() => void) | undefined = undefined;
  /** Who waits for the try; absent: the first try, on which only the caller waits. */
  waiter: { readonly resolve: (answer: Answer) => void; readonly reject: (error: RpcError) => void } | undefined =
    undefined;

  // What is known of a try whose connection broke.
  /** That try. */
  lost: LostTry | undefined = undefined;
  again: EarlierTry | undefined = undefined;

  // What goes on from its result.
  /** What the caller was given. */
  promise: CallPromise<unknown> | undefined = undefined;
  #steps: { readonly step: PipelineStep; readonly taken: (promise: CallPromise<unknown>) => void }[] | undefined =
    undefined;

  // What has been learnt over all tries.
  /** Instances that failed this call; `undefined` for none. */
  excluded: Set<string> | undefined = undefined;
  /** An instance that was chosen for the first try, and is not connected yet. */
  preferred: Instance | undefined = undefined;
  /** Tries that failed. */
  failures = 0;
  /** Did its caller refuse to name another try? Then there is none. */
  isBarred = false;
  wheelBucket: Set<Expiring> | undefined = undefined;
  readonly #owner: RunOwner;
  readonly #wheel: DeadlineWheel;
  #outcome: Outcome | undefined = undefined;
  #last: RpcError | undefined = undefined;
  #guard: AbortController | undefined = undefined;
  #onGuardAbort: (() => void) | undefined = undefined;

  constructor(owner: RunOwner, call: OutgoingCall, wheel: DeadlineWheel, start: RunStart) {
    this.#owner = owner;
    this.call = call;
    this.#wheel = wheel;
    this.startedAt = start.startedAt;
    this.sentAt = start.startedAt;
    this.deadlineAt = start.deadlineAt;
    this.waitUntil = start.waitUntil;
    this.signal = start.signal;
    this.resolve = start.resolve;
    this.reject = start.reject;
    this.extensions = call.extensions;
    this.idempotent = call.options.idempotent ?? false;
    if (call.named?.earlier) this.#goOnFrom(call.named.earlier);
  }

  get isOneWay(): boolean {
    return this.call.options.oneWay === true;
  }

  get interface(): string {
    return this.call.interface;
  }

  get method(): string {
    return this.call.method;
  }

  get sessionId(): string | undefined {
    return this.session?.id;
  }

  get channel(): Channel | undefined {
    return this.ready?.channel;
  }

  follow(step: PipelineStep): CallPromise<unknown> | undefined {
    const { promise } = this;
    // A second try is better than a first, but nobody knows when it comes: what was not sent with the first waits.
    if (!promise || this.failures > 0) return undefined;
    if (this.id !== 0) return follow(this, step);
    const taken = new CallPromise<unknown>((resolve, reject) => {
      const waiting = {
        step,
        taken: (next: CallPromise<unknown>) => {
          next.then(resolve, reject);
        },
      };
      this.#steps ??= [];
      this.#steps.push(waiting);
      promise.catch((error: unknown) => {
        // Nothing was ever sent, so that nobody else ends them.
        if (this.#steps?.includes(waiting)) discardSources(step.args);
        reject(error);
      });
    });
    return taken;
  }

  /** A try was sent: what goes on from its result travels with it. */
  sent(): void {
    const steps = this.#steps;
    if (!steps || !this.promise) return;
    this.#steps = undefined;
    for (const { step, taken } of steps) taken(follow(this, step) ?? fromResult(this.promise, step));
  }

  answered(message: ResultMessage, hasReferences?: boolean): void {
    if (hasReferences === true && this.idempotent && !this.isOneShot) this.#owner.runReferred(this, message);
    this.#owner.runAnswered(this, message);
  }

  refused(message: ErrorMessage): void {
    if (this.again && !this.again.idempotent) this.#learnOfEarlier(message.outcome);
    if (this.idempotent && message.outcome === "unknown") this.#mayRun();
    this.#owner.runFailed(this, refusedError(this, this.#address, message));
  }

  failed(error: RpcError): void {
    this.#owner.runFailed(this, error);
  }

  givenUp(why: GivenUp, reason: unknown): void {
    if (why === "lost") this.#mayRun();
    const elapsedMs = this.#wheel.now() - this.sentAt;
    this.#owner.runFailed(this, givenUpError(this, this.#address, why, reason, elapsedMs));
  }

  /** A signal for whatever the call waits for besides its answer: fires at the deadline and when it is cancelled. */
  guard(): AbortSignal {
    if (this.#guard) return this.#guard.signal;
    const guard = new AbortController();
    this.#guard = guard;
    this.#wheel.add(this.deadlineAt, this);
    if (this.signal) {
      this.#onGuardAbort = () => {
        guard.abort(this.#cancelled());
      };
      if (this.signal.aborted) this.#onGuardAbort();
      else listenToAbort(this.signal, this.#onGuardAbort);
    }
    return guard.signal;
  }

  /** The call waits for nothing any more: nothing of it stays behind. */
  dispose(): void {
    this.#wheel.delete(this);
    if (this.#onGuardAbort) this.signal?.removeEventListener("abort", this.#onGuardAbort);
    // Whatever comes now has another guard, unless the call has come to its end.
    if (this.#guard?.signal.aborted === false) this.#guard = undefined;
  }

  expire(): void {
    this.#guard?.abort(this.#timedOut());
  }

  /** Has it come to an end from outside? */
  get ended(): boolean {
    return this.#guard?.signal.aborted === true || this.#wheel.now() >= this.deadlineAt;
  }

  /** An instance failed this call: others are tried before it. */
  exclude(instance: Instance): void {
    this.excluded ??= new Set();
    this.excluded.add(instance.key);
  }

  /** A try failed. */
  note(error: RpcError): void {
    if (error === this.#guard?.signal.reason) return;
    this.failures++;
    // That it may have been executed is the news, and not that nobody is there to be asked.
    const isAsking = this.lost !== undefined && !this.idempotent && error.outcome === "not-sent";
    if (!isAsking) this.#last = error;
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
    // What the method itself has said stays as it said it.
    const { failures, lost } = this;
    const isAsking = lost !== undefined && !this.idempotent;
    // The first one was lost, unless an earlier process made it.
    const asked = this.call.named?.earlier ? failures : failures - 1;
    const done = isAsking ? `asked ${asked} times what became of it` : `${failures} tries in ${this.#elapsed()} ms`;
    const tries = failures > 1 && error.outcome !== "executed" ? ` (${done})` : "";
    return refineError(error, {
      message: error.message + tries,
      outcome: combineOutcomes(this.#outcome, error.outcome),
      interface: this.call.interface,
      method: this.call.method,
      service: this.instance?.record.service ?? error.service ?? label,
      cause: error.cause,
    });
  }

  /** A try may have been executed: should there be another, it is by the same name; and there was a provider, that may come back. */
  #mayRun(): void {
    this.lost = lostTry(this, this.#wheel.now());
    if (this.idempotent) this.waitUntil = Infinity;
  }

  /** An earlier process has made a try, and was not told what became of it. */
  #goOnFrom(earlier: EarlierNamedTry): void {
    this.lost = earlierTry(earlier, this.startedAt);
    this.#outcome = "unknown";
    const text = `${callName(this.call)} was sent by a process that was ended, and nobody is there who knows what became of it. It may have been executed`;
    this.#last = rpcError("UNAVAILABLE", text, { outcome: "unknown" });
  }

  /**
   * Who had got the earlier try has told what became of it. But that a call was not begun at a host with the same journal says
   * nothing of what was done at another.
   */
  #learnOfEarlier(outcome: Outcome): void {
    if (outcome === "unknown" || (outcome !== "executed" && this.lost?.journal !== undefined)) return;
    this.#outcome = undefined;
    this.lost = undefined;
  }

  get #address(): string {
    // A shorter way that was taken within this machine tells people nothing.
    return this.instance?.address ?? this.ready?.channel.address ?? "";
  }

  #elapsed(): number {
    return Math.round(this.#wheel.now() - this.startedAt);
  }

  #timedOut(): RpcError {
    const label = callName(this.call);
    return rpcError("TIMEOUT", `${label} was not sent within ${this.#elapsed()} ms: no provider was ready in time`);
  }

  #cancelled(): RpcError {
    if (hasRunOut(this.signal?.reason)) return this.#timedOut();
    return rpcError("CANCELLED", `${callName(this.call)} was cancelled`, {
      cause: this.signal?.reason,
    });
  }
}

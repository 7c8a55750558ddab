import pRetry from "p-retry";
import { RpcError, type RpcErrorOptions, refineError, rpcError } from "../errors.js";
import { valuesOf, whereOf, wireArguments } from "../peer/arguments.js";
import { servingCall } from "../peer/call-context.js";
import { CallPromise } from "../peer/call-promise.js";
import { INTROSPECT } from "../peer/contract.js";
import { reviveRegistered } from "../peer/error-classes.js";
import type { Answer, Invoker, OutgoingCall } from "../peer/invoker.js";
import type { NamedCall } from "../peer/named-call.js";
import { AUTH_EXTENSION } from "../peer/record.js";
import { copyPlain } from "../peer/references/places.js";
import { holdsRevivable, remember, reviveReferences } from "../peer/references/reacquire.js";
import { discardSources, holdSources } from "../peer/streams/source.js";
import { unreadable } from "../peer/unreadable.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import { didYouMean } from "../util/did-you-mean.js";
import { joinSignals } from "../util/signals.js";
import { untilAborted } from "../util/sleep.js";
import { callName, type EarlierTry, type Extensions, type ResultMessage } from "../wire/message.js";
import { CLIENT_DEFAULTS } from "./defaults.js";
import type { ClientEvent } from "./events.js";
import type { Instance, ReadyInstance } from "./instance.js";
import { boundInstance, describeEarlier, incarnationOf, isToAsk, mayAsk, reach, refuseElsewhere } from "./lost-try.js";
import { NameWaits } from "./name-waits.js";
import { callTarget, firstTry, isIdempotent, nameOf, unnamed } from "./named-try.js";
import { backoffMs, isInTrouble, mayRetry, type RetryBudget } from "./retry-policy.js";
import { Run, type RunOwner } from "./run.js";
import { SessionSlot } from "./session-slot.js";
import type { Target } from "./target.js";

/** What the invokers of one client share. */
export interface InvokerContext {
  /** The clock and the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Bounds what retries add to the load. */
  readonly budget: RetryBudget;
  /** Deadline of calls that name none, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Wait for missing providers, in milliseconds. */
  readonly waitForMs: number | undefined;
  /** Try again at all? */
  readonly retry: boolean;
  /** Chance. */
  readonly random: () => number;
  /** Told of what happens. */
  readonly onEvent: (event: ClientEvent) => void;
  /** Token of the client, to go with its calls. */
  readonly token: () => string | undefined;
}

/**
 * Carries a call out, whatever happens to services meanwhile: resolves, connects, calls; on a failure that allows another
 * try it drops the instance, asks the nameserver again, backs off, and goes on until the deadline. The first contact is no
 * special case.
 *
 * The common case, an instance that is connected and known, takes no detour: one look-up, one message, one promise, and
 * for that promise's sake callbacks where one would rather read `await`.
 */
export class ReconnectingInvoker implements Invoker, RunOwner {
  readonly #target: Target;
  readonly #context: InvokerContext;
  readonly #session = new SessionSlot();
  #instance: Instance | undefined;
  #reached = false;
  #closed = false;
  #waits: NameWaits | undefined;

  constructor(target: Target, context: InvokerContext) {
    this.#target = target;
    this.#context = context;
  }

  /** Id of the session, once a stateful service has opened one. */
  get sessionId(): string | undefined {
    return this.#session.held?.id;
  }

  /** The instance that was used last. */
  get instance(): Instance | undefined {
    return this.#session.held?.instance ?? this.#instance;
  }

  /** Where calls go, in words. */
  get label(): string {
    return this.#target.label;
  }

  /** Further calls fail with `CLOSED`. */
  close(): void {
    this.#closed = true;
  }

  /** Takes a session up that was opened elsewhere; it is held by whatever instance answers next. */
  async resume(sessionId: string, signal: AbortSignal): Promise<void> {
    const instance = await this.#target.resolve(new Set(), false, signal);
    this.#session.hold(sessionId, instance);
  }

  invoke(call: OutgoingCall): Promise<Answer> {
    return this.call(call, asItIs);
  }

  /**
   * As {@link ReconnectingInvoker.invoke}.
   *
   * @param shape - makes of the answer what the caller wants
   */
  call<T>(call: OutgoingCall, shape: (answer: Answer) => T): CallPromise<T> {
    let run: Run | undefined;
    const promise = new CallPromise<T>((resolve, reject) => {
      run = this.#start(
        call,
        (answer) => {
          resolve(shape(answer));
        },
        (error) => {
          // A try that was sent ends its streams by itself.
          if (!run?.isOneShot) discardSources(valuesOf(call.args));
          reject(reviveRegistered(toldBy(run, call, error)));
        },
      );
    });
    // What goes on from a result that this process may not live to see would have no name.
    if (run && !call.named) {
      run.promise = promise;
      promise.base = run;
    }
    return promise;
  }

  runAnswered(run: Run, message: ResultMessage): void {
    const { instance, waiter } = run;
    if (instance) {
      if (this.#target.measures) instance.observeLatency(this.#context.wheel.now() - run.sentAt);
      instance.breaker.succeed();
    }
    this.#reached = true;
    if (message.sessionId !== undefined && instance) this.#session.hold(message.sessionId, instance);
    run.onSettled?.();
    const answer: Answer = {
      result: message.result,
      attachment: message.attachment,
      sessionId: message.sessionId,
      extensions: message.extensions,
      contract: run.contract,
    };
    if (waiter) waiter.resolve(answer);
    else run.resolve(answer);
  }

  runReferred({ call, extensions, session }: Run, { result, sessionId }: ResultMessage): void {
    // What a session gave belongs to it, and another session would give another thing.
    if (!(call.options.retry ?? this.#context.retry) || session || sessionId !== undefined) return;
    const repeat = call.repeat ?? ((again: OutgoingCall) => this.invoke(again));
    // Made again, it is a call of its own: what has ended this one since does not end that one. A token that this one had
    // from the call that it was made for, that one has from here.
    const again: OutgoingCall = {
      ...call,
      args: copyArguments(call.original ?? call.args),
      extensions: this.#context.token() === undefined ? extensions : call.extensions,
      options: { ...call.options, signal: undefined },
      named: undefined,
    };
    remember(result, valuesOf(again.args), async () => (await repeat({ ...again })).result);
  }

  runFailed(run: Run, error: RpcError): void {
    const failure = this.#learnFrom(run, error);
    if (run.waiter) run.waiter.reject(failure);
    else this.#persist(run, failure).then(run.resolve, run.reject);
  }

  #start(call: OutgoingCall, resolve: (answer: Answer) => void, reject: (error: unknown) => void): Run | undefined {
    try {
      const run = this.#begin(call, resolve, reject);
      const instance = this.#session.held?.instance ?? this.#target.pick(NONE);
      const ready = instance?.ready(call.interface);
      const isReady = instance && ready && !run.lost && !this.#session.awaited(run, ready);
      if (isReady && call.named) this.#sendNamed(run, call.named, instance, ready);
      else if (isReady) this.#send(run, instance, ready);
      else {
        run.preferred = instance;
        holdSources(valuesOf(call.args));
        this.#persist(run, undefined).then(resolve, reject);
      }
      return run;
    } catch (error) {
      reject(unreadable(error));
      return undefined;
    }
  }

  #begin(call: OutgoingCall, resolve: (answer: Answer) => void, reject: (error: unknown) => void): Run {
    const { wheel } = this.#context;
    const { options } = call;
    if (this.#closed) throw rpcError("CLOSED", `The proxy of ${this.label} was closed`, this.#where(call));
    const timeoutMs = options.timeoutMs ?? this.#context.timeoutMs ?? CLIENT_DEFAULTS.timeoutMs;
    if (!(timeoutMs > 0))
      throw rpcError("CONFIGURATION", `timeoutMs must be more than 0, got ${timeoutMs}`, this.#where(call));
    const startedAt = wheel.now();
    const parent = servingCall();
    const waitForMs = options.waitForMs ?? this.#context.waitForMs ?? 0;
    const run = new Run(this, call, wheel, {
      startedAt,
      deadlineAt: Math.min(startedAt + timeoutMs, parent?.deadlineAt ?? Infinity),
      waitUntil: this.#reached || call.named?.earlier ? Infinity : startedAt + waitForMs,
      signal: parent ? joinSignals(parent.signal, options.signal) : options.signal,
      resolve,
      reject,
    });
    if (run.signal?.aborted) {
      throw rpcError("CANCELLED", `${callName(call)} was cancelled before it was sent`, {
        ...this.#where(call),
        cause: run.signal.reason,
      });
    }
    if (call.method === INTROSPECT) run.idempotent = options.idempotent ?? true;
    const token = this.#context.token() ?? inheritedToken(parent?.extensions);
    if (token !== undefined) run.extensions = { [AUTH_EXTENSION]: token, ...call.extensions };
    this.#context.budget.earn();
    return run;
  }

  #where(call: OutgoingCall): RpcErrorOptions {
    return whereOf(call, this.instance?.record.service ?? this.label);
  }

  /** The way with detours: one try if there was none yet, then more, with pauses, as long as that is right. */
  async #persist(run: Run, failure: unknown): Promise<Answer> {
    let failed = failure;
    try {
      if (failed === undefined) {
        try {
          return await this.#attempt(run);
        } catch (error) {
          failed = error;
        }
      }
      let reason = this.#judge(run, failed);
      return await pRetry(() => this.#retry(run, reason), {
        retries: Infinity,
        minTimeout: 0,
        onFailedAttempt: async ({ error, attemptNumber }) => {
          reason = this.#judge(run, error);
          const pauseMs = backoffMs(attemptNumber, this.#target.pauseCapMs, this.#context.random);
          await this.#target.pause(run.excluded ?? NONE, pauseMs, run.guard());
          if (run.ended) throw run.verdict(this.#target.label);
        },
      });
    } finally {
      run.onSettled?.();
      run.dispose();
    }
  }

  #retry(run: Run, reason: string): Promise<Answer> {
    run.guard().throwIfAborted();
    this.#context.onEvent({
      type: "retry",
      interface: run.call.interface,
      method: run.call.method,
      attempt: run.failures,
      reason,
    });
    return this.#attempt(run);
  }

  async #attempt(run: Run): Promise<Answer> {
    const { call } = run;
    run.instance = undefined;
    const guard = run.guard();
    guard.throwIfAborted();
    if (run.failures > 0) await untilAborted(reviveReferences(valuesOf(call.args)), guard);
    const session = this.#session.held;
    const asked = boundInstance(run);
    const chosen = session?.instance ?? asked ?? run.preferred;
    run.preferred = undefined;
    const sought = isToAsk(run) ? run.lost?.incarnation : undefined;
    const instance = chosen ?? (await this.#target.resolve(run.excluded ?? NONE, run.failures > 0, guard, sought));
    run.instance = instance;
    let ready: ReadyInstance;
    instance.waiting++;
    try {
      const prepare = (signal: AbortSignal): Promise<ReadyInstance> =>
        instance.prepare(call.interface, {
          signal,
          extensions: run.extensions,
          needsContract: call.method !== INTROSPECT,
        });
      ready = await (isToAsk(run) ? reach(instance.address, guard, prepare) : prepare(guard));
    } catch (error) {
      if (session && !guard.aborted && (await this.#target.isGone(instance, guard))) throw this.#session.lose(session);
      throw error;
    } finally {
      instance.waiting--;
    }
    this.#lookAtLost(run, instance, ready);
    const refusal = refuseElsewhere(run, instance, ready);
    if (refusal) throw refusal;
    if (this.#instance !== instance) {
      this.#instance = instance;
      this.#context.onEvent({
        type: "resolved",
        interface: call.interface,
        service: instance.record.service,
        address: instance.address,
      });
    }
    const again = call.named && !run.lost ? await this.#name(run, call.named, instance, ready) : undefined;
    for (let other = this.#session.awaited(run, ready); other; other = this.#session.awaited(run, ready)) {
      await untilAborted(other, guard);
      // The session that was opened may live elsewhere.
      const { held } = this.#session;
      if (held && held.instance !== instance) return await this.#attempt(run);
    }
    return await new Promise<Answer>((resolve, reject) => {
      run.waiter = { resolve, reject };
      run.sentAt = this.#context.wheel.now();
      run.again = run.lost ? describeEarlier(run.lost, run.sentAt, run.idempotent) : again;
      this.#send(run, instance, ready);
    });
  }

  /** The common case of a named call: its first try, to an instance that is ready. */
  #sendNamed(run: Run, named: NamedCall, instance: Instance, ready: ReadyInstance): void {
    const target = callTarget(run.call, instance, ready);
    this.#waits ??= new NameWaits(this.#context.wheel);
    const waits = this.#waits;
    holdSources(valuesOf(run.call.args));
    const wait = waits.begin(run, (reason) => {
      this.#persist(run, reason).then(run.resolve, run.reject);
    });
    if (wait.isOver) return;
    nameOf(named, target).then(
      (name) => {
        if (!waits.end(wait)) return;
        const { held } = this.#session;
        // A session that was opened meanwhile may live elsewhere.
        if (this.#session.awaited(run, ready) || (held && held.instance !== instance)) {
          this.#persist(run, undefined).then(run.resolve, run.reject);
          return;
        }
        run.sentAt = this.#context.wheel.now();
        run.again = firstTry(name, target, named);
        this.#send(run, instance, ready);
      },
      (error: unknown) => {
        if (!waits.end(wait)) return;
        run.isBarred = true;
        this.runFailed(run, unnamed(error));
      },
    );
  }

  /** What a peer says of itself and the method may change what is to be thought of a try that was lost. */
  #lookAtLost(run: Run, instance: Instance, ready: ReadyInstance): void {
    const { call, lost } = run;
    if (!call.named || !lost) return;
    run.idempotent ||= isIdempotent(call, instance, ready);
    // Who can tell what became of it is asked, even if that does not matter. Elsewhere it keeps its name, by which the method may know it.
    if (incarnationOf(ready) === lost.incarnation) run.lost = { ...lost, instance };
  }

  /** Waits for the name of a try that is a new one. */
  async #name(run: Run, named: NamedCall, instance: Instance, ready: ReadyInstance): Promise<EarlierTry | undefined> {
    const target = callTarget(run.call, instance, ready);
    const guard = run.guard();
    try {
      return firstTry(await untilAborted(named.sending(target), guard), target, named);
    } catch (error) {
      if (guard.aborted) throw error;
      run.isBarred = true;
      throw unnamed(error);
    }
  }

  #send(run: Run, instance: Instance, ready: ReadyInstance): void {
    run.instance = instance;
    run.ready = ready;
    this.#session.sending(run, ready);
    try {
      this.#transmit(run, instance, ready);
    } catch (error) {
      // The arguments are at fault, before anything was sent.
      run.onSettled?.();
      (run.waiter ?? run).reject(unreadable(error));
    }
  }

  #transmit(run: Run, instance: Instance, { channel, contract }: ReadyInstance): void {
    const { call } = run;
    const { args } = call;
    const method = contract?.methods.get(call.method);
    run.contract = method;
    if ("raw" in args) {
      run.args = args.raw;
      run.attachment = call.attachment;
    } else if (channel.takesKeywords) {
      run.args = args.positional;
      run.attachment = call.attachment;
      run.isPositional = true;
    } else {
      const where = whereOf(call, instance.record.service);
      if (contract && !method && args.positional.length > 1) {
        // An undeclared method takes one value; a method that is not there takes none, and that is the better news.
        const hint = didYouMean(call.method, contract.methods.keys());
        throw rpcError("METHOD_NOT_FOUND", `${call.interface} has no method ${call.method}${hint}`, where);
      }
      const limits = method?.stream ? channel.attachments : undefined;
      const wired = wireArguments(args.positional, method, where, call.attachment, limits);
      run.args = wired.args;
      run.attachment = wired.attachment;
    }
    const { protocol, record } = instance;
    const told = protocol ? protocol.contractOf?.(call.interface, call.method) : method;
    if (told?.idempotent && call.options.idempotent === undefined) run.idempotent = true;
    const isPycoms = contract?.host === undefined && record.incarnation === undefined && !protocol;
    if (isPycoms && call.options.timeoutMs === undefined && this.#context.timeoutMs === undefined) {
      run.deadlineAt = Math.min(run.deadlineAt, run.startedAt + CLIENT_DEFAULTS.pycomTimeoutMs);
    }
    run.session = this.#session.held;
    run.maxBytes = contract?.host?.maxMessageBytes;
    instance.breaker.enter();
    channel.send(run);
    run.sent();
  }

  /** What a failed try means for the instance and the session. */
  #learnFrom(run: Run, failure: RpcError): RpcError {
    const { instance, session } = run;
    // Of what a method has met with elsewhere it speaks as of its own failure; the instance itself has answered.
    const isOwn = failure.outcome !== "executed" && (failure.code === "OVERLOADED" || failure.code === "TIMEOUT");
    if (isOwn) {
      if (failure.outcome !== "not-sent") instance?.breaker.fail();
    } else if (failure.remote) {
      instance?.breaker.succeed();
      this.#reached = true;
    }
    if (failure.code === "SESSION_EXPIRED" && session) this.#session.drop(session);
    const methods = run.ready?.contract?.methods;
    // An error that the method passed on, or of a method that is there, speaks of something else.
    const isOurs = failure.code === "METHOD_NOT_FOUND" && failure.outcome !== "executed";
    if (isOurs && methods && !methods.has(run.call.method) && !failure.message.includes("did you mean")) {
      return refineError(failure, { message: failure.message + didYouMean(run.call.method, methods.keys()) });
    }
    return failure;
  }

  /**
   * Decides whether another try is right.
   *
   * @returns why there has to be one
   * @throws RpcError, the call's final one, when it is not
   */
  #judge(run: Run, error: unknown): string {
    const failure = RpcError.from(error);
    run.note(failure);
    const { options } = run.call;
    const target = this.#target;
    const context = this.#context;
    const waiting = failure.code === "SERVICE_NOT_FOUND" && context.wheel.now() >= run.waitUntil;
    const isAsking = !run.idempotent && run.lost !== undefined;
    // References among the arguments are obtained again before the next try.
    const isRevivable = failure.code === "REFERENCE_LOST" && failure.outcome === "not-sent" && run.failures === 1;
    const isWorthIt = isRevivable
      ? holdsRevivable(valuesOf(run.call.args))
      : isAsking
        ? mayAsk(run, failure, context.wheel.now())
        : mayRetry(failure, run.idempotent);
    const allowed = (options.retry ?? context.retry) && !run.isOneShot && !run.isBarred && !waiting && isWorthIt;
    // Also when this call ends here: the next one must not be sent the same way.
    if (run.instance && !this.#session.held && (allowed || isInTrouble(failure))) {
      run.exclude(run.instance);
      target.drop(run.instance);
    }
    if (!allowed || run.ended) throw run.verdict(target.label);
    // To ask is no load; to execute once more is.
    if (!isAsking && failure.outcome !== "not-sent" && !context.budget.spend()) throw run.verdict(target.label);
    return failure.message;
  }
}

const NONE: ReadonlySet<string> = new Set();

/** As they were sent: their owner may use the objects again. */
function copyArguments(args: OutgoingCall["args"]): OutgoingCall["args"] {
  return "raw" in args
    ? { raw: copyPlain(args.raw) }
    : { positional: copyPlain(args.positional) as readonly unknown[] };
}

/** What callers get of an error, where the protocol of the call knows more of it. */
function toldBy(run: Run | undefined, { interface: name, method }: OutgoingCall, error: unknown): unknown {
  const protocol = run?.instance?.protocol;
  if (!protocol?.errorOf || !RpcError.isRpcError(error)) return error;
  return protocol.errorOf(name, method, error);
}

function asItIs(answer: Answer): Answer {
  return answer;
}

/** The token of the call being served goes on to the calls made for it. */
function inheritedToken(extensions: Extensions | undefined): string | undefined {
  const token = extensions?.[AUTH_EXTENSION];
  return typeof token === "string" ? token : undefined;
}

import pRetry from "p-retry";
import { RpcError, type RpcErrorOptions, refineError, rpcError } from "../errors.js";
import { whereOf, wireArguments } from "../peer/arguments.js";
import { servingCall } from "../peer/call-context.js";
import { INTROSPECT } from "../peer/contract.js";
import type { Answer, Invoker, OutgoingCall } from "../peer/invoker.js";
import { AUTH_EXTENSION } from "../peer/record.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import { didYouMean } from "../util/did-you-mean.js";
import type { Extensions, ResultMessage } from "../wire/message.js";
import { CLIENT_DEFAULTS } from "./defaults.js";
import type { ClientEvent } from "./events.js";
import type { Instance, ReadyInstance } from "./instance.js";
import { backoffMs, isInTrouble, mayRetry, type RetryBudget } from "./retry-policy.js";
import { Run } from "./run.js";
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

/** Where the session of a proxy lives. */
interface HeldSession {
  readonly id: string;
  readonly instance: Instance;
}

/**
 * Carries a call out, whatever happens to services meanwhile: resolves, connects, calls; on a failure that allows another
 * try it drops the instance, asks the nameserver again, backs off, and goes on until the deadline. The first contact is no
 * special case.
 *
 * The common case, an instance that is connected and known, takes no detour: one look-up, one message, one promise.
 */
export class ReconnectingInvoker implements Invoker {
  readonly #target: Target;
  readonly #context: InvokerContext;
  #session: HeldSession | undefined;
  #opening: Promise<unknown> | undefined;
  #instance: Instance | undefined;
  #reached = false;
  #closed = false;

  constructor(target: Target, context: InvokerContext) {
    this.#target = target;
    this.#context = context;
  }

  /** Id of the session, once a stateful service has opened one. */
  get sessionId(): string | undefined {
    return this.#session?.id;
  }

  /** The instance that was used last. */
  get instance(): Instance | undefined {
    return this.#session?.instance ?? this.#instance;
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
    this.#session = { id: sessionId, instance };
  }

  invoke(call: OutgoingCall): Promise<Answer> {
    try {
      const run = this.#begin(call);
      const instance = this.#session?.instance ?? this.#target.pick(run.excluded);
      const ready = instance?.ready(call.interface);
      if (!instance || !ready) {
        run.preferred = instance;
        return this.#persist(run, undefined);
      }
      return this.#send(run, instance, ready, (error) => this.#persist(run, error));
    } catch (error) {
      return Promise.reject(RpcError.from(error));
    }
  }

  #begin(call: OutgoingCall): Run {
    const { wheel } = this.#context;
    const { options } = call;
    if (this.#closed) throw rpcError("CLOSED", `The proxy of ${this.label} was closed`, this.#where(call));
    const timeoutMs = options.timeoutMs ?? this.#context.timeoutMs ?? CLIENT_DEFAULTS.timeoutMs;
    if (!(timeoutMs > 0))
      throw rpcError("CONFIGURATION", `timeoutMs must be more than 0, got ${timeoutMs}`, this.#where(call));
    const startedAt = wheel.now();
    const parent = servingCall();
    const waitForMs = options.waitForMs ?? this.#context.waitForMs ?? 0;
    const run = new Run(call, wheel, {
      startedAt,
      deadlineAt: Math.min(startedAt + timeoutMs, parent?.deadlineAt ?? Infinity),
      waitUntil: this.#reached ? Infinity : startedAt + waitForMs,
      signal: parent ? joinSignals(parent.signal, options.signal) : options.signal,
    });
    if (run.signal?.aborted) {
      throw rpcError("CANCELLED", `${call.interface}.${call.method} was cancelled before it was sent`, {
        ...this.#where(call),
        cause: run.signal.reason,
      });
    }
    run.idempotent = options.idempotent ?? call.method === INTROSPECT;
    const token = this.#context.token() ?? inheritedToken(parent?.extensions);
    if (token !== undefined) call.extensions = { [AUTH_EXTENSION]: token, ...call.extensions };
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
          await this.#target.pause(run.excluded, pauseMs, run.guard());
          if (run.ended) throw run.verdict(this.#target.label);
        },
      });
    } finally {
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
    const session = this.#session;
    const chosen = session?.instance ?? run.preferred;
    run.preferred = undefined;
    const instance = chosen ?? (await this.#target.resolve(run.excluded, run.failures > 0, guard));
    run.instance = instance;
    let ready: ReadyInstance;
    instance.waiting++;
    try {
      ready = await instance.prepare(call.interface, {
        signal: guard,
        extensions: call.extensions,
        needsContract: call.method !== INTROSPECT,
      });
    } catch (error) {
      if (session && !guard.aborted && (await this.#target.isGone(instance, guard))) throw this.#loseSession(session);
      throw error;
    } finally {
      instance.waiting--;
    }
    if (this.#instance !== instance) {
      this.#instance = instance;
      this.#context.onEvent({
        type: "resolved",
        interface: call.interface,
        service: instance.record.service,
        address: instance.address,
      });
    }
    return await this.#send(run, instance, ready, rethrow);
  }

  /** @param onFailure - what a failed try becomes: another one, or an error */
  #send(run: Run, instance: Instance, ready: ReadyInstance, onFailure: OnFailure): Promise<Answer> {
    run.instance = instance;
    const { contract, channel } = ready;
    const stateful = contract?.host?.stateful === true && run.call.method !== INTROSPECT;
    if (stateful && !this.#session) {
      // Calls made side by side belong to one session: the first opens it, the others wait for that.
      if (this.#opening) return this.#opening.then(() => this.#send(run, instance, ready, onFailure));
      const opening = this.#transmit(run, instance, ready, onFailure);
      const opened = (): void => {
        this.#opening = undefined;
      };
      this.#opening = opening.then(opened, opened);
      return opening;
    }
    return this.#transmit(run, instance, { contract, channel }, onFailure);
  }

  #transmit(run: Run, instance: Instance, { channel, contract }: ReadyInstance, onFailure: OnFailure): Promise<Answer> {
    const { call } = run;
    const method = contract?.methods.get(call.method);
    const where = whereOf(call, instance.record.service);
    if (contract && !method && "positional" in call.args && call.args.positional.length > 1) {
      // An undeclared method takes one value; a method that is not there takes none, and that is the better news.
      const hint = didYouMean(call.method, contract.methods.keys());
      throw rpcError("METHOD_NOT_FOUND", `${call.interface} has no method ${call.method}${hint}`, where);
    }
    const { args, attachment } =
      "raw" in call.args
        ? { args: call.args.raw, attachment: call.attachment }
        : wireArguments(call.args.positional, method, where, call.attachment);
    if (method?.idempotent && call.options.idempotent === undefined) run.idempotent = true;
    const ours = contract?.host !== undefined || instance.record.incarnation !== undefined;
    if (!ours && call.options.timeoutMs === undefined && this.#context.timeoutMs === undefined) {
      run.deadlineAt = Math.min(run.deadlineAt, run.startedAt + CLIENT_DEFAULTS.pycomTimeoutMs);
    }
    const session = this.#session;
    const measuredFrom = this.#target.measures ? this.#context.wheel.now() : 0;
    instance.breaker.enter();
    return channel
      .call({
        interface: call.interface,
        method: call.method,
        args,
        sessionId: session?.id,
        extensions: call.extensions,
        attachment,
        maxBytes: contract?.host?.maxMessageBytes,
        deadlineAt: run.deadlineAt,
        signal: run.signal,
      })
      .then(
        (message) => {
          if (measuredFrom > 0) instance.observeLatency(this.#context.wheel.now() - measuredFrom);
          return this.#answered(instance, message, method);
        },
        (error: unknown) => onFailure(this.#failed(run, instance, session, error, contract?.methods.keys())),
      );
  }

  #answered(instance: Instance, message: ResultMessage, contract: Answer["contract"]): Answer {
    instance.breaker.succeed();
    this.#reached = true;
    if (message.sessionId !== undefined && message.sessionId !== this.#session?.id) {
      this.#session = { id: message.sessionId, instance };
    }
    return {
      result: message.result,
      attachment: message.attachment,
      sessionId: message.sessionId,
      extensions: message.extensions,
      contract,
    };
  }

  /** What a failed try means for the instance and the session. */
  #failed(
    run: Run,
    instance: Instance,
    session: HeldSession | undefined,
    error: unknown,
    methods: Iterable<string> | undefined,
  ): RpcError {
    const failure = RpcError.from(error);
    if (failure.code === "OVERLOADED" || failure.code === "TIMEOUT") {
      if (failure.outcome !== "not-sent") instance.breaker.fail();
    } else if (failure.remote) {
      instance.breaker.succeed();
      this.#reached = true;
    }
    if (failure.code === "SESSION_EXPIRED" && session && this.#session === session) this.#session = undefined;
    if (failure.code === "METHOD_NOT_FOUND" && methods && !failure.message.includes("did you mean")) {
      return refineError(failure, { message: failure.message + didYouMean(run.call.method, methods) });
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
    const allowed = (options.retry ?? context.retry) && !waiting && mayRetry(failure, run.idempotent);
    // Also when this call ends here: the next one must not be sent the same way.
    if (run.instance && !this.#session && (allowed || isInTrouble(failure))) {
      run.excluded.add(run.instance.key);
      target.drop(run.instance);
    }
    if (!allowed || run.ended) throw run.verdict(target.label);
    if (failure.outcome !== "not-sent" && !context.budget.spend()) throw run.verdict(target.label);
    return failure.message;
  }

  #loseSession(session: HeldSession): RpcError {
    if (this.#session === session) this.#session = undefined;
    return rpcError(
      "SESSION_EXPIRED",
      `The instance ${session.instance.address} that held the session ${session.id} is gone; the next call opens a new one`,
      { service: session.instance.record.service },
    );
  }
}

/** What a failed try becomes. */
type OnFailure = (error: RpcError) => Promise<Answer>;

function rethrow(error: RpcError): Promise<Answer> {
  return Promise.reject(error);
}

/** The token of the call being served goes on to the calls made for it. */
function inheritedToken(extensions: Extensions | undefined): string | undefined {
  const token = extensions?.[AUTH_EXTENSION];
  return typeof token === "string" ? token : undefined;
}

/** Fires when either does. The first is short-lived and owned by us; the second may live as long as the program. */
function joinSignals(parent: AbortSignal, own: AbortSignal | undefined): AbortSignal {
  return own ? AbortSignal.any([parent, own]) : parent;
}

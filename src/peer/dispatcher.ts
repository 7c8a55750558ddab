import { type ErrorCode, RpcError, rpcError } from "../errors.js";
import type { Caller } from "../security/caller.js";
import type { AccessPolicy } from "../security/policy.js";
import { didYouMean } from "../util/did-you-mean.js";
import { LinkedList } from "../util/linked-list.js";
import { type Logger, SILENT } from "../util/log.js";
import { thrownText } from "../util/thrown-text.js";
import { type AnswerMessage, type CallId, type CallMessage, callName, type ErrorMessage } from "../wire/message.js";
import { AccessControl } from "./access.js";
import type { RunningCalls } from "./answers/answer-window.js";
import { isReply, requireWanted, runInCall, ServerCall } from "./call-context.js";
import type { CallOrigin } from "./call-origin.js";
import { CallQueue, type QueuedCall } from "./call-queue.js";
import type { MethodContract } from "./contract.js";
import { isRegistered } from "./error-classes.js";
import type { ExposedInterface, ExposedMethod } from "./exposed/exposed-interface.js";
import { type ErrorPolicy, expired, failureAnswer, reasonOf } from "./failures.js";
import { ToldFailure } from "./once/told-failure.js";
import type { Sessions } from "./sessions.js";
import { CallStats } from "./stats/call-stats.js";
import { discardSources } from "./streams/source.js";

/** Stands around every call that a host serves, after authentication; calls `next` once, or answers by itself. */
export type ServiceMiddleware = (call: ServerCall, next: () => Promise<unknown>) => unknown;

/** Validates the token of a call. */
export type Authenticate = (call: ServerCall) => Promise<Caller | undefined>;

/** Policy of interfaces that have none of their own. PyCOM: configuration `authentication`. */
export interface AuthenticationPolicy {
  /** `required`: callers must show a valid token. */
  readonly policy?: "required" | undefined;
}

/** Options of {@link Dispatcher}. */
export interface DispatcherOptions {
  /** Sessions of stateful interfaces. */
  readonly sessions: Sessions;
  /** Policy of interfaces that have none of their own. */
  readonly authentication?: "required" | undefined;
  /** Validates tokens; without it protected interfaces refuse everybody. */
  readonly authenticate?: Authenticate | undefined;
  /** Who may call what, of interfaces that do not say it themselves; absent: everybody, everything. */
  readonly policy?: AccessPolicy | undefined;
  /** Methods that run at the same time; default 1,000. Further calls wait. */
  readonly maxConcurrent?: number | undefined;
  /** Calls that wait at most; default 100,000. Further ones are refused with `OVERLOADED`. */
  readonly maxQueued?: number | undefined;
  /** Run in order around every method. */
  readonly middleware?: readonly ServiceMiddleware[] | undefined;
  /** What callers are told of exceptions; default `hidden`. */
  readonly errors?: ErrorPolicy | undefined;
  /** Told of errors that callers see only as a fixed text. */
  readonly log?: Logger | undefined;
}

/** How a host, PyCOM's too, begins to say that it does not offer an interface; there is no code of its own for that. */
export const UNSUPPORTED_INTERFACE = "Unsupported interface: ";

/**
 * Carries out calls: finds interface, session and method, authenticates, runs, answers (docs/pycom-wire.md, section 6).
 *
 * Names from outside are looked up in maps and nowhere else. A dispatcher answers every call exactly once.
 */
export class Dispatcher implements RunningCalls {
  readonly #interfaces = new Map<string, ExposedInterface>();
  readonly #options: DispatcherOptions;
  readonly #maxConcurrent: number;
  readonly #maxQueued: number;
  readonly #log: Logger;
  readonly #access: AccessControl;
  readonly #queue = new CallQueue();
  readonly #running = new LinkedList<ServerCall>();
  /** What was called how often, and how it went. */
  readonly stats: CallStats = new CallStats();
  #draining = false;
  #idle: (() => void)[] = [];
  #refusedAt = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#maxConcurrent = options.maxConcurrent ?? 1_000;
    this.#maxQueued = options.maxQueued ?? 100_000;
    this.#log = options.log ?? SILENT;
    this.#access = new AccessControl(options.policy, this.#log);
  }

  /** Interfaces by name. */
  get interfaces(): ReadonlyMap<string, ExposedInterface> {
    return this.#interfaces;
  }

  /** Calls that run or wait. */
  get pending(): number {
    return this.#running.size + this.#queue.size;
  }

  /** When a call was last refused because of draining, in milliseconds of `performance.now()`; 0 for never. */
  get refusedAt(): number {
    return this.#refusedAt;
  }

  /**
   * Makes an interface callable.
   *
   * @throws RpcError with code `CONFIGURATION` when the name is taken
   */
  expose(exposed: ExposedInterface): void {
    if (this.#interfaces.has(exposed.name)) {
      throw rpcError("CONFIGURATION", `The interface ${exposed.name} is provided twice`);
    }
    this.#interfaces.set(exposed.name, exposed);
    this.stats.exposed(this.#interfaces.values());
  }

  /**
   * Puts an interface in the place of the one of its name.
   *
   * @throws RpcError with code `CONFIGURATION` when there is none
   */
  replace(exposed: ExposedInterface): void {
    if (!this.#interfaces.has(exposed.name)) {
      throw rpcError("CONFIGURATION", `The interface ${exposed.name} is not provided by this host`);
    }
    this.#interfaces.set(exposed.name, exposed);
    this.stats.exposed(this.#interfaces.values());
  }

  /**
   * Serves one call and answers it, now or later, exactly once.
   *
   * @param target - what is called, for references; default: the interface that the message names
   * @param arrivedAt - when its deadline began to run, in milliseconds of `performance.now()`
   */
  dispatch(message: CallMessage, origin: CallOrigin, arrivedAt: number, target?: ExposedInterface): void {
    const deadlineAt = arrivedAt + (message.timeoutMs ?? Infinity);
    const refusal = origin.load?.refusal();
    if (this.#draining) {
      this.#refusedAt = performance.now();
      this.refuse(message, origin, notExecuted("DRAINING", "The service is shutting down"), target);
    } else if (refusal) {
      this.refuse(message, origin, refusal, target);
    } else if (this.#running.size < this.#maxConcurrent) {
      this.#serve(message, arrivedAt, deadlineAt, origin, target);
    } else if (this.#queue.size < this.#maxQueued) {
      const ended = origin.load?.begin();
      this.#queue.push({ message, arrivedAt, deadlineAt, origin, target, isCancelled: false, ended });
    } else {
      const text = `The service has ${this.#maxQueued} calls waiting and takes no more now`;
      this.refuse(message, origin, notExecuted("OVERLOADED", text), target);
    }
  }

  /** Answers a call that is not begun with an error. */
  refuse(message: CallMessage, origin: CallOrigin, error: RpcError, target?: ExposedInterface): void {
    const answer = failureAnswer(message, error);
    const exposed = target ?? this.#interfaces.get(message.interface);
    this.stats.of(exposed?.methods.get(message.method), target !== undefined).refused(answer);
    origin.respond(answer);
  }

  /**
   * A caller gives a call up: its signal fires if it runs, and it is never begun if it waits. It is answered in any case.
   */
  cancel(connection: object, id: CallId, reason: Error): void {
    const queued = this.#queue.find(connection, id);
    if (queued) queued.isCancelled = true;
    else {
      // A few at a time; a look-up would cost every call what only a cancelled one gains.
      for (const call of this.#running) if (call.origin.connection === connection && call.id === id) call.abort(reason);
    }
  }

  /** A caller is gone: as if it had cancelled all its calls, but for those that somebody waits for elsewhere. */
  abandon(connection: object, reason: Error, isAwaited: (id: CallId) => boolean = () => false): void {
    for (const queued of this.#queue.of(connection)) if (!isAwaited(queued.message.id)) queued.isCancelled = true;
    for (const call of this.#running) {
      if (call.origin.connection === connection && !isAwaited(call.id)) call.abort(reason);
    }
  }

  /** Does a call run, or wait until others have ended? */
  holds(connection: object, id: CallId): boolean {
    if (this.#queue.find(connection, id)) return true;
    for (const call of this.#running) if (call.origin.connection === connection && call.id === id) return true;
    return false;
  }

  /**
   * Refuses new calls with `DRAINING` from now on.
   *
   * @returns a promise that settles when no call runs or waits any more
   */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** Fires the signal of every running call. */
  abort(reason: RpcError): void {
    for (const call of this.#running) call.abort(reason);
  }

  #serveQueued({ message, arrivedAt, deadlineAt, origin, target, isCancelled, ended }: QueuedCall): void {
    if (isCancelled) {
      ended?.();
      const text = "The caller gave the call up before it was begun";
      this.refuse(message, origin, notExecuted("CANCELLED", text), target);
    } else if (performance.now() >= deadlineAt) {
      ended?.();
      this.refuse(message, origin, expired(), target);
    } else this.#serve(message, arrivedAt, deadlineAt, origin, target, ended);
  }

  /** @param ended - for a call that has waited: it is not under way any more, for those who count */
  #serve(
    message: CallMessage,
    arrivedAt: number,
    deadlineAt: number,
    origin: CallOrigin,
    target: ExposedInterface | undefined,
    ended?: () => void,
  ): void {
    let call: ServerCall | undefined;
    try {
      let exposed = target ?? this.#interfaces.get(message.interface);
      let name = message.method;
      if (!exposed && message.interface === "") ({ exposed, name } = this.#findMethod(name));
      call = new ServerCall({
        interface: message.interface,
        method: name,
        args: message.args,
        extensions: message.extensions ?? {},
        attachment: message.attachment,
        deadlineAt,
        authenticate: this.#options.authenticate,
        origin,
        id: message.id,
        again: message.again,
        isPositional: message.isPositional === true,
      });
      const method = exposed?.methods.get(name);
      call.counted = this.stats.of(method, target !== undefined);
      call.counted.begun();
      if (this.stats.isTimed(arrivedAt) || call.counted.isUntimed) call.timedFrom = arrivedAt;
      const policy = this.#access.policyOf(exposed, method);
      const result = policy
        ? this.#beginAllowed(policy, message, call, exposed, method)
        : this.#begin(message, call, exposed, method, true);
      if (result instanceof Promise) {
        this.#running.add(call);
        call.onEnded = ended ?? origin.load?.begin();
        this.#finishLater(message, call, result, origin);
        return;
      }
      this.#succeed(message, call, result, origin);
    } catch (error) {
      this.#fail(message, call, error, origin);
    }
    ended?.();
  }

  /** Begins a call if its caller may make it. Nothing of it but its names is looked at before that. */
  #beginAllowed(
    policy: AccessPolicy,
    message: CallMessage,
    call: ServerCall,
    exposed: ExposedInterface | undefined,
    method: ExposedMethod | undefined,
  ): unknown {
    const passed = this.#access.pass(policy, call, exposed);
    if (passed === true) return this.#begin(message, call, exposed, method, false);
    return passed.then(() => {
      requireWanted(call);
      return this.#begin(message, call, exposed, method, false);
    });
  }

  /** @param isOpen - may the caller be told what else there is, in case that something is misspelt? */
  #begin(
    message: CallMessage,
    call: ServerCall,
    exposed: ExposedInterface | undefined,
    method: ExposedMethod | undefined,
    isOpen: boolean,
  ): unknown {
    if (!exposed) throw this.#unknownInterface(message, isOpen);
    if (exposed.stateful) call.session = this.#options.sessions.attach(message.sessionId);
    if (!method) throw unknownMethod(message, exposed, isOpen);
    return this.#run(call, exposed, method);
  }

  /** See `Callee`. */
  contractOf(interfaceName: string, method: string): MethodContract | undefined {
    if (interfaceName !== "") return this.#interfaces.get(interfaceName)?.methods.get(method)?.contract;
    const { exposed, name } = this.#findMethod(method);
    return exposed?.methods.get(name)?.contract;
  }

  /** Callers that name no interface mean the only one that has the method, or name it in front of the method. */
  #findMethod(method: string): FoundMethod {
    const [exposed, ...others] = this.#having(method);
    if (exposed) return { exposed: others.length === 0 ? exposed : undefined, name: method };
    let nearest: FoundMethod | undefined;
    for (let dot = method.lastIndexOf("."); dot > 0; dot = method.lastIndexOf(".", dot - 1)) {
      const named = this.#interfaces.get(method.slice(0, dot));
      const name = method.slice(dot + 1);
      if (named?.methods.has(name)) return { exposed: named, name };
      // What its policy does not allow is the same whether it is there or not.
      if (named) nearest ??= { exposed: named, name };
    }
    return nearest ?? { exposed: undefined, name: method };
  }

  #having(method: string): ExposedInterface[] {
    return [...this.#interfaces.values()].filter((exposed) => exposed.methods.has(method));
  }

  #unknownInterface({ interface: name, method }: CallMessage, isOpen: boolean): RpcError {
    if (name !== "") {
      const hint = isOpen ? didYouMean(name, this.#interfaces.keys()) : "";
      return notExecuted("BAD_REQUEST", `${UNSUPPORTED_INTERFACE}${name}${hint}`);
    }
    const having = this.#having(method);
    if (having.length === 0) {
      return notExecuted("METHOD_NOT_FOUND", `No interface here has a method ${JSON.stringify(method)}`);
    }
    const isKnown = isOpen && having.every(({ policy }) => policy === undefined);
    const names = isKnown ? `: ${having.map((exposed) => exposed.name).join(", ")}` : "";
    return notExecuted("BAD_REQUEST", `Several interfaces have a method ${method}${names}. Name one`);
  }

  #finishLater(message: CallMessage, call: ServerCall, result: Promise<unknown>, origin: CallOrigin): void {
    result.then(
      (value) => {
        try {
          this.#succeed(message, call, value, origin);
        } catch (error) {
          this.#untold(message, error);
        }
        this.#finished(call);
      },
      (error: unknown) => {
        try {
          this.#fail(message, call, error, origin);
        } catch (untellable) {
          this.#untold(message, untellable);
        }
        this.#finished(call);
      },
    );
  }

  /** One caller who cannot be told costs the others nothing. */
  #untold(message: CallMessage, error: unknown): void {
    this.#log.error(`${callName(message)} was not answered: ${thrownText(error)}`);
  }

  #run(call: ServerCall, exposed: ExposedInterface, method: ExposedMethod): unknown {
    const policy = exposed.authentication ?? this.#options.authentication;
    const { middleware } = this.#options;
    if (policy !== "required" && (!middleware || middleware.length === 0)) {
      return runInCall(call, () => method.invoke(call));
    }
    return runInCall(call, async () => {
      if (policy === "required") await this.#requireCaller(call);
      const step = async (index: number): Promise<unknown> => {
        const next = middleware?.[index];
        return await (next ? next(call, () => step(index + 1)) : method.invoke(call));
      };
      return await step(0);
    });
  }

  async #requireCaller(call: ServerCall): Promise<void> {
    if (!this.#options.authenticate)
      throw notExecuted("ACCESS_DENIED", "This host cannot authenticate anybody: it has no authenticator");
    if ((await call.authenticate()) === undefined) throw notExecuted("ACCESS_DENIED", "Authentication required");
    requireWanted(call);
  }

  #succeed(message: CallMessage, call: ServerCall, value: unknown, origin: CallOrigin): void {
    const ready = isReply(value) ? value : undefined;
    const answer: AnswerMessage = {
      kind: "result",
      id: message.id,
      result: ready ? ready.result : value,
      sessionId: call.session?.id,
      extensions: call.responseExtensions,
      attachment: ready?.attachment,
      origin: call,
    };
    try {
      origin.respond(answer);
    } catch (error) {
      // The result cannot travel: too large, not of the wire's kind, or not to be read at all. The caller is told, instead of waiting.
      discardSources(answer.result);
      const { code, text } = objectionTo(error);
      this.#log.error(`${callName(message)}: ${text}`);
      const failure = failureAnswer(message, rpcError(code, text, { number: 1 }), call);
      call.countEnd(failure);
      origin.respond(failure);
      call.finished();
      return;
    }
    call.countEnd();
    call.finished();
  }

  #fail(message: CallMessage, call: ServerCall | undefined, error: unknown, origin: CallOrigin): void {
    try {
      const told = reasonOf(call, error);
      if (isRegistered(told)) this.#log.debug(`${callName(message)} answered with ${told.name}: ${told.message}`);
      else if (!RpcError.isRpcError(told) && !(told instanceof ToldFailure)) {
        this.#log.error(`${callName(message)} failed: ${thrownText(error)}`);
      }
      const answer = failureAnswer(message, told, call, this.#options.errors);
      origin.respond({ ...answer, thrown: told, extensions: call?.responseExtensions });
      this.#countFailed(call, answer);
    } catch (untellable) {
      // Anything can be thrown, also what throws when it is looked at.
      this.#log.error(`${callName(message)}: ${thrownText(untellable)}`);
      const answer = briefAnswer(message, call, error);
      this.#countFailed(call, answer);
      origin.respond(answer);
    }
    call?.finished();
  }

  #countFailed(call: ServerCall | undefined, answer: ErrorMessage): void {
    if (call) call.countEnd(answer);
    else this.stats.of(undefined, false).refused(answer);
  }

  /** A call that took longer has ended: others may begin. */
  #finished(call: ServerCall): void {
    this.#running.delete(call);
    call.onEnded?.();
    while (this.#running.size < this.#maxConcurrent) {
      const next = this.#queue.shift();
      if (!next) break;
      this.#serveQueued(next);
    }
    if (this.#draining && this.pending === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** What a call is for. */
interface FoundMethod {
  readonly exposed: ExposedInterface | undefined;
  readonly name: string;
}

function unknownMethod({ method }: CallMessage, exposed: ExposedInterface, isOpen: boolean): RpcError {
  const hint = isOpen ? didYouMean(method, exposed.methods.keys()) : "";
  return notExecuted("METHOD_NOT_FOUND", `Method '${method}' not found in interface ${exposed.name}${hint}`);
}

function notExecuted(code: ErrorCode, message: string): RpcError {
  return rpcError(code, message, { outcome: "not-executed" });
}

/** The answer to a call whose error cannot be told as it is: its code, or if that cannot be read either, that it failed. */
function briefAnswer(message: CallMessage, call: ServerCall | undefined, error: unknown): ErrorMessage {
  try {
    return failureAnswer(message, reasonOf(call, error), call);
  } catch {
    return failureAnswer(message, undefined, call);
  }
}

/** Why a result could not be sent; what getters of it have thrown may be anything. */
function objectionTo(error: unknown): { readonly code: ErrorCode; readonly text: string } {
  try {
    if (RpcError.isRpcError(error))
      return { code: error.code === "TOO_LARGE" ? "TOO_LARGE" : "UNKNOWN", text: error.message };
    if (error instanceof Error) return { code: "UNKNOWN", text: error.message };
  } catch {
    // It cannot be read either.
  }
  return { code: "UNKNOWN", text: "The result cannot be read" };
}

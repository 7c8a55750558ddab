import { type ErrorCode, RpcError, rpcError } from "../errors.js";
import { didYouMean } from "../util/did-you-mean.js";
import { type Logger, SILENT } from "../util/log.js";
import type { AnswerMessage, CallMessage, ErrorMessage } from "../wire/message.js";
import { type Caller, isReply, runInCall, ServerCall } from "./call-context.js";
import type { Contract, MethodContract } from "./contract.js";
import type { Sessions } from "./sessions.js";

/** A method that can be called from outside. */
export interface ExposedMethod {
  /** What it says of itself. */
  readonly contract: MethodContract;
  /**
   * Checks the arguments, runs the method, shapes the result.
   *
   * @returns the result in the wire's shape, a {@link Reply}, or a promise of either
   */
  invoke(call: ServerCall): unknown;
}

/** An interface that can be called from outside. Only what stands in its map is callable. */
export interface ExposedInterface {
  /** Dotted name. */
  readonly name: string;
  /** Do calls get a session? */
  readonly stateful: boolean;
  /** `required`: callers must show a valid token. `never`: they need not, whatever the host says. */
  readonly authentication: "required" | "never" | undefined;
  /** Methods by remote name. */
  readonly methods: ReadonlyMap<string, ExposedMethod>;
  /** What introspection says. */
  readonly contract: Contract;
}

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
  /** Methods that run at the same time; default 1,000. Further calls wait. */
  readonly maxConcurrent?: number | undefined;
  /** Calls that wait at most; default 100,000. Further ones are refused with `OVERLOADED`. */
  readonly maxQueued?: number | undefined;
  /** Run in order around every method. */
  readonly middleware?: readonly ServiceMiddleware[] | undefined;
  /** Told of errors that callers see only as a fixed text. */
  readonly log?: Logger | undefined;
}

/** How a host, PyCOM's too, begins to say that it does not offer an interface; there is no code of its own for that. */
export const UNSUPPORTED_INTERFACE = "Unsupported interface: ";

/** What every caller is told of an exception that is no {@link RpcError}: nothing of it leaks. */
const HIDDEN = "Unknown error during request";

/**
 * Carries out calls: finds interface, session and method, authenticates, runs, answers (docs/pycom-wire.md, section 6).
 *
 * Names from outside are looked up in maps and nowhere else. A dispatcher answers every call exactly once.
 */
export class Dispatcher {
  readonly #interfaces = new Map<string, ExposedInterface>();
  readonly #options: DispatcherOptions;
  readonly #maxConcurrent: number;
  readonly #maxQueued: number;
  readonly #log: Logger;
  readonly #queue: (() => void)[] = [];
  readonly #running = new Set<ServerCall>();
  #queueHead = 0;
  #draining = false;
  #idle: (() => void)[] = [];
  #refusedAt = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#maxConcurrent = options.maxConcurrent ?? 1_000;
    this.#maxQueued = options.maxQueued ?? 100_000;
    this.#log = options.log ?? SILENT;
  }

  /** Interfaces by name. */
  get interfaces(): ReadonlyMap<string, ExposedInterface> {
    return this.#interfaces;
  }

  /** Calls that run or wait. */
  get pending(): number {
    return this.#running.size + this.#queue.length - this.#queueHead;
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
      throw rpcError("CONFIGURATION", `The interface ${exposed.name} is provided twice by this host`);
    }
    this.#interfaces.set(exposed.name, exposed);
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
  }

  /**
   * Serves one call and answers it through `respond`, now or later, exactly once.
   *
   * @param waitedMs - how long the message lay unread before it came here; its deadline has shrunk by that
   */
  dispatch(message: CallMessage, respond: (answer: AnswerMessage) => void, waitedMs = 0): void {
    const deadline = deadlineOf(message, waitedMs);
    if (this.#draining) {
      this.#refusedAt = performance.now();
      respond(bareFailure(message, rpcError("DRAINING", "The service is shutting down", { outcome: "not-executed" })));
    } else if (this.#running.size < this.#maxConcurrent) {
      this.#serve(message, deadline, respond);
    } else if (this.#queue.length - this.#queueHead < this.#maxQueued) {
      this.#queue.push(() => {
        this.#serve(message, deadline, respond);
      });
    } else {
      respond(
        bareFailure(
          message,
          rpcError("OVERLOADED", `The service has ${this.#maxQueued} calls waiting and takes no more now`, {
            outcome: "not-executed",
          }),
        ),
      );
    }
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

  #serve(message: CallMessage, deadlineAt: number, respond: (answer: AnswerMessage) => void): void {
    let call: ServerCall | undefined;
    try {
      const exposed = this.#interfaces.get(message.interface);
      if (!exposed) throw unknownInterface(message.interface, this.#interfaces.keys());
      call = new ServerCall({
        interface: message.interface,
        method: message.method,
        args: message.args,
        session: exposed.stateful ? this.#options.sessions.attach(message.sessionId) : undefined,
        extensions: message.extensions ?? {},
        attachment: message.attachment,
        deadlineAt,
        authenticate: this.#options.authenticate,
      });
      if (deadlineAt !== Infinity && performance.now() >= deadlineAt) {
        throw rpcError("TIMEOUT", "The deadline passed before the method was begun", { outcome: "not-executed" });
      }
      const method = exposed.methods.get(message.method);
      if (!method) throw unknownMethod(message, exposed);
      this.#running.add(call);
      const result = this.#run(call, exposed, method);
      if (result instanceof Promise) {
        this.#finishLater(message, call, result, respond);
        return;
      }
      this.#succeed(message, call, result, respond);
    } catch (error) {
      this.#fail(message, call, error, respond);
    }
  }

  #finishLater(
    message: CallMessage,
    call: ServerCall,
    result: Promise<unknown>,
    respond: (answer: AnswerMessage) => void,
  ): void {
    result.then(
      (value) => {
        this.#succeed(message, call, value, respond);
      },
      (error: unknown) => {
        this.#fail(message, call, error, respond);
      },
    );
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
    if (!this.#options.authenticate) throw denied("This host cannot authenticate anybody: it has no authenticator");
    if ((await call.authenticate()) === undefined) throw denied("Authentication required");
  }

  #succeed(message: CallMessage, call: ServerCall, value: unknown, respond: (answer: AnswerMessage) => void): void {
    const ready = isReply(value) ? value : undefined;
    const answer: AnswerMessage = {
      kind: "result",
      id: message.id,
      result: ready ? ready.result : value,
      sessionId: call.session?.id,
      extensions: call.responseExtensions,
      attachment: ready?.attachment,
    };
    try {
      respond(answer);
    } catch (error) {
      // The result cannot travel: too large, or not of the wire's kind. The caller is told, instead of waiting.
      this.#log.error(`${label(message)}: ${(error as Error).message}`);
      const code = RpcError.isRpcError(error) && error.code === "TOO_LARGE" ? "TOO_LARGE" : "UNKNOWN";
      respond(bareFailure(message, rpcError(code, (error as Error).message, { number: 1 }), call));
    }
    this.#finished(call);
  }

  #fail(
    message: CallMessage,
    call: ServerCall | undefined,
    error: unknown,
    respond: (answer: AnswerMessage) => void,
  ): void {
    let told = error;
    if (!RpcError.isRpcError(error)) {
      // A method that minds its signal fails when that fires; the reason for that is the better news.
      if (call?.abortReason !== undefined) told = call.abortReason;
      else this.#log.error(`${label(message)} failed: ${logged(error)}`);
    }
    try {
      respond({ ...bareFailure(message, told, call), extensions: call?.responseExtensions });
    } catch (unsendable) {
      this.#log.error(`${label(message)}: ${(unsendable as Error).message}`);
      respond(bareFailure(message, told, call));
    }
    if (call) this.#finished(call);
  }

  #finished(call: ServerCall): void {
    call.finished();
    this.#running.delete(call);
    while (this.#running.size < this.#maxConcurrent && this.#queueHead < this.#queue.length) {
      const next = this.#queue[this.#queueHead];
      this.#queueHead++;
      next?.();
    }
    if (this.#queueHead > 0 && this.#queueHead === this.#queue.length) {
      this.#queue.length = 0;
      this.#queueHead = 0;
    }
    if (this.#draining && this.pending === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** The answer that tells of an error, without extensions; codes that make no sense to a caller elsewhere become `UNKNOWN`. */
function bareFailure(message: CallMessage, error: unknown, call?: ServerCall): ErrorMessage {
  const known = RpcError.isRpcError(error) ? error : undefined;
  return {
    kind: "error",
    id: message.id,
    code: known && !LOCAL_CODES.has(known.code) ? known.code : "UNKNOWN",
    number: known?.number ?? 1,
    outcome: call?.started ? "executed" : "not-executed",
    tellOutcome: message.timing !== undefined,
    remote: { message: known ? known.message : HIDDEN },
    sessionId: call?.session?.id,
  };
}

const LOCAL_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "PROTOCOL",
  "CONFIGURATION",
  "CLOSED",
  "REFERENCE_LOST",
]);

/** The caller's deadline on this process's clock; `Infinity` when it did not say. */
function deadlineOf(message: CallMessage, waitedMs: number): number {
  const timeoutMs = message.timing?.timeoutMs ?? Infinity;
  return Number.isFinite(timeoutMs) ? performance.now() + timeoutMs - waitedMs : Infinity;
}

function unknownInterface(name: string, known: Iterable<string>): RpcError {
  return rpcError("BAD_REQUEST", `${UNSUPPORTED_INTERFACE}${name}${didYouMean(name, known)}`, {
    outcome: "not-executed",
  });
}

function unknownMethod(message: CallMessage, exposed: ExposedInterface): RpcError {
  const hint = didYouMean(message.method, exposed.methods.keys());
  return rpcError("METHOD_NOT_FOUND", `Method '${message.method}' not found in interface ${exposed.name}${hint}`, {
    outcome: "not-executed",
  });
}

function denied(message: string): RpcError {
  return rpcError("ACCESS_DENIED", message, { outcome: "not-executed" });
}

function label(message: CallMessage): string {
  return `${message.interface}.${message.method}`;
}

function logged(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? error.message)
    : `something that is no Error was thrown: ${String(error)}`;
}

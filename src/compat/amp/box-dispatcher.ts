import { RpcError, rpcError } from "../../errors.js";
import { type PendingCall, PendingCalls } from "../../peer/pending-calls.js";
import { PromiseCall } from "../../peer/promise-call.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import {
  type AmpDialect,
  type Box,
  boxOf,
  Code,
  decodeMessage,
  type FailureMessage,
  MalformedBoxError,
  numberOf,
  tagOf,
} from "../../wire/amp/index.js";
import type { ErrorMessage } from "../../wire/message.js";
import { toldCode } from "../../wire/told.js";
import { BoxCallee, type BoxCalleeOptions } from "./box-callee.js";
import type { BoxReceiver, BoxSender } from "./box-connection.js";
import { boxBytes } from "./box-size.js";
import { ProtocolSwitchedError } from "./errors.js";
import { OverdueTags } from "./overdue-tags.js";
import { WaitingCalls } from "./waiting-calls.js";

/** Options of {@link BoxDispatcher}. */
export interface BoxDispatcherOptions extends BoxCalleeOptions {
  /** The other end, for errors and logs. */
  readonly label: string;
  /** Keeps the deadlines; default one of its own, on `performance.now()`. */
  readonly wheel?: DeadlineWheel | undefined;
  /** Requests of this end that may wait for an answer at the same time; default 100,000. One more is refused with `OVERLOADED`. */
  readonly maxInFlight?: number | undefined;
  /**
   * The other end is about to close the connection, as peers of Twisted do after an error that they have not foreseen. Called before
   * whoever asked hears of that error.
   */
  readonly onEnding?: (() => void) | undefined;
}

/** How a request goes. */
export interface AskOptions {
  /** When it fails with `TIMEOUT`, in milliseconds of the wheel's clock, such as `performance.now() + 5_000`; `Infinity`: never. */
  readonly deadlineAt: number;
  /** Is an answer wanted? Default true. */
  readonly requiresAnswer?: boolean | undefined;
  /** Ends it with `CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
  /** Is what comes behind its answer perhaps no box, so that nothing is read until {@link BoxSender.release}? Default false. */
  readonly isLast?: boolean | undefined;
}

/**
 * Requests and answers over boxes, both ways (docs/amp-wire.md, sections 2 and 4): tags, what waits for answers, what runs for the
 * other end. Twisted: `BoxDispatcher`.
 */
export class BoxDispatcher implements BoxReceiver {
  readonly #options: BoxDispatcherOptions;
  readonly #dialect: AmpDialect;
  readonly #wheel: DeadlineWheel;
  readonly #pending: PendingCalls;
  readonly #overdue = new OverdueTags();
  readonly #callee: BoxCallee;
  /** What calls know of the connection. */
  readonly #place: { readonly address: string; now(): number };
  #sender: BoxSender | undefined;
  #stopped: RpcError | undefined;
  /** Requests that wait; absent: none have to. */
  #kept: WaitingCalls | undefined;
  /** The request after whose answer no more is to be read. */
  #last: number | undefined;

  /** Makes one; it can be used as soon as its sender is there. */
  constructor(options: BoxDispatcherOptions) {
    this.#options = options;
    this.#dialect = options.dialect ?? "twisted";
    this.#callee = new BoxCallee(options);
    const { label, wheel = new DeadlineWheel() } = options;
    this.#wheel = wheel;
    this.#place = { address: label, now: () => wheel.now() };
    this.#pending = new PendingCalls(wheel, ({ id }) => {
      this.#overdue.add(id);
    });
  }

  /** Requests of this end that wait for an answer. */
  get pending(): number {
    return this.#pending.size + (this.#kept?.size ?? 0);
  }

  /** Octets of their values, as far as those who sent them have counted. */
  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  /** Number of requests made so far. */
  get asked(): number {
    return this.#pending.lastId;
  }

  /** Requests of the other end that run. */
  get running(): number {
    return this.#callee.running;
  }

  /** Takes no more requests: they are answered with the code `DRAINING`. Settles when those that run are answered. */
  drain(): Promise<void> {
    return this.#callee.drain();
  }

  startReceivingBoxes(sender: BoxSender): void {
    this.#sender = sender;
    this.#callee.start(sender);
  }

  stopReceivingBoxes(reason: RpcError): void {
    if (this.#stopped) return;
    this.#stopped = reason;
    this.#kept?.giveUpAll(reason);
    const isOurs = reason.code === "CLOSED" && !(reason instanceof ProtocolSwitchedError);
    this.#pending.giveUpAll(isOurs ? "closed" : "lost", reason);
    this.#callee.stop(reason);
  }

  /**
   * Asks for a command by its name, with values as they travel. Twisted: `callRemoteString`.
   *
   * @returns the values of the answer; `undefined` when none is wanted
   * @throws RpcError with outcome; one that the other end has told has the code of the wire as `remote.name`
   */
  ask(command: string, values: Box, options: AskOptions): Promise<Box | undefined> {
    return new Promise((resolve, reject) => {
      this.askFor(command, values, options, resolve, reject);
    });
  }

  /**
   * As {@link BoxDispatcher.ask}, for whoever makes something else of the answer, and so the only promise of it.
   *
   * @param answered - gets the values of the answer; must not throw
   * @param failed - gets what `ask` throws
   */
  askFor(
    method: string,
    values: Box,
    options: AskOptions,
    answered: (values: Box | undefined) => void,
    failed: (error: RpcError) => void,
  ): void {
    const { deadlineAt, signal } = options;
    const call = new PromiseCall(
      this.#place,
      { interface: "", method, args: values, deadlineAt, signal },
      ({ result }) => {
        answered(result as Box | undefined);
      },
      failed,
    );
    this.send(call, values, options);
  }

  boxReceived(box: Box): void {
    const message = decodeMessage(box, this.#dialect);
    if (message.kind === "ask") {
      this.#callee.serve(message);
      return;
    }
    if (message.kind === "error" && this.#dialect === "twisted" && isEnding(message)) this.#options.onEnding?.();
    const id = numberOf(message.tag);
    if (id !== undefined) {
      if (id === this.#last) this.#sender?.hold();
      const answer: Parameters<PendingCalls["settle"]>[1] =
        message.kind === "answer" ? { kind: "result", id, result: message.values } : refusalOf(id, message);
      if (this.#pending.settle(id, answer) || this.#overdue.take(id)) return;
    }
    throw new MalformedBoxError(
      "unknown-tag",
      `There is an answer to ${JSON.stringify(message.tag)}, which was not asked`,
    );
  }

  /**
   * Sends a request, and tells it what becomes of it: exactly once, maybe before this returns. Never throws.
   *
   * @param call - its `answered` gets a box as result
   */
  send(
    call: PendingCall,
    values: Box,
    { requiresAnswer = true, isLast = false }: Omit<AskOptions, "deadlineAt"> = {},
  ): void {
    const { label, maxInFlight = 100_000 } = this.#options;
    const { method } = call;
    const where = { method, service: label };
    if (this.#stopped || !this.#sender) {
      const reason = this.#stopped ?? rpcError("UNAVAILABLE", `${label} is not connected yet`);
      if (reason instanceof ProtocolSwitchedError) call.failed(reason);
      else call.failed(rpcError(reason.code, `${method} was not sent: ${reason.message}`, { ...where, cause: reason }));
    } else if (call.signal?.aborted) {
      const cause: unknown = call.signal.reason;
      call.failed(rpcError("CANCELLED", `${method} was cancelled before it was sent`, { ...where, cause }));
    } else if (this.pending >= maxInFlight) {
      const text = `${maxInFlight} requests wait for answers of ${label} already (option maxInFlight)`;
      call.failed(rpcError("OVERLOADED", text, where));
    } else if (this.#kept) {
      this.#keep(this.#kept, call, values, { requiresAnswer, isLast });
    } else {
      call.id = this.#pending.nextId();
      const tag = requiresAnswer ? tagOf(call.id) : undefined;
      try {
        this.#sender.sendBox(boxOf({ kind: "ask", tag, command: method, values }, this.#dialect));
      } catch (error) {
        call.failed(RpcError.from(error, "BAD_REQUEST", { ...where, outcome: "not-sent" }));
        return;
      }
      if (isLast) this.#last = call.id;
      // A connection whose other end does not read breaks by what is written to it.
      if (this.#hasStopped()) call.givenUp("lost", this.#stopped);
      else if (requiresAnswer) this.#pending.add(call);
      else call.answered({ kind: "result", id: call.id, result: undefined });
    }
  }

  /** Sends no more requests, until {@link BoxDispatcher.sendKept}: they wait. */
  keepBack(): void {
    this.#kept ??= new WaitingCalls(this.#options.label, this.#wheel);
  }

  /** Sends the requests that wait, and lets no more wait. */
  sendKept(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    kept?.sendAll();
  }

  /** Sends none of the requests that wait: they fail with this, `not-sent`. */
  dropKept(reason: RpcError): void {
    const kept = this.#kept;
    this.#kept = undefined;
    kept?.giveUpAll(reason);
  }

  #keep(
    kept: WaitingCalls,
    call: PendingCall,
    values: Box,
    options: { readonly requiresAnswer: boolean; readonly isLast: boolean },
  ): void {
    const { method } = call;
    const bytes = boxBytes(values);
    if (kept.bytes + bytes > MAX_KEPT_BYTES) {
      const text = `${kept.bytes} octets wait until the connection to ${this.#options.label} is encrypted`;
      call.failed(rpcError("OVERLOADED", text, { method, service: this.#options.label }));
      return;
    }
    kept.add(call, bytes, () => {
      this.send(call, values, options);
    });
  }

  #hasStopped(): boolean {
    return this.#stopped !== undefined;
  }
}

/** Hosts of this package, which say what became of a request, keep their connections. */
function isEnding({ code, outcome }: FailureMessage): boolean {
  return code === Code.unknown && outcome === undefined;
}

/** What the other end has told of a request that failed. */
function refusalOf(id: number, { code, description, outcome }: FailureMessage): ErrorMessage {
  const isUnknown = code === Code.unhandled;
  const known = outcome && !isUnknown ? toldCode(code) : undefined;
  if (outcome && known) {
    const { number } = rpcError(known, description);
    return { kind: "error", id, code: known, number, outcome, remote: { name: code, message: description } };
  }
  return {
    kind: "error",
    id,
    code: isUnknown ? "METHOD_NOT_FOUND" : "UNKNOWN",
    number: isUnknown ? 2 : 1,
    outcome: isUnknown ? "not-executed" : (outcome ?? "executed"),
    remote: { name: code, message: description },
  };
}

/** Octets of requests that may wait until the connection is another one. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

import { RpcError, rpcError } from "../../errors.js";
import { type PendingCall, PendingCalls } from "../../peer/pending-calls.js";
import { PromiseCall } from "../../peer/promise-call.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import { LinkedList } from "../../util/linked-list.js";
import { type Logger, SILENT } from "../../util/log.js";
import { isThenable } from "../../util/thenable.js";
import { thrownText } from "../../util/thrown-text.js";
import {
  type AmpDialect,
  type AskMessage,
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
import type { BoxReceiver, BoxSender } from "./box-connection.js";
import { boxBytes } from "./box-size.js";
import type { TakeOver } from "./command-types.js";
import { BadLocalReturnError, ProtocolSwitchedError } from "./errors.js";
import { type AmpFailure, failureOf } from "./failure-of.js";
import { type BoxResponder, locate, type ResponderLocator } from "./locator.js";
import { OverdueTags } from "./overdue-tags.js";
import type { AmpPeer } from "./peer.js";
import { RunningAsk } from "./running-ask.js";
import { WaitingCalls } from "./waiting-calls.js";

/** Options of {@link BoxDispatcher}. */
export interface BoxDispatcherOptions {
  /** What the other end may ask for. */
  readonly locator: ResponderLocator;
  /** What responders know the other end by, to ask it something themselves. */
  readonly peer: AmpPeer;
  /** The other end, for errors and logs. */
  readonly label: string;
  /** Keeps the deadlines; default one of its own, on `performance.now()`. */
  readonly wheel?: DeadlineWheel | undefined;
  /** Of the peer; default `twisted`. */
  readonly dialect?: AmpDialect | undefined;
  /** Requests of this end that may wait for an answer at the same time; default 100,000. One more is refused with `OVERLOADED`. */
  readonly maxInFlight?: number | undefined;
  /** Requests of the other end that run at the same time; default 10,000. One more is answered with the code `OVERLOADED`. */
  readonly maxRunning?: number | undefined;
  /**
   * Why the connection cannot go on as another one now, for a command that switches and was asked for: it ends with this then.
   * Absent, or `undefined`: it can.
   */
  readonly objection?: ((command: string) => RpcError | undefined) | undefined;
  /** A command that switches was answered: the connection is no AMP any more. */
  readonly onSwitched: (takeOver: TakeOver, command: string) => void;
  /** Told of errors that the other end sees only as a fixed text; default nothing. */
  readonly log?: Logger | undefined;
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
  readonly #running = new LinkedList<RunningAsk>();
  /** What calls know of the connection. */
  readonly #place: { readonly address: string; now(): number };
  #sender: BoxSender | undefined;
  #stopped: RpcError | undefined;
  #isDraining = false;
  readonly #onIdle: (() => void)[] = [];
  /** Requests that wait; absent: none have to. */
  #kept: WaitingCalls | undefined;
  /** The request after whose answer no more is to be read. */
  #last: number | undefined;

  /** Makes one; it can be used as soon as its sender is there. */
  constructor(options: BoxDispatcherOptions) {
    this.#options = options;
    this.#dialect = options.dialect ?? "twisted";
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
    return this.#running.size;
  }

  /** Takes no more requests: they are answered with the code `DRAINING`. Settles when those that run are answered. */
  drain(): Promise<void> {
    this.#isDraining = true;
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#ended();
    });
  }

  startReceivingBoxes(sender: BoxSender): void {
    this.#sender = sender;
  }

  stopReceivingBoxes(reason: RpcError): void {
    if (this.#stopped) return;
    this.#stopped = reason;
    this.#kept?.giveUpAll(reason);
    const isOurs = reason.code === "CLOSED" && !(reason instanceof ProtocolSwitchedError);
    this.#pending.giveUpAll(isOurs ? "closed" : "lost", reason);
    for (const running of [...this.#running]) {
      this.#isOver(running);
      running.abort(reason);
    }
    this.#ended();
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
      this.#serve(message);
      return;
    }
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

  #serve(ask: AskMessage): void {
    const { locator, peer, maxRunning = 10_000 } = this.#options;
    const responder = locate(locator, ask.command);
    if (!responder) {
      this.#fail(ask, { code: Code.unhandled, description: `Unhandled Command: ${ask.command}`, isFatal: false });
      return;
    }
    if (ask.tag === undefined && (this.#isDraining || this.#running.size >= maxRunning)) {
      // Its caller has nothing to lose by it, and those whose calls run have the connection.
      (this.#options.log ?? SILENT).debug(`${ask.command} is dropped: too much runs already, or the server closes`);
      return;
    }
    if (this.#isDraining) {
      const description = "The server closes; nothing was run";
      this.#fail(ask, { code: "DRAINING", description, isFatal: false, outcome: "not-executed" });
      return;
    }
    if (this.#running.size >= maxRunning) {
      const description = `${maxRunning} requests of this connection run already`;
      this.#fail(ask, { code: "OVERLOADED", description, isFatal: false, outcome: "not-executed" });
      return;
    }
    const objection = responder.command?.switches ? this.#objection(ask) : undefined;
    if (objection) {
      this.#sender?.end(objection);
      return;
    }
    const running = new RunningAsk(ask, responder, peer, this.#dialect);
    this.#running.add(running);
    // What comes behind it is perhaps no box.
    if (responder.command?.switches) this.#sender?.hold();
    let answer: ReturnType<BoxResponder["respond"]>;
    try {
      answer = responder.respond(ask.values, running);
    } catch (error) {
      this.#failed(running, error);
      return;
    }
    if (isThenable(answer)) {
      Promise.resolve(answer).then(
        (value) => {
          this.#answer(running, value);
        },
        (error: unknown) => {
          this.#failed(running, error);
        },
      );
    } else this.#answer(running, answer);
  }

  #objection({ command, tag }: AskMessage): RpcError | undefined {
    if (tag !== undefined) return this.#options.objection?.(command);
    return rpcError("PROTOCOL", `${command} switches the connection, and its caller wants no answer to know when`);
  }

  #answer(running: RunningAsk, answer: Box | TakeOver): void {
    // The connection has ended meanwhile: what it answers is nobody's.
    if (!this.#isOver(running)) return;
    const { ask, responder } = running;
    const values = typeof answer === "function" ? NOTHING : answer;
    try {
      if (ask.tag !== undefined) {
        this.#sender?.sendBox(boxOf({ kind: "answer", tag: ask.tag, values }, this.#dialect));
      }
    } catch (error) {
      // Where the connection ends, or is about to be something else, the answer is nobody's.
      if (this.#sender?.isOpen) {
        this.#tell(
          running,
          new BadLocalReturnError(`${ask.command} has an answer that cannot be sent`, { cause: error }),
        );
      }
      this.#ended();
      return;
    }
    this.#ended();
    if (typeof answer === "function") this.#options.onSwitched(answer, ask.command);
    else if (responder.command?.quits) {
      this.#sender?.end(rpcError("UNAVAILABLE", `The connection ends with the answer to ${ask.command}`));
    }
  }

  #failed(running: RunningAsk, error: unknown): void {
    if (!this.#isOver(running)) return;
    this.#tell(running, error);
    this.#ended();
  }

  /** It runs no more; `false` where that was so before. */
  #isOver(running: RunningAsk): boolean {
    if (running.isOver) return false;
    running.isOver = true;
    this.#running.delete(running);
    return true;
  }

  #ended(): void {
    if (this.#isDraining && this.#running.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #tell({ ask, responder }: FailedAsk, error: unknown): void {
    const failure = failureOf(responder.command, error, this.#dialect);
    if (!failure.isDeclared) (this.#options.log ?? SILENT).error(`${ask.command} failed: ${thrownText(error)}`);
    // Of an answer that is too long Twisted's peers are told nothing at all.
    const isUntold = isTooLong(error) && this.#dialect === "twisted";
    this.#fail(isUntold ? { ...ask, tag: undefined } : ask, failure);
    if (responder.command?.switches) this.#sender?.release();
  }

  /** Without a tag there is nobody to tell: the connection ends instead. */
  #fail({ tag, command }: AskMessage, { code, description, isFatal, outcome }: Omit<AmpFailure, "isDeclared">): void {
    if (!this.#sender?.isOpen) return;
    if (tag !== undefined) {
      try {
        this.#sender.sendBox(boxOf({ kind: "error", tag, code, description, outcome }, this.#dialect));
      } catch (error) {
        // A tag of its own making that the dialect does not have: there is no answer to it.
        this.#sender.end(RpcError.from(error, "PROTOCOL"));
        return;
      }
      if (!isFatal) return;
    }
    this.#sender.end(
      rpcError("UNAVAILABLE", `${command} failed (${code}), after which the connection ends: ${description}`),
    );
  }
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

/** A request that failed, also where nobody could say what answers it. */
interface FailedAsk {
  readonly ask: AskMessage;
  readonly responder: Pick<BoxResponder, "command">;
}

/** Is it that an answer does not fit into its box? Never throws, whatever was thrown. */
function isTooLong(error: unknown): boolean {
  try {
    return error instanceof BadLocalReturnError && (error.cause as Partial<RpcError> | undefined)?.code === "TOO_LARGE";
  } catch {
    return false;
  }
}

const NOTHING: Box = new Map();
/** Octets of requests that may wait until the connection is another one. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

import { RpcError, rpcError } from "../../errors.js";
import { LinkedList } from "../../util/linked-list.js";
import { type Logger, SILENT } from "../../util/log.js";
import { isThenable } from "../../util/thenable.js";
import { thrownText } from "../../util/thrown-text.js";
import { type AmpDialect, type AskMessage, type Box, boxOf, Code } from "../../wire/amp/index.js";
import type { BoxSender } from "./box-connection.js";
import { boxBytes } from "./box-size.js";
import type { TakeOver } from "./command-types.js";
import { BadLocalReturnError } from "./errors.js";
import { type AmpFailure, failureOf } from "./failure-of.js";
import { type BoxResponder, locate, type ResponderLocator } from "./locator.js";
import type { AmpPeer } from "./peer.js";
import { RunningAsk } from "./running-ask.js";

/** What answering requests takes. */
export interface BoxCalleeOptions {
  /** What the other end may ask for. */
  readonly locator: ResponderLocator;
  /** What responders know the other end by, to ask it something themselves. */
  readonly peer: AmpPeer;
  /** Of the peer; default `twisted`. */
  readonly dialect?: AmpDialect | undefined;
  /** Requests of the other end that run at the same time; default 10,000. One more is answered with the code `OVERLOADED`. */
  readonly maxRunning?: number | undefined;
  /** Octets of their boxes together; default 256 MiB. Beyond it, one more is answered with the code `OVERLOADED`. */
  readonly maxRunningBytes?: number | undefined;
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

/** The half of a connection that answers: what runs for the other end, and what becomes of it (docs/amp-wire.md, section 4). */
export class BoxCallee {
  readonly #options: BoxCalleeOptions;
  readonly #dialect: AmpDialect;
  readonly #running = new LinkedList<RunningAsk>();
  readonly #onIdle: (() => void)[] = [];
  #sender: BoxSender | undefined;
  #isDraining = false;
  /** Octets of requests that run, as far as they were not answered at once. */
  #runningBytes = 0;

  /** Makes one; it can be used as soon as its sender is there. */
  constructor(options: BoxCalleeOptions) {
    this.#options = options;
    this.#dialect = options.dialect ?? "twisted";
  }

  /** Requests that run. */
  get running(): number {
    return this.#running.size;
  }

  /** Says where answers go. */
  start(sender: BoxSender): void {
    this.#sender = sender;
  }

  /** The connection is gone, and nobody waits for what runs. */
  stop(reason: RpcError): void {
    for (const running of [...this.#running]) {
      this.#isOver(running);
      running.abort(reason);
    }
    this.#ended();
  }

  /** See `drain` of BoxDispatcher. */
  drain(): Promise<void> {
    this.#isDraining = true;
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#ended();
    });
  }

  /** Serves a request of the other end. Never throws. */
  serve(ask: AskMessage): void {
    const { locator, peer } = this.#options;
    const responder = locate(locator, ask.command);
    if (!responder) {
      this.#fail(ask, { code: Code.unhandled, description: `Unhandled Command: ${ask.command}`, isFatal: false });
      return;
    }
    const refusal = this.#refusal();
    if (refusal) {
      // Who wants no answer has nothing to lose by it, and those whose calls run have the connection.
      if (ask.tag === undefined)
        (this.#options.log ?? SILENT).debug(`${ask.command} is dropped: ${refusal.description}`);
      else this.#fail(ask, refusal);
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
      running.bytes = boxBytes(ask.values);
      this.#runningBytes += running.bytes;
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

  /** Why no request can be served now; `undefined`: it can. */
  #refusal(): Omit<AmpFailure, "isDeclared"> | undefined {
    const { maxRunning = 10_000, maxRunningBytes = MAX_RUNNING_BYTES } = this.#options;
    if (this.#isDraining) return refused("DRAINING", "the server closes");
    if (this.#running.size >= maxRunning) return refused("OVERLOADED", `${maxRunning} requests of this connection run`);
    if (this.#runningBytes < maxRunningBytes) return undefined;
    return refused("OVERLOADED", `requests of ${this.#runningBytes} octets run that came over this connection`);
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
    this.#runningBytes -= running.bytes;
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

/** Nothing was run, and the connection goes on. */
function refused(code: string, why: string): Omit<AmpFailure, "isDeclared"> {
  return { code, description: `Nothing was run: ${why}`, isFatal: false, outcome: "not-executed" };
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
const MAX_RUNNING_BYTES = 256 * 1024 * 1024;

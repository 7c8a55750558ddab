import { rpcError } from "../errors.js";
import type { Logger } from "../util/log.js";
import { stalls } from "../util/stalls.js";
import type { AnswerMessage, CallMessage, EarlierTry, Frames } from "../wire/message.js";
import type { Wire } from "../wire/wire.js";
import type { AnswerWindow } from "./answers/answer-window.js";
import type { AnsweredConnection } from "./answers/answered-connection.js";
import type { NamedExecution, NamedWaiter } from "./answers/named-execution.js";
import { TimelyAnswer } from "./answers/timely-answer.js";
import type { CallOrigin } from "./call-origin.js";
import type { Dispatcher } from "./dispatcher.js";
import type { ExposedInterface } from "./exposed/exposed-interface.js";
import { errorAnswer, expired, lostReferenceAnswer } from "./failures.js";
import { KeptResults, type WaitingCalls } from "./kept-results.js";
import { Lateness } from "./lateness.js";
import { OneWay } from "./one-way.js";
import type { Referrals } from "./referrals.js";
import type { IncomingStream } from "./streams/remote-stream.js";
import { discardSources } from "./streams/source.js";

/** What {@link IncomingCalls} needs of its end of the connection. */
export interface IncomingCallsOptions {
  /** What the other end may call. */
  readonly dispatcher: Dispatcher;
  /** What was answered before; absent: nothing is kept, as at the end of a client. */
  readonly answers: AnswerWindow | undefined;
  /** Turns messages into frames. */
  readonly wire: Wire;
  /** This run of this process. */
  readonly incarnation: string;
  /** Streams and references of the connection. */
  readonly referrals: Referrals | undefined;
  /** Ends the connection at once. */
  readonly breakOff: () => void;
  /** Is it gone? */
  readonly isLost: () => boolean;
  /** Told of answers that are not sent. */
  readonly log: Logger;
}

/** The calls that come over one connection: served, kept apart, answered once, and given up when the caller is. */
export class IncomingCalls implements NamedWaiter {
  readonly end: CallOrigin;
  readonly #options: IncomingCallsOptions;
  readonly #lateness = new Lateness();
  /** How long callers can wait for an answer; `undefined`: as long as they like. */
  readonly #latestAnswerMs: number | undefined;
  /** Streams that came with calls which are being served, by the call's number. */
  readonly #streams = new Map<CallMessage["id"], readonly IncomingStream[]>();
  /** Results of the batch that is being read, where others of it call them. */
  #kept: KeptResults | undefined;
  /** Calls that wait for the results of others. */
  readonly #waiting: WaitingCalls = new Set();
  /** What is kept of the answers; once the other end has given the connection a name. */
  #answered: AnsweredConnection | undefined;
  #hasAnswered = false;
  /** Calls whose answers stand in the message that will be sent next, and are kept under the names that their callers gave them. */
  #named: NamedExecution[] = [];

  /** @param end - where answers go */
  constructor(end: CallOrigin, options: IncomingCallsOptions) {
    this.end = end;
    this.#options = options;
    this.#latestAnswerMs = options.wire.abilities?.latestAnswerMs;
    if (this.#latestAnswerMs !== undefined) stalls.start();
  }

  /**
   * The other end has given the connection a name.
   *
   * @returns whether it is a new one, as it has to be
   */
  named(name: string): boolean {
    const { answers, wire, breakOff } = this.#options;
    if (!answers) return true;
    this.#answered ??= answers.open(name, wire, this.end.connection, breakOff);
    return this.#answered !== undefined;
  }

  /**
   * Serves a call.
   *
   * @param isKept - do other calls of its batch go on from results?
   */
  serve(message: CallMessage, receivedAt: number, isKept: boolean): void {
    const { dispatcher, referrals } = this.#options;
    if (this.#answered && typeof message.id === "number") {
      this.#answered.lastCall = Math.max(this.#answered.lastCall, message.id);
    }
    const streams = referrals?.takeAccepted() ?? NO_STREAMS;
    if (streams.length > 0) this.#streams.set(message.id, streams);
    let target: ExposedInterface | undefined;
    if (message.reference !== undefined) {
      target = referrals?.exports.get(message.reference)?.exposed;
      if (!target) {
        this.end.respond(lostReferenceAnswer(message));
        return;
      }
    }
    const waitedMs = this.#lateness.of(receivedAt, message.sentAt);
    const arrivedAt = receivedAt - waitedMs;
    if (message.isOneWay) {
      const onAnswer = streams.length > 0 ? this.endUnusedStreams : undefined;
      dispatcher.dispatch(message, new OneWay(this.end, onAnswer), arrivedAt, target);
    } else if (message.again) {
      const { again } = message;
      this.#serveAgain(message, again.isFirst ? again : { ...again, ageMs: again.ageMs + waitedMs }, arrivedAt);
    } else if (message.timeoutMs !== undefined && waitedMs >= message.timeoutMs)
      dispatcher.refuse(message, this.end, expired(), target);
    else if (this.#latestAnswerMs !== undefined) this.#serveInTime(message, receivedAt, this.#latestAnswerMs);
    else if (isKept) this.#serveKept(message, arrivedAt, target);
    else dispatcher.dispatch(message, this.end, arrivedAt, target);
  }

  /** A message was read to its end. */
  batchRead(): void {
    this.#kept = undefined;
  }

  /** The other end gives a call up. */
  cancel(id: CallMessage["id"]): void {
    const { dispatcher, answers } = this.#options;
    const reason = rpcError("CANCELLED", "The caller has given the call up", { outcome: "executed" });
    this.#waiting.delete(id);
    dispatcher.cancel(this.end.connection, id, reason);
    answers?.cancel(this.end.connection, id, reason);
  }

  /** A method may go on reading the streams of its arguments while its own last; called when both are over. */
  readonly endUnusedStreams = (id: CallMessage["id"]): void => {
    for (const stream of this.#streams.get(id) ?? NO_STREAMS) if (!stream.isUsed) stream.stop();
    this.#streams.delete(id);
  };

  /** Have streams come with calls that are being served? */
  get hasStreams(): boolean {
    return this.#streams.size > 0;
  }

  /** An answer stands in the message that will be sent next. */
  answered(): void {
    this.#hasAnswered = true;
  }

  /** What answers are written in. */
  get wire(): Wire {
    return this.#options.wire;
  }

  /** Is the connection gone? */
  get isLost(): boolean {
    return this.#options.isLost();
  }

  noteAnswer(execution: NamedExecution): void {
    this.#named.push(execution);
  }

  dropAnswer(execution: NamedExecution): void {
    this.#named = this.#named.filter((noted) => noted !== execution);
  }

  /** A message is about to be sent. */
  sending(number: number, frames: Frames): void {
    if (!this.#hasAnswered) return;
    this.#hasAnswered = false;
    if (this.#named.length > 0) {
      const named = this.#named;
      this.#named = [];
      this.#options.answers?.named.keep(named, frames, this.wire);
    }
    if (this.#answered) this.#options.answers?.keep(this.#answered, number, frames);
  }

  /** The other end has read so many messages. */
  acknowledged(count: number): void {
    if (this.#answered?.oldest) this.#options.answers?.acknowledged(this.#answered, count);
  }

  /** A call was carried out, and the connection is gone. */
  late(answer: AnswerMessage): void {
    if (this.#answered) this.#options.answers?.late(this.#answered, answer);
    if (answer.kind === "result") discardSources(answer.result);
  }

  /**
   * The connection is gone.
   *
   * @param isLeft - the other end has said so: it will not come back for answers
   */
  lost(isLeft: boolean): void {
    this.#streams.clear();
    this.#waiting.clear();
    if (this.#latestAnswerMs !== undefined) stalls.stop();
    const { answers, dispatcher } = this.#options;
    // They will not leave any more; what is kept of them has to be counted.
    for (const execution of this.#named.splice(0)) {
      const { leaving } = execution;
      execution.leaving = undefined;
      if (leaving) answers?.named.keepLate(execution, leaving);
    }
    if (this.#answered && isLeft) answers?.left(this.#answered);
    else if (this.#answered) answers?.lost(this.#answered);
    else {
      const reason = rpcError("CANCELLED", "The caller is gone", { outcome: "executed" });
      dispatcher.abandon(this.end.connection, reason);
    }
  }

  /** The caller breaks at an answer that comes too late. */
  #serveInTime(message: CallMessage, receivedAt: number, latestMs: number): void {
    const { dispatcher, log } = this.#options;
    const arrivedAt = Math.min(receivedAt, performance.now() - stalls.waitedMs);
    const origin = new TimelyAnswer(this.end, message, { arrivedAt, latestMs }, (text) => {
      log.warn(text);
    });
    if (performance.now() >= arrivedAt + latestMs) dispatcher.refuse(message, origin, expired());
    else {
      dispatcher.dispatch(message, origin, arrivedAt);
      origin.watch();
    }
  }

  /** Some calls of this batch go on from the results of others. */
  #serveKept(message: CallMessage, arrivedAt: number, target: ExposedInterface | undefined): void {
    const { dispatcher } = this.#options;
    this.#kept ??= new KeptResults(this.end, this.#waiting);
    if (message.promised !== undefined) this.#kept.serve(message, dispatcher, arrivedAt);
    else dispatcher.dispatch(message, this.#kept.originOf(message), arrivedAt, target);
  }

  /** Does the journal that knows the call belong to this host? */
  #isJournaled({ interface: name, method }: CallMessage, { journal }: EarlierTry): boolean {
    const exposed = this.#options.dispatcher.interfaces.get(name);
    const isOnce = exposed?.methods.get(method)?.contract.once === true;
    return isOnce && journal !== undefined && exposed.contract.host?.journal === journal;
  }

  /** A call that was tried before is carried out only where it is sure that it was not, or does no harm. */
  #serveAgain(message: CallMessage, again: EarlierTry, arrivedAt: number): void {
    const { answers, incarnation, wire } = this.#options;
    const { end } = this;
    const { id } = message;
    if (again.isFirst && answers) {
      this.#begin(message, answers.named.begin(again, this, id), arrivedAt);
      return;
    }
    const named = again.taken !== undefined || answers?.named.knows(again) === true ? answers?.named : undefined;
    const repetition =
      (named ? named.repeat(again, incarnation, this, id) : answers?.repeat(again, incarnation, end, id, wire)) ??
      "elsewhere";
    if (repetition === "served") return;
    if (repetition === "new" || again.idempotent || this.#isJournaled(message, again)) {
      const origin = named ? named.adopt(again, this, id) : answers?.adopt(again, end, id, wire);
      this.#begin(message, origin ?? end, arrivedAt);
      return;
    }
    const text =
      repetition === "forgotten"
        ? "The service has no record left of the first try. It may have been executed"
        : "The service that got the first try was started anew, or is another one. It may have been executed";
    end.respond({ ...errorAnswer(rpcError("UNAVAILABLE", text), "unknown"), id });
  }

  /** @param origin - where the answer goes; `undefined` for a name that stands for another call */
  #begin(message: CallMessage, origin: CallOrigin | undefined, arrivedAt: number): void {
    const { dispatcher } = this.#options;
    if (!origin) {
      const text = "The name of the call was used before, or is older than those that are remembered";
      dispatcher.refuse(message, this.end, rpcError("UNAVAILABLE", text, { outcome: "not-executed" }));
    } else if (performance.now() - arrivedAt >= (message.timeoutMs ?? Infinity)) {
      dispatcher.refuse(message, origin, expired());
    } else dispatcher.dispatch(message, origin, arrivedAt);
  }
}

const NO_STREAMS: readonly IncomingStream[] = [];

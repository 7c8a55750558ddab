import { LinkedList } from "../../util/linked-list.js";
import { type AnswerMessage, type CallId, type EarlierTry, type Frames, sizeOf } from "../../wire/message.js";
import type { FoundAnswer, Wire } from "../../wire/wire.js";
import type { CallOrigin } from "../call-origin.js";
import { encodeAnswer, lostAnswer } from "./encode-answer.js";
import { NamedCaller } from "./named-caller.js";
import { NamedAnswers, NamedExecution, type NamedExecutions, type NamedWaiter } from "./named-execution.js";
import type { Repetition } from "./repetition.js";

/** Options of {@link NamedCalls}. */
export interface NamedCallsOptions {
  /** Bytes of answers together. */
  readonly maxBytes: number;
  /** How long a caller is remembered at least of whom nothing is heard, in milliseconds. */
  readonly maxAgeMs: number;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
}

/**
 * Calls that their callers have named (docs/lamp-wire.md, section 7): those that are being carried out, and the answers to those that
 * were, until their caller says that it will not ask for them, or room is needed.
 *
 * What is forgotten of one caller says nothing of the others; only whose NAME itself is forgotten is not known from one that was never
 * heard.
 */
export class NamedCalls implements NamedExecutions {
  readonly #options: NamedCallsOptions;
  readonly #byName = new Map<string, NamedCaller>();
  /** The one that was looked at last stands first. */
  readonly #callers = new LinkedList<NamedCaller>();
  /** Whose call came last: the next one is most likely the same one's. */
  #last: NamedCaller | undefined;
  readonly #running = new LinkedList<NamedExecution>();
  /** In the order in which they were answered. */
  readonly #answered = new LinkedList<NamedExecution>();
  /** The answers that were read last: who asks, asks for several. */
  #read: { readonly message: NamedAnswers; readonly answers: ReadonlyMap<CallId, FoundAnswer> } | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #bytes = 0;
  #forgottenBefore = -Infinity;

  constructor(options: NamedCallsOptions) {
    this.#options = options;
  }

  /** Bytes of the answers that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Answers that are kept. */
  get size(): number {
    return this.#answered.size;
  }

  /** Calls that were sent before this, in milliseconds of the clock, may have been forgotten with their callers. */
  get forgottenBefore(): number {
    return this.#forgottenBefore;
  }

  /** Is the caller of that name known? */
  knows({ call }: EarlierTry): boolean {
    return this.#byName.has(nameOf(call));
  }

  /**
   * A call comes for the first time.
   *
   * @returns where its answer goes; `undefined` when its name was used before, or may have been
   */
  begin(again: EarlierTry, waiter: NamedWaiter, id: CallId): CallOrigin | undefined {
    const caller = this.#callerOf(again);
    const number = numberOf(again, caller);
    const isUsed = number <= caller.forgotten || caller.calls.get(number) !== undefined;
    if (again.taken !== undefined) this.#take(caller, again.taken);
    if (isUsed) return undefined;
    return this.#run(caller, number, { waiter, id, isAsked: false });
  }

  /**
   * It is asked what became of a call.
   *
   * @param incarnation - the run of this host
   */
  repeat(again: EarlierTry, incarnation: string, waiter: NamedWaiter, id: CallId): Repetition {
    const caller = this.#find(again.call);
    if (caller) {
      if (again.taken !== undefined) this.#take(caller, again.taken);
      const execution = caller.calls.get(numberOf(again, caller));
      if (execution) return this.#serve(execution, again, waiter, id);
    }
    if (again.incarnation !== incarnation) return "elsewhere";
    if (caller) return numberOf(again, caller) <= caller.forgotten ? "forgotten" : "new";
    return this.#options.now() - again.ageMs - UNREAD_MS <= this.#forgottenBefore ? "forgotten" : "new";
  }

  /**
   * A call that was asked for is carried out here.
   *
   * @returns where its answer goes
   */
  adopt(again: EarlierTry, waiter: NamedWaiter, id: CallId): CallOrigin {
    const caller = this.#callerOf(again);
    const number = numberOf(again, caller);
    const refused = caller.calls.get(number);
    if (refused) this.#release(refused);
    return this.#run(caller, number, { waiter, id, isAsked: true });
  }

  /** Calls that are being carried out and whose callers wait at a connection. */
  *awaitedAt(end: object, id: CallId): Iterable<NamedExecution> {
    for (const execution of this.#running) {
      if (execution.id === id && execution.waiter?.end.connection === end) yield execution;
    }
  }

  /** A message with answers to calls is about to be sent. */
  keep(executions: readonly NamedExecution[], frames: Frames, wire: Wire): void {
    const { maxBytes } = this.#options;
    const bytes = sizeOf(frames);
    // What is large for the sake of other answers must not cost these.
    const large = bytes > maxBytes / 4 ? readAll(frames, wire) : undefined;
    const message = large ? undefined : new NamedAnswers(ownFrames(frames), bytes);
    for (const execution of executions) {
      const { id } = execution;
      execution.leaving = undefined;
      execution.waiter = undefined;
      if (execution.state !== "answered" || execution.message) continue;
      if (message) this.#hold(execution, message, id);
      else {
        const found = large?.get(id);
        if (found && !found.isBound) this.#encode(execution, found.answer, wire);
      }
    }
    this.#makeRoom();
  }

  ended(execution: NamedExecution, answer: AnswerMessage): boolean {
    const { caller, number } = execution;
    if (execution.state === "gone") return false;
    if (execution.state === "running") {
      this.#running.delete(execution);
      caller.running--;
      caller.isActive = true;
      this.#answered.add(execution);
      execution.state = "answered";
    }
    const isRefused = answer.kind === "error" && answer.outcome === "not-executed";
    if (number <= caller.taken || (isRefused && !execution.isAsked)) {
      this.#release(execution);
      return false;
    }
    execution.isRefused = isRefused;
    this.#makeRoom();
    return !isRefused;
  }

  keepLate(execution: NamedExecution, answer: AnswerMessage): void {
    const { waiter } = execution;
    execution.waiter = undefined;
    if (waiter && execution.state === "answered") this.#encode(execution, answer, waiter.wire);
    this.#makeRoom();
  }

  /** Forgets everything. */
  clear(): void {
    clearTimeout(this.#sweeper);
    this.#sweeper = undefined;
    for (const execution of this.#running) execution.state = "gone";
    for (const caller of this.#callers) this.#drop(caller);
    this.#read = undefined;
  }

  #callerOf({ call }: EarlierTry): NamedCaller {
    const known = this.#find(call);
    if (known) return known;
    const caller = new NamedCaller(nameOf(call));
    caller.touchedAt = this.#options.now();
    this.#byName.set(caller.name, caller);
    this.#callers.add(caller);
    if (this.#callers.size > MAX_CALLERS) this.#forget(Infinity, 1);
    this.#sweep();
    return caller;
  }

  /** Who has named a call so, if known. */
  #find(call: string): NamedCaller | undefined {
    const last = this.#last;
    const isLast = last !== undefined && call.startsWith(last.name) && call[last.name.length] === ":";
    const caller = isLast ? last : this.#byName.get(nameOf(call));
    if (!caller) return undefined;
    this.#last = caller;
    caller.isActive = true;
    return caller;
  }

  #run(
    caller: NamedCaller,
    number: number,
    where: { readonly waiter: NamedWaiter; readonly id: CallId; readonly isAsked: boolean },
  ): NamedExecution {
    const execution = new NamedExecution(this, caller, number, where);
    caller.calls.add(execution);
    caller.running++;
    this.#running.add(execution);
    this.#settle(caller, number - MAX_NUMBERS);
    return execution;
  }

  #serve(execution: NamedExecution, { idempotent }: EarlierTry, waiter: NamedWaiter, id: CallId): Repetition {
    if (execution.state === "running") {
      execution.goesTo(waiter, id);
      return "served";
    }
    if (execution.isRefused) return "new";
    const found = this.#answerTo(execution, waiter.wire);
    // What could not be kept may be made again.
    if (!found && idempotent) return "new";
    waiter.end.respond({ ...(found ?? lostAnswer()), id });
    return "served";
  }

  /** The answer to a call that was carried out; `undefined` when it cannot be given again. */
  #answerTo(execution: NamedExecution, wire: Wire): AnswerMessage | undefined {
    if (!execution.message && execution.leaving) this.#encode(execution, execution.leaving, wire);
    const { message } = execution;
    if (!message) return undefined;
    if (this.#read?.message !== message) this.#read = { message, answers: readAll(message.frames, wire) };
    const found = this.#read.answers.get(execution.keptId);
    return found?.isBound ? undefined : found?.answer;
  }

  #encode(execution: NamedExecution, answer: AnswerMessage, wire: Wire): void {
    const { frames, isLost } = encodeAnswer(wire, answer, this.#options.maxBytes / 4);
    if (!isLost) this.#hold(execution, new NamedAnswers(ownFrames(frames), sizeOf(frames)), 0);
  }

  #hold(execution: NamedExecution, message: NamedAnswers, id: CallId): void {
    if (message.count === 0) this.#bytes += message.bytes;
    message.count++;
    execution.message = message;
    execution.keptId = id;
  }

  /** Nobody will ask for calls up to this number. */
  #take(caller: NamedCaller, taken: number): void {
    if (taken <= caller.taken) return;
    caller.taken = taken;
    this.#settle(caller, taken);
  }

  /** Lets the answers of a caller up to this number go. */
  #settle(caller: NamedCaller, number: number): void {
    const { calls, forgotten } = caller;
    if (number <= forgotten) return;
    caller.forgotten = number;
    if (number - forgotten <= calls.size + 16) {
      for (let each = forgotten + 1; each <= number; each++) this.#releaseAnswered(calls.get(each));
    } else {
      for (const execution of calls.values()) if (execution.number <= number) this.#releaseAnswered(execution);
    }
  }

  #releaseAnswered(execution: NamedExecution | undefined): void {
    if (execution?.state === "answered") this.#release(execution);
  }

  /** Lets one that was answered go. */
  #release(execution: NamedExecution): void {
    const { message } = execution;
    execution.state = "gone";
    execution.caller.calls.delete(execution);
    this.#answered.delete(execution);
    if (!message) return;
    execution.message = undefined;
    message.count--;
    if (message.count > 0) return;
    this.#bytes -= message.bytes;
    if (this.#read?.message === message) this.#read = undefined;
  }

  #makeRoom(): void {
    while (this.#bytes > this.#options.maxBytes || this.#answered.size > MAX_ANSWERS) {
      const { oldest } = this.#answered;
      if (!oldest) return;
      const { caller, number } = oldest;
      this.#release(oldest);
      caller.forgotten = Math.max(caller.forgotten, number);
    }
  }

  /** Forgets callers that were looked at last before a time, but for those of which something was heard, or whose calls are being carried out. */
  #forget(before: number, count: number): void {
    let left = Math.min(count, this.#callers.size);
    for (let looks = 0; left > 0 && looks < MAX_LOOKS + count; looks++) {
      const { oldest } = this.#callers;
      if (!oldest || oldest.touchedAt > before) return;
      if (oldest.running > 0 || oldest.isActive) {
        oldest.touchedAt = this.#options.now();
        oldest.isActive = false;
        this.#callers.delete(oldest);
        this.#callers.add(oldest);
      } else {
        this.#forgottenBefore = Math.max(this.#forgottenBefore, oldest.touchedAt);
        this.#drop(oldest);
        left--;
      }
    }
  }

  #drop(caller: NamedCaller): void {
    for (const execution of caller.calls.values()) this.#releaseAnswered(execution);
    this.#callers.delete(caller);
    this.#byName.delete(caller.name);
    if (this.#last === caller) this.#last = undefined;
  }

  #sweep(): void {
    this.#sweeper ??= setTimeout(() => {
      this.#sweeper = undefined;
      this.#forget(this.#options.now() - this.#options.maxAgeMs, Infinity);
      if (this.#callers.size > 0) this.#sweep();
    }, this.#options.maxAgeMs / 4).unref();
  }
}

/** How long a message may lie unread, say while this process is stopped, so that calls seem younger than they are. */
const UNREAD_MS = 30_000;
/** Callers that are remembered, give or take a few: those that were active since they were looked at last have another chance. */
const MAX_CALLERS = 10_000;
/** So many of them whose calls are being carried out are passed over in a row, when room is needed. */
const MAX_LOOKS = 16;
/** Answers that are kept. */
const MAX_ANSWERS = 100_000;
/** So far back they are kept of one caller: one of which nothing is ever taken must not cost the others theirs. */
const MAX_NUMBERS = 16_384;

function nameOf(call: string): string {
  return call.slice(0, call.lastIndexOf(":"));
}

function numberOf({ call }: EarlierTry, { name }: NamedCaller): number {
  return Number(call.slice(name.length + 1));
}

function readAll(frames: Frames, wire: Wire): ReadonlyMap<CallId, FoundAnswer> {
  const answers = new Map<CallId, FoundAnswer>();
  for (const found of wire.readAnswers?.(frames) ?? []) answers.set(found.answer.id, found);
  return answers;
}

/** A short message is a part of a large buffer, which is not to be kept for its sake. */
function ownFrames([head, ...others]: Frames): Frames {
  return head ? [Uint8Array.prototype.slice.call(head), ...others] : [];
}

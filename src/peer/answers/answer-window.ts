import { rpcError } from "../../errors.js";
import { LinkedList } from "../../util/linked-list.js";
import { type AnswerMessage, type CallId, type EarlierTry, type Frames, sizeOf } from "../../wire/message.js";
import type { Wire } from "../../wire/wire.js";
import type { CallOrigin } from "../call-origin.js";
import { AnsweredConnection, type KeptMessage } from "./answered-connection.js";
import { lostAnswer } from "./encode-answer.js";
import { NamedCalls } from "./named-calls.js";
import { RepeatedCalls } from "./repeated-calls.js";
import type { Repetition } from "./repetition.js";

/** How much of its answers a host keeps, in case that they did not arrive. */
export interface AnswerWindowOptions {
  /**
   * Bytes of messages together; default 16 MiB. What finds no room is not known any more when it is asked for; a message
   * above a quarter of it is never kept.
   */
  readonly maxBytes?: number | undefined;
  /** How long after the connection broke, in milliseconds; default 60,000. */
  readonly maxAgeMs?: number | undefined;
  /** How long calls go on whose connection broke, until they are cancelled, in milliseconds; default 3,000. */
  readonly graceMs?: number | undefined;
  /**
   * How long calls that their callers have named, as workflows do, are known after the last one of that caller, in milliseconds; default an
   * hour. Their answers have as many bytes as the others, of their own.
   */
  readonly maxNamedAgeMs?: number | undefined;
}

/** The calls that a host is carrying out. */
export interface RunningCalls {
  /** Is a call that came over a connection being carried out, or waiting for it? */
  holds(connection: object, id: CallId): boolean;
  /** Its caller has given it up. */
  cancel(connection: object, id: CallId, reason: Error): void;
  /** The same for all calls of a connection, but for some. */
  abandon(connection: object, reason: Error, isAwaited?: (id: CallId) => boolean): void;
}

/**
 * The answers that a host has sent and whose arrival nobody has confirmed, over all its connections: a call that is tried
 * again after its connection broke is answered from here, and not executed a second time (docs/lamp-wire.md, section 7).
 *
 * What is kept are the messages as they were sent, until the other end says that it has read them. So it costs the common
 * case one small object per message, and no copy.
 */
export class AnswerWindow {
  /** Calls that are not known by their connection. */
  readonly named: NamedCalls;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  readonly #graceMs: number;
  readonly #calls: RunningCalls;
  readonly #now: () => number;
  readonly #messages = new LinkedList<KeptMessage>();
  readonly #open = new Map<string, AnsweredConnection>();
  /** In the order in which they were lost. */
  readonly #lost = new Map<string, AnsweredConnection>();
  readonly #repeated: RepeatedCalls;
  readonly #timers = new Set<NodeJS.Timeout>();
  #sweeper: NodeJS.Timeout | undefined;
  #bytes = 0;
  /** Tries that were sent before this may have been forgotten. */
  #forgottenBefore = -Infinity;

  /**
   * @param calls - what is being carried out
   * @param now - milliseconds of a steady clock
   */
  constructor(calls: RunningCalls, options: AnswerWindowOptions = {}, now: () => number = () => performance.now()) {
    this.#calls = calls;
    this.#maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    this.#maxAgeMs = options.maxAgeMs ?? 60_000;
    this.#graceMs = options.graceMs ?? 3_000;
    this.#now = now;
    this.named = new NamedCalls({
      maxBytes: this.#maxBytes,
      maxAgeMs: options.maxNamedAgeMs ?? 3_600_000,
      now,
    });
    this.#repeated = new RepeatedCalls(this.#maxBytes, now, ({ touchedAt, connectionName }) => {
      this.#forgottenBefore = Math.max(this.#forgottenBefore, touchedAt);
      // It must not be taken for new, as it might be by its number on its first connection.
      const connection = this.#lost.get(connectionName);
      if (connection) this.#forget(connection);
    });
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes + this.#repeated.bytes + this.named.bytes;
  }

  /**
   * A connection has introduced itself.
   *
   * @param end - stands for it at the dispatcher
   * @param breakOff - ends it at once, when its calls are tried again elsewhere
   * @returns `undefined` when there is, or was, another one of that name: it is not to be trusted
   */
  open(name: string, wire: Wire, end: object, breakOff: () => void): AnsweredConnection | undefined {
    if (this.#open.has(name) || this.#lost.has(name)) return undefined;
    const connection = new AnsweredConnection(name, wire, end, breakOff);
    this.#open.set(name, connection);
    return connection;
  }

  /** A message with answers is about to be sent, as the connection's message of that number. */
  keep(connection: AnsweredConnection, number: number, frames: Frames): void {
    const bytes = sizeOf(frames);
    if (bytes > this.#maxBytes / 4) return;
    this.#messages.add(connection.add(number, frames, bytes));
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) this.#makeRoom();
  }

  /** The other end has read its first `count` messages. */
  acknowledged(connection: AnsweredConnection, count: number): void {
    for (let message = connection.oldest; message && connection.isRead(message, count); message = connection.oldest) {
      this.#drop(connection, message);
    }
  }

  /** The connection ended in good order: nobody will ask for its answers, or waits for others. */
  left(connection: AnsweredConnection): void {
    this.#close(connection);
    this.#empty(connection);
    this.#abandon(connection);
  }

  /** The connection broke. Who called may come back, and so its calls go on for a moment. */
  lost(connection: AnsweredConnection): void {
    this.#close(connection);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#abandon(connection);
    }, this.#graceMs).unref();
    this.#timers.add(timer);
  }

  /** A call has been carried out whose connection is gone. */
  late(connection: AnsweredConnection, answer: AnswerMessage): void {
    const call = connection.callOf(answer.id);
    const { name, end, wire } = connection;
    const asked = this.#repeated.running(call);
    if (asked) asked.respond(answer);
    else if (this.#lost.has(name)) this.#repeated.add(call, answer.id, end, wire).respond(answer);
  }

  /**
   * A call that was tried before came over another connection.
   *
   * @param incarnation - the run of this host
   * @param origin - where its caller waits now
   * @param id - its number there
   */
  repeat(again: EarlierTry, incarnation: string, origin: CallOrigin, id: CallId, wire: Wire): Repetition {
    if (this.#repeated.serve(again, origin, id, wire)) return "served";
    if (again.incarnation !== incarnation) return "elsewhere";
    const connection = this.#find(again, wire);
    if (!connection) return "forgotten";
    const number = Number(again.call.slice(connection.name.length + 1));
    if (number > connection.lastCall) return "new";
    const { end } = connection;
    if (end && this.#calls.holds(end, number)) {
      this.#repeated.add(again.call, number, end, wire).goesTo(origin, id);
      return "served";
    }
    const found = connection.find(number);
    if (!found) return "forgotten";
    if (found.isBound && again.idempotent) return "new";
    origin.respond({ ...(found.isBound ? lostAnswer() : found.answer), id });
    return "served";
  }

  /**
   * A call that was tried before is carried out here, for it is new, or it does no harm.
   *
   * @returns where its answer goes
   */
  adopt(again: EarlierTry, origin: CallOrigin, id: CallId, wire: Wire): CallOrigin {
    const repeated = this.#repeated.add(again.call, id, undefined, wire);
    repeated.goesTo(origin, id);
    return repeated;
  }

  /** Who has tried a call again gives it up. */
  cancel(end: object, id: CallId, reason: Error): void {
    for (const { running } of this.#repeated.awaitedAt(end, id))
      this.#calls.cancel(running.connection, running.id, reason);
    for (const execution of this.named.awaitedAt(end, id)) this.#calls.cancel(execution, execution.runningId, reason);
  }

  /** Forgets everything. */
  close(): void {
    clearTimeout(this.#sweeper);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const connections of [this.#open, this.#lost]) {
      for (const connection of connections.values()) this.#empty(connection);
      connections.clear();
    }
    this.#repeated.clear();
    this.named.clear();
  }

  /** The connection of an earlier try, which has ended by now; `undefined` when it may have been forgotten. */
  #find({ call, ageMs }: EarlierTry, wire: Wire): AnsweredConnection | undefined {
    const name = call.slice(0, call.lastIndexOf(":"));
    // What is still on its way there must not be carried out any more: its caller has given that try up.
    this.#open.get(name)?.breakOff?.();
    const known = this.#lost.get(name);
    if (known) return known;
    const forgottenBefore = Math.max(this.#forgottenBefore, this.named.forgottenBefore);
    if (this.#now() - ageMs - UNREAD_MS <= forgottenBefore) return undefined;
    const never = new AnsweredConnection(name, wire, undefined);
    never.lostAt = this.#now();
    this.#lost.set(name, never);
    this.#expire();
    return never;
  }

  /** Its name stays known, so that nothing that came over it is taken for new. */
  #close(connection: AnsweredConnection): void {
    this.#open.delete(connection.name);
    connection.breakOff = undefined;
    connection.lostAt = this.#now();
    this.#lost.set(connection.name, connection);
    this.#expire();
  }

  /** Nobody waits for what runs for a connection, but for calls that were tried again elsewhere. */
  #abandon(connection: AnsweredConnection): void {
    const { end } = connection;
    if (!end) return;
    const reason = rpcError("CANCELLED", "The caller is gone", { outcome: "executed" });
    this.#calls.abandon(end, reason, (id) => this.#repeated.running(connection.callOf(id)) !== undefined);
    for (const { running } of this.#repeated.awaitedAt(end)) this.#calls.cancel(running.connection, running.id, reason);
  }

  #expire(): void {
    const before = this.#now() - this.#maxAgeMs;
    for (const connection of this.#lost.values()) {
      if ((connection.lostAt ?? 0) > before && this.#lost.size <= MAX_LOST) break;
      this.#forget(connection);
    }
    this.#repeated.expire(before);
    if (this.#lost.size + this.#repeated.size === 0) return;
    this.#sweeper ??= setTimeout(() => {
      this.#sweeper = undefined;
      this.#expire();
    }, this.#maxAgeMs).unref();
  }

  #makeRoom(): void {
    const oldest = this.#messages.oldest;
    if (!oldest) return;
    // Of a connection that is lost all is known, or nothing.
    if (oldest.connection.lostAt === undefined) this.#drop(oldest.connection, oldest);
    else this.#forget(oldest.connection);
  }

  #forget(connection: AnsweredConnection): void {
    this.#empty(connection);
    this.#lost.delete(connection.name);
    this.#forgottenBefore = Math.max(this.#forgottenBefore, connection.lostAt ?? this.#now());
  }

  #empty(connection: AnsweredConnection): void {
    for (let message = connection.oldest; message; message = connection.oldest) this.#drop(connection, message);
  }

  /** Takes out what is the connection's oldest message; the oldest of all is that, too. */
  #drop(connection: AnsweredConnection, message: KeptMessage): void {
    connection.shift();
    this.#messages.delete(message);
    this.#bytes -= message.bytes;
  }
}

/** How long a message may lie unread, say while this process is stopped, so that calls seem younger than they are. */
const UNREAD_MS = 30_000;
/** Broken connections that are remembered. */
const MAX_LOST = 10_000;

import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { rpcError } from "../errors.js";
import type { Caller } from "../security/caller.js";
import type { PeerIdentity } from "../transport/index.js";
import { brand, brandOf, hasBrand, shared } from "../util/shared.js";
import { MAX_TIMER_MS } from "../util/timers.js";
import type { CallId, EarlierTry, ErrorMessage, Extensions } from "../wire/message.js";
import type { CallOrigin } from "./call-origin.js";
import type { JournalDatabase } from "./once/call-journal.js";
import { AUTH_EXTENSION } from "./record.js";
import type { Dynamic, Remote } from "./remote.js";
import type { Session } from "./sessions.js";
import type { MethodCalls } from "./stats/method-calls.js";

/**
 * The call that a method is serving: {@link currentCall}. PyCOM: `Request` (docs/pycom-wire.md, section 10.2).
 */
export class ServerCall {
  /** Dotted name of the interface. */
  readonly interface: string;
  /** Remote name of the method. */
  readonly method: string;
  /** The arguments as they came; prehooks may change them. */
  args: unknown;
  /** The session, for stateful interfaces; there before anything of the service runs. */
  session: Session | undefined;
  /** Members that came beside the call; prehooks may change them. */
  extensions: Extensions;
  /** Bytes that came beside the arguments; empty is not absent. Prehooks may change it. */
  attachment: Uint8Array | undefined;
  /** Members to answer with, also when the method fails. */
  readonly responseExtensions: Extensions = {};
  /** Who calls, where a policy or {@link ServerCall.authenticate} has established it. */
  caller: Caller | undefined;
  /**
   * When the caller gives up, in milliseconds of `performance.now()`; `Infinity` when it did not say, and for a method that
   * goes on after its answer, as a generator does.
   */
  deadlineAt: number;
  /** Has the method itself begun? Tells `executed` from `not-executed`. */
  started = false;
  /** Did the arguments come in order, as a list, instead of by name or as one value? @internal */
  readonly isPositional: boolean;
  /** Where it came from, for the dispatcher. @internal */
  readonly origin: CallOrigin;
  /** The caller's number of it. @internal */
  readonly id: CallId;
  /** Carries out {@link ServerCall.transaction}, for methods that are declared so. @internal */
  commit: (<T>(body: (database: JournalDatabase) => T) => T) | undefined = undefined;
  /** Where it is counted. @internal */
  counted: MethodCalls | undefined = undefined;
  /** When it arrived, in milliseconds of `performance.now()`; `undefined` for calls that are not timed. @internal */
  timedFrom: number | undefined = undefined;
  /** It is not under way any more, for those who count. @internal */
  onEnded: (() => void) | undefined = undefined;
  /** Told when the method has no more to do with the call: it was answered, and the streams of its answer are over. @internal */
  onOver: (() => void) | undefined = undefined;
  /** The dispatcher's. @internal */
  previous: this | undefined = undefined;
  /** The dispatcher's. @internal */
  next: this | undefined = undefined;
  readonly #authenticate: ((call: ServerCall) => Promise<Caller | undefined>) | undefined;
  #controller: AbortController | undefined;
  #abortReason: unknown;
  #outlives = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #again: EarlierTry | undefined;
  #randomId: string | undefined;
  #isTokenChecked = false;

  /** Made by the dispatcher. */
  constructor(init: ServerCallInit) {
    this.interface = init.interface;
    this.method = init.method;
    this.args = init.args;
    this.extensions = init.extensions;
    this.attachment = init.attachment;
    this.deadlineAt = init.deadlineAt;
    this.#authenticate = init.authenticate;
    this.isPositional = init.isPositional;
    this.origin = init.origin;
    this.caller = callerBehind(init.origin.identity);
    this.id = init.id;
    this.#again = init.again;
  }

  /**
   * Names the call: the same in all its tries, different for every other call in the world. A method that keeps it with
   * what it does recognises a repetition. Callers on PyCOM's wire give no such name; each of their tries has one of its own.
   */
  get callId(): string {
    const { connectionName } = this.origin;
    if (this.#again) return this.#again.call;
    if (connectionName !== undefined) return `${connectionName}:${String(this.id)}`;
    this.#randomId ??= randomUUID();
    return this.#randomId;
  }

  /** How long ago it was sent first, in milliseconds; 0 for a first try. @internal */
  get ageMs(): number {
    return this.#again?.ageMs ?? 0;
  }

  /** Can its caller try it again, so that it is recognised? @internal */
  get isRepeatable(): boolean {
    return this.origin.connectionName !== undefined;
  }

  /**
   * Writes what a method does and what it answers into the host's journal, both or neither: for methods declared
   * `once: "transaction"`, which call it once. Their answer is what `body` returns.
   *
   * ```ts
   * return currentCall().transaction((database) => {
   *   database.prepare("INSERT INTO orders (item) VALUES (?)").run(item);
   *   return "ordered";
   * });
   * ```
   *
   * @param body - changes tables of the journal's database, without waiting for anything; what it throws undoes it
   * @throws RpcError with code `CONFIGURATION` in other methods
   */
  transaction<T>(body: (database: JournalDatabase) => T): T {
    if (this.commit) return this.commit(body);
    throw rpcError("CONFIGURATION", `${this.interface}.${this.method} is not declared with once: "transaction"`);
  }

  /** Id of the session, for stateful interfaces. */
  get sessionId(): string | undefined {
    return this.session?.id;
  }

  /** Milliseconds until the caller gives up; `Infinity` when it did not say, 0 when it has. */
  get remainingMs(): number {
    return Math.max(0, this.deadlineAt - performance.now());
  }

  /** Fires when the answer has become pointless: the deadline has passed, the caller is gone, or the host closes. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
      else if (this.deadlineAt !== Infinity) {
        this.#timer = setTimeout(
          () => {
            this.abort(rpcError("TIMEOUT", "The caller's deadline has passed", { outcome: "executed" }));
          },
          Math.min(this.remainingMs, MAX_TIMER_MS),
        );
      }
    }
    return this.#controller.signal;
  }

  /**
   * Establishes the caller from the token that came with the call, asking the authenticator if no policy has done so.
   * PyCOM: `request.context().user_info()`.
   *
   * @returns `undefined` when no token came
   * @throws AccessDeniedError when the authenticator rejects the token
   */
  async authenticate(): Promise<Caller | undefined> {
    if (this.#isTokenChecked) return this.caller;
    // Who shows a token wants to be known by that.
    const byToken = await this.#authenticate?.(this);
    this.#isTokenChecked = true;
    this.caller = byToken ?? this.caller;
    return this.caller;
  }

  /** Is there a token that could tell who calls, and was not looked at yet? @internal */
  get hasUncheckedToken(): boolean {
    return !this.#isTokenChecked && this.#authenticate !== undefined && this.extensions[AUTH_EXTENSION] !== undefined;
  }

  /** Id of the caller among the peers of the host, for `host.peer(id)`; `undefined` for calls inside of a process. */
  get peerId(): string | undefined {
    return this.origin.label;
  }

  /**
   * A proxy of what the caller itself exposes: `currentCall().peer.progress(50)` calls back on the same connection. Of
   * several interfaces the one that has the method is meant; {@link ServerCall.peerAs} names one.
   *
   * @throws RpcError with code `CONFIGURATION` when the caller cannot be called, for it speaks PyCOM's wire
   */
  get peer(): Remote<Dynamic> {
    return this.origin.peer();
  }

  /**
   * A proxy of one interface that the caller exposes.
   *
   * @throws as {@link ServerCall.peer}
   */
  peerAs<T>(interfaceName: string): Remote<T> {
    // The type parameter speaks for the other side, as everywhere.
    return this.origin.peer(interfaceName) as Remote<T>;
  }

  /** Why {@link ServerCall.signal} fired; `undefined` while it has not. @internal */
  get abortReason(): unknown {
    return this.#abortReason;
  }

  /** Makes {@link ServerCall.signal} fire. @internal */
  abort(reason: unknown): void {
    this.#abortReason ??= reason;
    this.#controller?.abort(reason);
    this.#stopTimer();
    this.over();
  }

  /** The answer is on its way and the method goes on, as a generator does: the deadline is met. @internal */
  outlive(): void {
    this.deadlineAt = Infinity;
    this.#outlives = true;
    this.#stopTimer();
  }

  /** The answer is on its way: nothing is left running for this call, but for what {@link ServerCall.outlive} told of. @internal */
  finished(): void {
    this.#stopTimer();
    if (!this.#outlives) this.over();
  }

  /**
   * It is being answered; counted once, whatever comes after.
   *
   * @param failure - the answer, if it is an error
   * @internal
   */
  countEnd(failure?: ErrorMessage): void {
    const { counted, timedFrom } = this;
    this.counted = undefined;
    if (failure) counted?.failed(failure);
    counted?.ended(timedFrom === undefined ? undefined : performance.now() - timedFrom);
  }

  /** Nothing at all is left of it. Idempotent. @internal */
  over(): void {
    const { onOver } = this;
    if (!onOver) return;
    this.onOver = undefined;
    onOver();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Whom the link has found at the other end. */
function callerBehind(identity: PeerIdentity | undefined): Caller | undefined {
  if (identity?.user === undefined) return undefined;
  return { name: identity.user, roles: [], proof: identity.mechanism === "curve" ? "key" : "password", info: {} };
}

/** What the dispatcher knows when it makes a {@link ServerCall}. */
export interface ServerCallInit {
  /** Dotted name of the interface. */
  readonly interface: string;
  /** Remote name of the method. */
  readonly method: string;
  /** The arguments as they came. */
  readonly args: unknown;
  /** Members that came beside the call. */
  readonly extensions: Extensions;
  /** Bytes that came beside the arguments. */
  readonly attachment: Uint8Array | undefined;
  /** In milliseconds of `performance.now()`. */
  readonly deadlineAt: number;
  /** Validates the token of a call. */
  readonly authenticate: ((call: ServerCall) => Promise<Caller | undefined>) | undefined;
  /** Did the arguments come in order? */
  readonly isPositional: boolean;
  /** Where it came from. */
  readonly origin: CallOrigin;
  /** The caller's number of it. */
  readonly id: CallId;
  /** What is known of earlier tries. */
  readonly again: EarlierTry | undefined;
}

const storage = shared("call", () => new AsyncLocalStorage<ServerCall>());

/**
 * Who calls had to be found out first, and meanwhile the caller may have lost interest.
 *
 * @throws RpcError with code `CANCELLED` or `TIMEOUT` when that is so
 * @internal
 */
export function requireWanted(call: ServerCall): void {
  const outcome = "not-executed";
  if (call.abortReason !== undefined) {
    throw rpcError("CANCELLED", "The caller gave the call up before it was begun", { outcome });
  }
  if (call.remainingMs === 0) {
    throw rpcError("TIMEOUT", "The deadline passed before the method was begun", { outcome });
  }
}

/** Runs `body` as part of serving `call`. @internal */
export function runInCall<T>(call: ServerCall, body: () => T): T {
  return storage.run(call, body);
}

/** Runs `body` as part of no call, for what several calls wait for. @internal */
export function outsideOfCalls<T>(body: () => T): T {
  return storage.exit(body);
}

/** The call being served, or `undefined` outside of one. @internal */
export function servingCall(): ServerCall | undefined {
  return storage.getStore();
}

/**
 * The call that the running method serves: session, attachment, extensions, caller, deadline, signal.
 *
 * @throws RpcError with code `CONFIGURATION` outside of a served call
 */
export function currentCall(): ServerCall {
  const call = storage.getStore();
  if (call) return call;
  throw rpcError("CONFIGURATION", "currentCall() was used outside of a method that serves a call");
}

/** A ready answer; made by {@link reply}. */
export class Reply {
  /** The result, shaped as the method declares. */
  readonly result: unknown;
  /** Bytes to send beside the result. */
  readonly attachment: Uint8Array | undefined;

  /** Use {@link reply}. */
  constructor(result: unknown, attachment: Uint8Array | undefined) {
    this.result = result;
    this.attachment = attachment;
  }
}

const MARK = brandOf("Reply");
brand(Reply.prototype, MARK);

/** Is this a ready answer? */
export function isReply(value: unknown): value is Reply {
  return hasBrand(value, MARK);
}

/**
 * What a method returns to answer with bytes beside its result, declared or not. PyCOM: `request.response(result,
 * attachment)`. An empty attachment is sent, an absent one is not.
 */
export function reply(result: unknown, options: { readonly attachment?: Uint8Array | undefined } = {}): Reply {
  return new Reply(result, options.attachment);
}

import type { Duplex } from "node:stream";
import { ConfigurationError, RpcError, refineError, rpcError } from "../../errors.js";
import { servingCall } from "../../peer/call-context.js";
import type { PendingCall } from "../../peer/pending-calls.js";
import type { StreamTls } from "../../transport/index.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import { type Logger, unfailing } from "../../util/log.js";
import { joinSignals } from "../../util/signals.js";
import { thrownText } from "../../util/thrown-text.js";
import { MAX_TIMER_MS } from "../../util/timers.js";
import { type AmpDialect, type Box, type BoxLimits, decodeFields, encodeFields } from "../../wire/amp/index.js";
import { BoxConnection, type BoxReceiver, type BoxSender } from "./box-connection.js";
import { type AskOptions, BoxDispatcher } from "./box-dispatcher.js";
import type { AmpCallOptions, CallParameters } from "./calls.js";
import { type Command, type CommandLike, commandOf } from "./command.js";
import type { CommandArguments, CommandResponse, TakeOver } from "./command-types.js";
import { errorOf } from "./error-of.js";
import { OnlyOneTlsError, ProtocolSwitchedError } from "./errors.js";
import { joinLocators } from "./locator.js";
import { requireMs, requireNumbers, requireSignal } from "./option-checks.js";
import type { AmpPeerInfo, AmpVerbs } from "./options.js";
import type { LocatorMaker } from "./responders.js";
import { START_TLS, startTlsResponder } from "./start-tls.js";

/** Options of {@link AmpEnd}. */
export interface AmpEndOptions {
  /** What the other end may ask for. */
  readonly locator: LocatorMaker;
  /** The other end, for errors and logs. */
  readonly label: string;
  /** Of the peer; default `twisted`. */
  readonly dialect?: AmpDialect | undefined;
  /** Milliseconds until calls fail that do not say themselves; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** How large boxes may be that come. */
  readonly limits?: Partial<BoxLimits> | undefined;
  /** See {@link BoxDispatcherOptions.maxInFlight}. */
  readonly maxInFlight?: number | undefined;
  /** See {@link BoxDispatcherOptions.maxRunning}. */
  readonly maxRunning?: number | undefined;
  /** What this end shows when the other one asks for TLS; `false`: it refuses. */
  readonly tls?: StreamTls | false | undefined;
  /** Keeps the deadlines; default one that all connections share. */
  readonly wheel?: DeadlineWheel | undefined;
  /** Told of the end, before anybody whose call waits hears of it. */
  readonly onClosed?: (() => void) | undefined;
  /** Told what happens. */
  readonly log: Logger;
}

/** One end of an AMP connection: calls commands there, and answers what is asked here. Twisted: `AMP`. */
export class AmpEnd implements AmpVerbs, AmpPeerInfo, BoxReceiver {
  /** Keeps the deadlines of connections that have none of their own; it runs while there are some. */
  static readonly #sharedWheel = new DeadlineWheel();
  /** Settles when the connection is there. */
  readonly opened: Promise<void>;
  /** Settles with the reason when the connection has ended. */
  readonly closed: Promise<RpcError>;
  readonly #options: AmpEndOptions;
  readonly #wheel: DeadlineWheel;
  readonly #connection: BoxConnection;
  readonly #dispatcher: BoxDispatcher;
  readonly #log: Logger;
  #settleOpened!: () => void;
  #settleClosed!: (reason: RpcError) => void;
  #hasTls = false;
  #isStopped = false;

  constructor(options: AmpEndOptions) {
    this.#options = options;
    this.#wheel = options.wheel ?? AmpEnd.#sharedWheel;
    requireNumbers(options);
    const { label, dialect, limits, maxInFlight, maxRunning, tls } = options;
    this.#log = unfailing(options.log);
    this.opened = new Promise((resolve) => {
      this.#settleOpened = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#connection = new BoxConnection(this, { dialect, limits });
    const own = startTlsResponder(() => {
      if (tls !== false && !this.#hasTls && !this.isSecure) return true;
      // Where both ends ask at the same time, each waits for the other's refusal.
      this.#connection.passNext();
      return false;
    });
    this.#dispatcher = new BoxDispatcher({
      locator: joinLocators(own, options.locator(this)),
      peer: this,
      label,
      wheel: this.#wheel,
      dialect,
      maxInFlight,
      maxRunning,
      log: this.#log,
      onSwitched: (takeOver, command) => {
        if (command === START_TLS.name) this.#secure();
        else this.#handOver(takeOver, command);
      },
    });
  }

  /** The other end, for people. */
  get label(): string {
    return this.#options.label;
  }

  /** Which boxes the other end can read. */
  get dialect(): AmpDialect {
    return this.#options.dialect ?? "twisted";
  }

  /** Where the other end is: its IP address, `""` on a unix socket. */
  get remoteAddress(): string {
    return this.#connection.peer?.remoteAddress ?? "";
  }

  /** The certificate that the other end has proven to hold, in DER; `undefined` for none. */
  get certificate(): Uint8Array | undefined {
    return this.#connection.peer?.certificate;
  }

  /** Is the connection encrypted? */
  get isSecure(): boolean {
    return this.#connection.isSecure;
  }

  /** Can calls be made? */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** Why it ended; `undefined` while it has not. */
  get closedReason(): RpcError | undefined {
    return this.#connection.closedReason;
  }

  /** Calls of this end that wait for an answer. */
  get pending(): number {
    return this.#dispatcher.pending;
  }

  /** Octets of their values, as far as whoever sent them has counted. */
  get pendingBytes(): number {
    return this.#dispatcher.pendingBytes;
  }

  /** Calls of the other end that run here. */
  get running(): number {
    return this.#dispatcher.running;
  }

  /** Number of calls made so far. */
  get asked(): number {
    return this.#dispatcher.asked;
  }

  /** The connection below, for whoever makes its stream. */
  get connection(): BoxConnection {
    return this.#connection;
  }

  startReceivingBoxes(sender: BoxSender): void {
    this.#dispatcher.startReceivingBoxes(sender);
    this.#settleOpened();
  }

  boxReceived(box: Box): void {
    this.#dispatcher.boxReceived(box);
  }

  stopReceivingBoxes(reason: RpcError): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#options.onClosed?.();
    this.#dispatcher.stopReceivingBoxes(reason);
    this.#settleClosed(reason);
  }

  callRemote<C extends CommandLike>(command: C, ...call: CallParameters<C>): Promise<CommandResponse<C>> {
    const [args, options] = call;
    // What the command's types make of a box is what its type parameters say.
    return this.call(commandOf(command), args ?? {}, options) as Promise<CommandResponse<C>>;
  }

  /** As {@link AmpEnd.callRemote}, for whoever does not know the command's types. */
  call(command: Command, args: object, options: AmpCallOptions = NO_OPTIONS): Promise<unknown> {
    return new Promise((resolve, reject: (error: Error) => void) => {
      if (command.switches) {
        throw new ConfigurationError(`${command.name} switches the connection: call it with switchProtocol()`);
      }
      this.#askFor(
        command,
        this.#encode(command, args),
        options,
        command.requiresAnswer ? ANSWERED : UNANSWERED,
        (box) => {
          try {
            resolve(box && this.#decode(command, box));
          } catch (error) {
            reject(error as Error);
          }
        },
        reject,
      );
    });
  }

  /**
   * Calls a command by its name, with values as they travel. Twisted: `callRemoteString`.
   *
   * @throws RemoteAmpError with the code, whatever it is, for what the other end has told
   */
  async callBox(name: string, values: Box, options: AmpCallOptions = NO_OPTIONS): Promise<Box> {
    const box = await this.#ask(name, values, options);
    return box ?? NOTHING;
  }

  /**
   * Goes on under TLS; calls that are made meanwhile wait for that. Twisted: `StartTLS`.
   *
   * @param tls - what this end shows, and by whom the other end has to be known; without `ca` it may be anybody
   * @throws OnlyOneTlsError, `not-sent`, when the connection is encrypted already, or about to be
   * @throws RpcError when the other end refuses, and the connection goes on; or when the handshake fails, and it has ended
   */
  async startTls(tls: StreamTls = {}, options: AmpCallOptions = {}): Promise<void> {
    if (this.#hasTls || this.isSecure) {
      throw new OnlyOneTlsError(`The connection to ${this.label} is encrypted already, or about to be`);
    }
    this.#requireUnlocked();
    const deadlineAt = this.#deadlineOf(options);
    this.#connection.prepareTls(tls);
    this.#hasTls = true;
    const asked = this.#ask(START_TLS, NOTHING, options, { isLast: true });
    this.#connection.keepBack();
    try {
      await asked;
    } catch (error) {
      this.#hasTls = false;
      this.#resume(error as RpcError);
      this.#connection.sendKept();
      throw error;
    }
    await this.#handshake(tls, deadlineAt);
  }

  /**
   * Calls a command that switches the connection to something else. From now on nothing can be called any more, unless it fails.
   *
   * @returns the connection, at the first octet that is not AMP; its new owner closes it
   * @throws ProtocolSwitchedError, `not-sent`, when that was done before
   * @throws what the command's errors are, and the connection goes on
   */
  async switchProtocol<C extends CommandLike>(
    command: C,
    args: CommandArguments<C>,
    options: AmpCallOptions = {},
  ): Promise<Duplex> {
    const known = commandOf(command);
    if (!known.switches)
      throw new ConfigurationError(`${known.name} does not switch the connection: call it with callRemote()`);
    this.#requireUnlocked();
    const asked = this.#ask(known, this.#encode(known, args), options, { isLast: true });
    const switched = this.#switchedBy(known.name);
    this.#connection.lock(switched);
    try {
      await asked;
    } catch (error) {
      this.#connection.lock(undefined);
      this.#resume(error as RpcError);
      throw error;
    }
    try {
      return this.#connection.detach(switched);
    } catch (error) {
      this.destroy(RpcError.from(error, "UNAVAILABLE"));
      throw refineError(error as RpcError, { method: known.name, service: this.label, outcome: "executed" });
    }
  }

  /** See {@link BoxDispatcher.send}. */
  send(call: PendingCall, values: Box, requiresAnswer: boolean): void {
    this.#dispatcher.send(call, values, { requiresAnswer });
  }

  /** See {@link BoxDispatcher.drain}. */
  drain(): Promise<void> {
    return this.#dispatcher.drain();
  }

  /** How it is doing. */
  get info(): AmpPeerInfo {
    return this;
  }

  /** Writes what is queued, then closes. Idempotent. */
  end(reason: RpcError): void {
    this.#connection.end(reason);
  }

  /** Closes at once. Idempotent. */
  destroy(reason: RpcError): void {
    this.#connection.destroy(reason);
  }

  /** Ends the connection, and waits for that; calls that wait fail with `unknown`. Idempotent. */
  async close(): Promise<void> {
    this.end(rpcError("CLOSED", `The connection to ${this.label} was closed here`));
    await this.closed;
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ask(
    command: Command | string,
    values: Box,
    options: AmpCallOptions,
    how: AskManner = ANSWERED,
  ): Promise<Box | undefined> {
    return new Promise((resolve, reject) => {
      this.#askFor(command, values, options, how, resolve, reject);
    });
  }

  /** Without a promise of its own: each one between a caller and the answer costs a tenth of the call. */
  #askFor(
    command: Command | string,
    values: Box,
    options: AmpCallOptions,
    how: AskManner,
    answered: (box: Box | undefined) => void,
    failed: (error: Error) => void,
  ): void {
    const known = typeof command === "string" ? undefined : command;
    const { requiresAnswer, isLast } = how;
    requireSignal(options.signal);
    const signal = joinSignals(servingCall()?.signal, options.signal);
    this.#dispatcher.askFor(
      known?.name ?? (command as string),
      values,
      { requiresAnswer, isLast, deadlineAt: this.#deadlineOf(options), signal },
      answered,
      (error) => {
        failed(this.#told(known, error));
      },
    );
  }

  /** What a call fails with: what the other end has told, in the words of the command. */
  #told(command: Command | undefined, error: RpcError): Error {
    const { remote, method = "" } = error;
    if (remote?.name === undefined) return error;
    const { code, outcome } = error;
    const failure = { kind: "error", tag: "", code: remote.name, description: remote.message, outcome } as const;
    return errorOf(command, failure, { method, service: this.label, code });
  }

  #switchedBy(command: string): ProtocolSwitchedError {
    return new ProtocolSwitchedError(`${command} has switched the connection to ${this.label}: it is no AMP any more`);
  }

  #deadlineOf({ timeoutMs }: AmpCallOptions): number {
    requireMs("timeoutMs", timeoutMs);
    const ownMs = timeoutMs ?? this.#options.timeoutMs ?? CALL_MS;
    return Math.min(this.#wheel.now() + ownMs, servingCall()?.deadlineAt ?? Infinity);
  }

  #encode(command: Command, args: object): Box {
    try {
      return encodeFields(command.arguments, args as never, { dialect: this.dialect, context: this });
    } catch (error) {
      throw refineError(error as RpcError, { method: command.name, service: this.label });
    }
  }

  #decode(command: Command, box: Box): unknown {
    try {
      return decodeFields(command.response, box, { root: "result", context: this });
    } catch (error) {
      throw refineError(error as RpcError, { method: command.name, service: this.label, outcome: "executed" });
    }
  }

  /** What was to be the last request was refused. When nobody knows what became of it, neither what the octets are that come. */
  #resume(error: RpcError): void {
    if (error.outcome === "unknown") this.destroy(error);
    // What was not sent has held nothing.
    if (error.outcome !== "not-sent") this.#connection.release();
  }

  #requireUnlocked(): void {
    const { locked } = this.#connection;
    if (locked) throw locked;
  }

  async #handshake(tls: StreamTls, deadlineAt: number): Promise<void> {
    const timer = setTimeout(
      () => {
        this.destroy(rpcError("TIMEOUT", `The TLS handshake with ${this.label} was not done in time`));
      },
      Math.min(deadlineAt - this.#wheel.now(), MAX_TIMER_MS),
    );
    const secured = new Promise<void>((resolve) => {
      this.#connection.startTls(tls, resolve);
    });
    const failure = await Promise.race([secured, this.closed]);
    clearTimeout(timer);
    if (failure) {
      const where = { service: this.label, outcome: "unknown", cause: failure } as const;
      throw rpcError(failure.code, `StartTLS: ${failure.message}`, where);
    }
    this.#connection.sendKept();
  }

  /** The other end has asked for TLS. */
  #secure(): void {
    this.#hasTls = true;
    const { tls = {}, timeoutMs = CALL_MS } = this.#options;
    this.#handshake(tls === false ? {} : tls, this.#wheel.now() + timeoutMs).catch((error: unknown) => {
      this.#log.info((error as Error).message);
    });
  }

  #handOver(takeOver: TakeOver, command: string): void {
    let socket: Duplex;
    try {
      socket = this.#connection.detach(this.#switchedBy(command));
    } catch (error) {
      // It is gone already, and nobody has heard of that while nothing was read.
      this.destroy(RpcError.from(error, "UNAVAILABLE"));
      return;
    }
    const failed = (error: unknown): void => {
      this.#log.error(`${command} has switched the connection, and what took it over failed: ${thrownText(error)}`);
      socket.destroy();
    };
    try {
      // In TypeScript, what is to return nothing may return a promise.
      const run: (socket: Duplex) => unknown = takeOver;
      Promise.resolve(run(socket)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

type AskManner = Pick<AskOptions, "requiresAnswer" | "isLast">;

/** Deadline of calls that do not say, in milliseconds. */
const CALL_MS = 30_000;
const NOTHING: Box = new Map();
const NO_OPTIONS: AmpCallOptions = {};
const ANSWERED: AskManner = { requiresAnswer: true };
const UNANSWERED: AskManner = { requiresAnswer: false };

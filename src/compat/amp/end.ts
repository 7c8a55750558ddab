import type { Duplex } from "node:stream";
import { ConfigurationError, type RpcError, refineError, rpcError } from "../../errors.js";
import { servingCall } from "../../peer/call-context.js";
import type { PendingCall } from "../../peer/pending-calls.js";
import type { StreamTls } from "../../transport/index.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import { type Logger, unfailing } from "../../util/log.js";
import { joinSignals } from "../../util/signals.js";
import { type AmpDialect, type Box, decodeFields, encodeFields } from "../../wire/amp/index.js";
import { BoxConnection, type BoxReceiver, type BoxSender } from "./box-connection.js";
import { type AskOptions, BoxDispatcher } from "./box-dispatcher.js";
import type { AmpCallOptions, CallParameters } from "./calls.js";
import { checkCallOptions, requireNumbers } from "./check-options.js";
import { type Command, type CommandLike, commandOf } from "./command.js";
import type { CommandResponse, SwitchingCommand } from "./command-types.js";
import { ConnectionChange } from "./connection-change.js";
import { errorOf } from "./error-of.js";
import { joinLocators, type ResponderLocator } from "./locator.js";
import type { AmpOptions } from "./options.js";
import type { AmpPeer, AmpPeerInfo } from "./peer.js";
import { infoOf } from "./peer-info.js";
import type { LocatorMaker } from "./responders.js";
import { START_TLS } from "./start-tls.js";

/** Options of {@link AmpEnd}. */
export interface AmpEndOptions
  extends Pick<
    AmpOptions,
    "dialect" | "timeoutMs" | "limits" | "maxInFlight" | "maxRunning" | "maxRunningBytes" | "tls"
  > {
  /** What the other end may ask for. */
  readonly locator: LocatorMaker;
  /** The other end, for errors and logs. */
  readonly label: string;
  /** Keeps the deadlines; default one that all connections share. */
  readonly wheel?: DeadlineWheel | undefined;
  /** Told of the end, before anybody whose call waits hears of it. */
  readonly onClosed?: (() => void) | undefined;
  /** See {@link BoxDispatcherOptions.onEnding}. */
  readonly onEnding?: (() => void) | undefined;
  /** Told what happens. */
  readonly log: Logger;
}

/** One end of an AMP connection: calls commands there, and answers what is asked here. Twisted: `AMP`. */
export class AmpEnd implements AmpPeer, AmpPeerInfo, BoxReceiver {
  /** Keeps the deadlines of connections that have none of their own; it runs while there are some. */
  static readonly #sharedWheel = new DeadlineWheel();
  /** Settles when the connection is there. */
  readonly opened: Promise<void>;
  readonly closed: Promise<RpcError>;
  readonly info: AmpPeerInfo = infoOf(this);
  readonly #options: AmpEndOptions;
  readonly #wheel: DeadlineWheel;
  readonly #connection: BoxConnection;
  readonly #dispatcher: BoxDispatcher;
  readonly #change: ConnectionChange;
  readonly #locator: ResponderLocator;
  readonly #log: Logger;
  #settleOpened!: () => void;
  #settleClosed!: (reason: RpcError) => void;
  #isStopped = false;

  constructor(options: AmpEndOptions) {
    this.#options = options;
    this.#wheel = options.wheel ?? AmpEnd.#sharedWheel;
    requireNumbers(options);
    const { label, dialect, limits, maxInFlight, maxRunning, maxRunningBytes, tls } = options;
    this.#log = unfailing(options.log);
    this.opened = new Promise((resolve) => {
      this.#settleOpened = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#connection = new BoxConnection(this, { dialect, limits });
    this.#dispatcher = new BoxDispatcher({
      locator: {
        // Responders are made with the other end, which can be asked from then on.
        locateResponder: (name) => this.#locator.locateResponder(name),
      },
      peer: this,
      label,
      wheel: this.#wheel,
      dialect,
      maxInFlight,
      maxRunning,
      maxRunningBytes,
      log: this.#log,
      objection: (command) => this.#change.objection(command),
      onEnding: options.onEnding,
      onSwitched: (takeOver, command) => {
        this.#change.answered(takeOver, command);
      },
    });
    this.#change = new ConnectionChange({
      label,
      connection: this.#connection,
      dispatcher: this.#dispatcher,
      closed: this.closed,
      tls,
      timeoutMs: options.timeoutMs ?? CALL_MS,
      log: this.#log,
    });
    this.#locator = joinLocators(this.#change.locator, options.locator(this));
  }

  get label(): string {
    return this.#options.label;
  }

  /** Which boxes the other end can read. */
  get dialect(): AmpDialect {
    return this.#options.dialect ?? "twisted";
  }

  get remoteAddress(): string {
    return this.#connection.peer?.remoteAddress ?? "";
  }

  get certificate(): Uint8Array | undefined {
    return this.#connection.peer?.certificate;
  }

  get isSecure(): boolean {
    return this.#connection.isSecure;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  get closedReason(): RpcError | undefined {
    return this.#connection.closedReason;
  }

  get pending(): number {
    return this.#dispatcher.pending;
  }

  /** Octets of their values, as far as whoever sent them has counted. */
  get pendingBytes(): number {
    return this.#dispatcher.pendingBytes;
  }

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

  async callBox(name: string, values: Box, options: AmpCallOptions = NO_OPTIONS): Promise<Box> {
    if (name === START_TLS.name) {
      throw new ConfigurationError(`${name} changes the connection, and not by its request alone: call startTls()`);
    }
    const box = await this.#ask(name, values, options);
    return box ?? NOTHING;
  }

  async startTls(tls?: StreamTls, options: AmpCallOptions = NO_OPTIONS): Promise<void> {
    const withinMs = this.#deadlineOf(options) - this.#wheel.now();
    await this.#change.startTls(() => this.#ask(START_TLS, NOTHING, options, LAST), withinMs, tls);
  }

  async switchProtocol<C extends SwitchingCommand>(command: C, ...call: CallParameters<C>): Promise<Duplex> {
    const [args = {}, options = NO_OPTIONS] = call;
    const known = commandOf(command);
    if (!known.switches)
      throw new ConfigurationError(`${known.name} does not switch the connection: call it with callRemote()`);
    const values = this.#encode(known, args);
    return await this.#change.switchProtocol(known.name, () => this.#ask(known, values, options, LAST));
  }

  /** See {@link BoxDispatcher.send}. */
  send(call: PendingCall, values: Box, requiresAnswer: boolean): void {
    this.#dispatcher.send(call, values, { requiresAnswer });
  }

  /** See {@link BoxDispatcher.drain}. */
  drain(): Promise<void> {
    return this.#dispatcher.drain();
  }

  /** Writes what is queued, then closes. Idempotent. */
  end(reason: RpcError): void {
    this.#connection.end(reason);
  }

  /** Closes at once. Idempotent. */
  destroy(reason: RpcError): void {
    this.#connection.destroy(reason);
  }

  async close(): Promise<void> {
    this.end(rpcError("CLOSED", `The connection to ${this.label} was closed here`));
    await this.closed;
  }

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

  #deadlineOf(options: AmpCallOptions): number {
    if (options !== NO_OPTIONS) checkCallOptions(options);
    const ownMs = options.timeoutMs ?? this.#options.timeoutMs ?? CALL_MS;
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
}

type AskManner = Pick<AskOptions, "requiresAnswer" | "isLast">;

/** Deadline of calls that do not say, in milliseconds. */
const CALL_MS = 30_000;
const NOTHING: Box = new Map();
const NO_OPTIONS: AmpCallOptions = {};
const ANSWERED: AskManner = { requiresAnswer: true };
const UNANSWERED: AskManner = { requiresAnswer: false };
const LAST: AskManner = { requiresAnswer: true, isLast: true };

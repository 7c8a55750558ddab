import { openWithin } from "../../client/connection-pool.js";
import { ConfigurationError, RpcError, rpcError } from "../../errors.js";
import { currentCall } from "../../peer/call-context.js";
import { Connection } from "../../peer/connection.js";
import { Dispatcher as PeerDispatcher } from "../../peer/dispatcher.js";
import { buildInterface, defineInterface } from "../../peer/exposed/definition.js";
import type { MethodFunction } from "../../peer/exposed/method-options.js";
import { PROCESS_INCARNATION } from "../../peer/incarnation.js";
import { callOver } from "../../peer/promise-call.js";
import { Sessions } from "../../peer/sessions.js";
import type { Credentials } from "../../security/credentials.js";
import { parseAddress, type Transport } from "../../transport/index.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import type { Logger } from "../../util/log.js";
import { sleep } from "../../util/sleep.js";
import { findWire } from "../../wire/registry.js";
import { DispatcherFinder, type DispatcherPlace } from "./dispatcher-place.js";
import { DISPATCHER_INTERFACE, type Greeting, type GreetingAnswer, NODE_INTERFACE } from "./interfaces.js";
import { ReconnectDelay } from "./reconnect-delay.js";
import { Watch } from "./watch.js";

/** What {@link DispatcherConnection} needs of its owner. */
export interface DispatcherConnectionOptions {
  /** Where the dispatcher is. */
  readonly dispatcher: string | DispatcherPlace;
  /** Moves the frames. */
  readonly transport: Transport;
  /** How this end proves itself. */
  readonly credentials: Credentials;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Deadline of calls, in milliseconds. */
  readonly timeoutMs: number;
  /** Time for one attempt to connect, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Silence after which the dispatcher is taken for hung, in milliseconds; `undefined`: what it says. */
  readonly limitMs: number | undefined;
  /** Chance. */
  readonly random: () => number;
  /** Told of what happens. */
  readonly log: Logger;
  /** What the dispatcher may call besides `heartbeat` and `forgotten`. */
  readonly methods: Readonly<Record<string, MethodFunction>>;
  /** What this end says first. */
  greeting(): Greeting;
  /** Makes what is to be said at once behind the greeting; the connection is of use when it has settled. */
  renew(call: (method: string, args: readonly unknown[]) => Promise<unknown>): Promise<unknown>;
  /** The dispatcher is there. */
  connected(address: string, answer: GreetingAnswer): void;
  /** It is gone, or was not reached. */
  disconnected(address: string, reason: RpcError, wasConnected: boolean): void;
  /** Events were left out, as the dispatcher tells with its heartbeats. */
  leftOut?(lost: readonly unknown[]): void;
}

/**
 * Keeps a connection to a dispatcher: makes it, greets, watches over it, and makes it again when it is lost. Nothing waits for it:
 * what is called while there is none fails.
 */
export class DispatcherConnection {
  readonly #options: DispatcherConnectionOptions;
  readonly #wheel = new DeadlineWheel();
  readonly #callee: PeerDispatcher;
  readonly #delay: ReconnectDelay;
  readonly #closing = new AbortController();
  #finder: DispatcherFinder;
  #connection: Connection | undefined;
  #answer: GreetingAnswer | undefined;
  #watch: Watch | undefined;
  /** Ends the pause between two attempts. */
  #pause = new AbortController();
  #running: Promise<void> | undefined;

  /** @throws ConfigurationError for a wrong address */
  constructor(options: DispatcherConnectionOptions) {
    this.#options = options;
    this.#delay = new ReconnectDelay(options.random);
    this.#finder = new DispatcherFinder(options.dispatcher, options);
    // A handler that takes long must not keep heartbeats out; how much can be under way is the dispatcher's to limit.
    this.#callee = new PeerDispatcher({
      sessions: new Sessions(),
      maxConcurrent: Infinity,
      errors: "message",
      log: options.log,
    });
    const heartbeat = async (afterMs: unknown, lost: unknown): Promise<boolean> => {
      this.#watch?.heard();
      if (Array.isArray(lost) && lost.length > 0) this.#options.leftOut?.(lost);
      // The dispatcher always waits for an answer, so that it learns at once when this end goes.
      if (typeof afterMs === "number") await sleep(Math.min(afterMs, MAX_ANSWER_MS), currentCall().signal);
      return true;
    };
    const forgotten = (): void => {
      this.#connection?.close(rpcError("UNAVAILABLE", "The dispatcher took this end for dead, and has forgotten it"));
    };
    this.#callee.expose(
      buildInterface(defineInterface(NODE_INTERFACE, { methods: { ...options.methods, heartbeat, forgotten } }), {
        errors: "message",
        contract: () => ({ incarnation: PROCESS_INCARNATION, maxMessageBytes: options.maxMessageBytes }),
        journal: undefined,
      }),
    );
  }

  /** Is the dispatcher there, and has it taken the greeting? */
  get isConnected(): boolean {
    return this.#answer !== undefined;
  }

  /** What the dispatcher has answered to the greeting; `undefined` while it is not there. */
  get dispatcher(): GreetingAnswer | undefined {
    return this.#answer;
  }

  /** Where it is looked for, in words. */
  get label(): string {
    return this.#finder.label;
  }

  /** Begins; once. */
  open(): void {
    this.#running ??= this.#run();
  }

  /**
   * Calls the dispatcher, once.
   *
   * @throws RpcError `not-sent` while it is not there, `unknown` when it goes before it has answered
   */
  async call(method: string, args: readonly unknown[]): Promise<unknown> {
    const connection = this.#connection;
    if (!connection || !this.isConnected) {
      const where = { interface: DISPATCHER_INTERFACE, method, service: this.label };
      if (this.#closing.signal.aborted) throw rpcError("CLOSED", "The node was closed", where);
      throw rpcError("UNAVAILABLE", `There is no connection to the dispatcher ${this.label}; nothing was sent`, where);
    }
    return this.#callOver(connection, method, args, this.#options.timeoutMs);
  }

  /**
   * Leaves the dispatcher, for another one.
   *
   * @throws ConfigurationError for a wrong address
   */
  switch(dispatcher: string | DispatcherPlace): void {
    const former = this.#finder;
    this.#finder = new DispatcherFinder(dispatcher, this.#options);
    void former.close();
    this.#delay.reset();
    this.#connection?.close(rpcError("CLOSED", `Switched to ${this.label}`));
    this.#pause.abort();
  }

  /** Ends the connection, and makes no other. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#pause.abort();
    this.#connection?.close(rpcError("CLOSED", "The node was closed"));
    await this.#finder.close();
    await this.#running;
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#isClosing()) {
      const finder = this.#finder;
      await this.#connect(finder);
      if (this.#isClosing()) return;
      // Who has another dispatcher by now goes there at once.
      if (this.#finder !== finder) continue;
      this.#pause = new AbortController();
      await sleep(this.#delay.next(), this.#pause.signal);
    }
  }

  /** One connection, from its beginning to its end. Never rejects. */
  async #connect(finder: DispatcherFinder): Promise<void> {
    let address = finder.label;
    let reason: RpcError | undefined;
    try {
      const found = await finder.find();
      address = found.address;
      if (this.#isClosing() || this.#finder !== finder) return;
      await this.#use(finder, address, found.key);
    } catch (error) {
      reason = RpcError.from(error);
    }
    const wasConnected = this.#answer !== undefined;
    reason = this.#connection?.closedReason ?? reason ?? rpcError("UNAVAILABLE", `${address} is gone`);
    this.#watch?.stop();
    this.#answer = undefined;
    this.#connection = undefined;
    this.#options.disconnected(address, reason, wasConnected);
  }

  /** @throws RpcError when the connection could not be made; settles when it is gone */
  async #use(finder: DispatcherFinder, address: string, key: string | undefined): Promise<void> {
    const { transport, credentials, maxMessageBytes, connectTimeoutMs, log } = this.#options;
    let ended: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const isInside = parseAddress(address).scheme === "memory";
    const connection = new Connection(address, {
      transport,
      wire: findWire("lamp"),
      wheel: this.#wheel,
      maxMessageBytes,
      maxInFlight: MAX_IN_FLIGHT,
      maxInFlightBytes: MAX_IN_FLIGHT_BYTES,
      security: isInside ? undefined : credentials.linkSecurity(key, address),
      dispatcher: this.#callee,
      log,
      onClosed: () => {
        ended();
      },
    });
    this.#connection = connection;
    try {
      await openWithin(connection, connectTimeoutMs, this.#closing.signal);
      const call = (method: string, args: readonly unknown[]): Promise<unknown> =>
        this.#callOver(connection, method, args, this.#options.timeoutMs);
      // In one message: what is renewed follows the greeting at once.
      const greeted = this.#callOver(connection, "greet", [this.#options.greeting()], connectTimeoutMs);
      const renewed = this.#options.renew(call);
      renewed.catch(() => undefined);
      const answer = readAnswer(await greeted);
      await renewed;
      if (connection.closedReason) throw connection.closedReason;
      finder.succeeded();
      this.#delay.reset();
      this.#answer = answer;
      this.#watch = new Watch(this.#options.limitMs ?? answer.limitMs, () => {
        const text = `${address} has given no sign of life for ${this.#options.limitMs ?? answer.limitMs} ms`;
        connection.close(rpcError("UNAVAILABLE", text));
      });
      this.#options.connected(address, answer);
    } catch (error) {
      connection.close(RpcError.from(error));
      await closed;
      throw error;
    }
    await closed;
  }

  async #callOver(
    connection: Connection,
    method: string,
    args: readonly unknown[],
    timeoutMs: number,
  ): Promise<unknown> {
    const deadlineAt = this.#wheel.now() + timeoutMs;
    const call = { interface: DISPATCHER_INTERFACE, method, args, isPositional: true, deadlineAt };
    return (await callOver(connection, call)).result;
  }
}

/** @throws ProtocolError for what no dispatcher answers */
function readAnswer(value: unknown): GreetingAnswer {
  const { incarnation, label, limitMs } = (value ?? {}) as Partial<Record<keyof GreetingAnswer, unknown>>;
  if (typeof incarnation !== "string" || typeof limitMs !== "number" || !(limitMs > 0)) {
    throw rpcError("PROTOCOL", "What is there is no dispatcher");
  }
  return { incarnation, limitMs, label: typeof label === "string" ? label : null };
}

/** @throws ConfigurationError for what is no number above 0 */
export function requirePositive(options: object, names: readonly string[]): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || (typeof value === "number" && value > 0)) continue;
    throw new ConfigurationError(`The option ${name} must be a number above 0, got ${JSON.stringify(value)}`);
  }
}

const MAX_IN_FLIGHT = 100_000;
const MAX_IN_FLIGHT_BYTES = 256 * 1024 * 1024;
/** However long the dispatcher would wait for an answer, in milliseconds: its own patience ends at 30,000. */
const MAX_ANSWER_MS = 20_000;

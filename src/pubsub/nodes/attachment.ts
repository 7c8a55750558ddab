import { RpcError, rpcError } from "../../errors.js";
import { credentialsOfHost } from "../../security/host-security.js";
import { findTransport } from "../../transport/index.js";
import { type Logger, SILENT } from "../../util/log.js";
import { thrownText } from "../../util/thrown-text.js";
import { DEFAULT_LIMITS } from "../../wire/wire.js";
import { configurator, DEFAULT_DISPATCHER } from "./configurator.js";
import { DispatcherConnection, requirePositive } from "./dispatcher-connection.js";
import type { DispatcherPlace } from "./dispatcher-place.js";
import { ANY_NODE, parseEventUri } from "./event-uri.js";
import { type Delivery, readDelivery, type StreamPeer, type SubscriptionEntry } from "./interfaces.js";
import type { ConnectionToDispatcherOptions } from "./node-options.js";
import { StreamPort } from "./stream-port.js";
import type { Subscription } from "./subscription.js";

/** What stands behind a connection to a dispatcher: a node, or one of the nodes of a collection. */
export interface Member {
  /** Its name. */
  readonly name: string;
  /** What it is subscribed to, in order. */
  subscriptions(): Iterable<Subscription>;
  /** An event came; what this gives, or fails with, is told to the dispatcher. */
  deliver(delivery: Delivery): unknown;
  /** The dispatcher has left events out. */
  leftOut(uri: string, publisher: string, isForAll: boolean, number: number, count: number): void;
  /** The dispatcher is there, and knows all subscriptions that there were when it was told of them. */
  connected(): void;
  /** The connection was lost. */
  interrupted(): void;
  /** Something came over a stream. */
  stream(data: unknown, formatter: string): unknown;
}

/** Nodes at one dispatcher, over one connection; each has a number there. */
export class Attachment {
  /** Random id of its run. */
  readonly incarnation: string;
  readonly #name: string;
  readonly #log: Logger;
  readonly #connection: DispatcherConnection;
  readonly #port: StreamPort | undefined;
  readonly #members = new Map<number, Member>();
  /** What the dispatcher was told at the beginning of the connection. */
  #renewed: readonly Renewal[] = [];
  #lastMember = -1;
  /** Has it been connected before? */
  #reached: (() => void) | undefined;
  #refused: ((reason: RpcError) => void) | undefined;
  #starting: Promise<void> | undefined;
  #isClosed = false;
  /** Why it was not connected, as the log was told last. */
  #told = "";
  /** Told when a connection is there that was switched to. */
  #switched: { readonly resolve: () => void; readonly reject: (reason: RpcError) => void } | undefined;

  /** @throws ConfigurationError for wrong options */
  constructor(options: ConnectionToDispatcherOptions, name: string, incarnation: string) {
    requireSound(options);
    this.#name = name;
    this.incarnation = incarnation;
    this.#log = options.log ?? SILENT;
    const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes;
    if (options.port !== false) {
      this.#port = new StreamPort({
        ...options,
        address: `tcp://${options.host ?? "127.0.0.1"}:${options.port ?? 0}`,
        find: (member) => this.#members.get(member),
      });
    }
    this.#connection = new DispatcherConnection({
      dispatcher: options.dispatcher ?? configurator.get("dispatcher-url") ?? DEFAULT_DISPATCHER,
      transport: findTransport(options.transport),
      credentials: credentialsOfHost(options.security),
      maxMessageBytes,
      timeoutMs: options.timeoutMs ?? 30_000,
      connectTimeoutMs: options.connectTimeoutMs ?? 2_000,
      limitMs: options.limitMs,
      random: options.random ?? Math.random,
      log: this.#log,
      methods: { event: (member: unknown, ...event: unknown[]) => this.#event(member, event) },
      greeting: () => ({ name: this.#name, incarnation, address: this.#port?.address, key: this.#port?.key }),
      renew: (call) => this.#renew(call),
      connected: (address, answer) => {
        this.#log.info(`${this.#name} is connected to the dispatcher at ${address}`);
        this.#settleRenewed();
        for (const member of this.#members.values()) member.connected();
        this.#told = "";
        this.#reached?.();
        this.#switched?.resolve();
        this.#switched = undefined;
        options.onStatus?.({ type: "connected", address, incarnation: answer.incarnation });
      },
      disconnected: (address, reason, wasConnected) => {
        if (wasConnected) for (const member of this.#members.values()) member.interrupted();
        const text = `${this.#name} is not connected to the dispatcher at ${address}: ${reason.message}`;
        if (this.#isClosed) return;
        // It is tried again and again: what is told once is told.
        if (text === this.#told) this.#log.debug(text);
        else this.#log.warn(text);
        this.#told = text;
        options.onStatus?.({ type: "disconnected", address, reason: reason.message });
      },
      leftOut: (lost) => {
        this.#leftOut(lost);
      },
    });
  }

  /** Is the dispatcher there? */
  get isConnected(): boolean {
    return this.#connection.isConnected;
  }

  /** Run of the dispatcher; `undefined` while it is not there. */
  get dispatcher(): string | undefined {
    return this.#connection.dispatcher?.incarnation;
  }

  /** Where streams reach the nodes; empty where they do not, or not yet. */
  get address(): string {
    return this.#port?.address ?? "";
  }

  /** Has {@link Attachment.start} been called? */
  get isStarted(): boolean {
    return this.#starting !== undefined;
  }

  /**
   * Takes a node in.
   *
   * @returns its number
   * @throws RpcError with code `CLOSED` after the end
   */
  add(member: Member): number {
    if (this.#isClosed) throw rpcError("CLOSED", `${this.#name} was closed`);
    this.#members.set(++this.#lastMember, member);
    return this.#lastMember;
  }

  /** Lets a node go. */
  remove(number: number): void {
    this.#members.delete(number);
  }

  /**
   * Listens for streams, and begins to connect.
   *
   * @returns settles when the dispatcher is reached for the first time; the same promise for all calls
   * @throws ConfigurationError for a port in use
   * @throws RpcError with code `CLOSED` when it is closed before
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Calls the dispatcher; see {@link DispatcherConnection.call}. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#connection.call(method, args);
  }

  /** Sends something to a node, without the dispatcher. */
  async push(peer: StreamPeer, data: unknown, formatter: string): Promise<unknown> {
    if (this.#port) return this.#port.push(peer, data, formatter);
    throw rpcError("CONFIGURATION", "A node without a port of its own sends no streams (option port)");
  }

  /**
   * Leaves the dispatcher for another one; subscriptions are renewed there.
   *
   * @returns settles when that one is reached
   * @throws ConfigurationError for a wrong address
   */
  switch(dispatcher: string | DispatcherPlace): Promise<void> {
    this.#connection.switch(dispatcher);
    this.#switched?.reject(rpcError("CANCELLED", "Switched to yet another dispatcher"));
    return new Promise((resolve, reject) => {
      this.#switched = { resolve, reject };
    });
  }

  /** Leaves the dispatcher. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const reason = rpcError("CLOSED", `${this.#name} was closed`);
    this.#refused?.(reason);
    this.#switched?.reject(reason);
    this.#switched = undefined;
    await this.#connection.close();
    await this.#port?.close();
  }

  async #start(): Promise<void> {
    const reached = new Promise<void>((resolve, reject) => {
      this.#reached = resolve;
      this.#refused = reject;
    });
    reached.catch(() => undefined);
    await this.#port?.open();
    if (!this.#isClosed) this.#connection.open();
    await reached;
  }

  /**
   * All subscriptions, in order, in as few calls as can be. Where one of them is refused the call is, and each that it was about is told of
   * by itself when the connection is there.
   */
  async #renew(call: (method: string, args: readonly unknown[]) => Promise<unknown>): Promise<void> {
    const all: Renewal[] = [];
    for (const [number, member] of this.#members) {
      for (const subscription of member.subscriptions()) {
        all.push({ subscription, entry: [subscription.uri, member.name, number], isTaken: false });
      }
    }
    this.#renewed = all;
    const calls: Promise<void>[] = [];
    for (let at = 0; at < all.length; at += MAX_ENTRIES) {
      const some = all.slice(at, at + MAX_ENTRIES);
      const called = call("subscribe", [some.map(({ entry }) => entry)]).then(
        () => {
          for (const one of some) one.isTaken = true;
        },
        (error: unknown) => {
          if (!REFUSALS.has(RpcError.from(error).code)) throw error;
        },
      );
      calls.push(called);
    }
    await Promise.all(calls);
  }

  /** What the dispatcher was told of counts from now on; what was ended meanwhile is taken back, before anything else is said. */
  #settleRenewed(): void {
    const renewed = this.#renewed;
    this.#renewed = [];
    for (const { subscription, isTaken } of renewed) if (isTaken) subscription.acknowledged();
    const ended = renewed.filter(({ subscription }) => subscription.isEnded);
    if (ended.length === 0) return;
    // Written in another way, the same entry may be wanted still.
    const wanted = new Set(
      renewed.filter(({ subscription }) => !subscription.isEnded).map(({ entry }) => entryKey(entry)),
    );
    for (const { entry } of ended) if (!wanted.has(entryKey(entry))) this.call("unsubscribe", entry).catch(ignore);
  }

  #event(number: unknown, args: readonly unknown[]): unknown {
    const delivery = readDelivery(args);
    const member = typeof number === "number" ? this.#members.get(number) : undefined;
    // One that has left while the event was on its way.
    return member?.deliver(delivery) ?? null;
  }

  #leftOut(lost: readonly unknown[]): void {
    for (const entry of lost) {
      if (!Array.isArray(entry)) continue;
      const [number, uri, publisher, isForAll, last, count] = entry as readonly unknown[];
      if (typeof number !== "number" || typeof uri !== "string" || typeof publisher !== "string") continue;
      if (typeof last !== "number" || typeof count !== "number") continue;
      try {
        this.#members.get(number)?.leftOut(uri, publisher, isForAll === true, last, count);
      } catch (error) {
        this.#log.error(`${this.#name} failed when it was told of lost events: ${thrownText(error)}`);
      }
    }
  }
}

/** A subscription, as the dispatcher is told of it at the beginning of a connection. */
interface Renewal {
  readonly subscription: Subscription;
  readonly entry: SubscriptionEntry;
  /** Has the dispatcher taken it? */
  isTaken: boolean;
}

/** What the dispatcher keeps of a subscription. */
function entryKey([uri, name, member]: SubscriptionEntry): string {
  const { node, host, event } = parseEventUri(uri);
  return JSON.stringify([member, node === ANY_NODE ? name : node, host, event]);
}

/** Answers to subscriptions that another connection would not change. */
const REFUSALS: ReadonlySet<string> = new Set(["ACCESS_DENIED", "BAD_REQUEST", "OVERLOADED", "TOO_LARGE"]);

/** @throws ConfigurationError for wrong options */
export function requireSound(options: ConnectionToDispatcherOptions): void {
  requirePositive(options, ["timeoutMs", "connectTimeoutMs", "limitMs", "maxMessageBytes"]);
}

/** Subscriptions in one call: a message has a largest size. */
const MAX_ENTRIES = 100_000;

function ignore(): void {
  // The connection is gone, and its subscriptions with it.
}

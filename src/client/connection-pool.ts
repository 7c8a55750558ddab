import { rpcError } from "../errors.js";
import { outsideOfCalls } from "../peer/call-context.js";
import type { Channel } from "../peer/channel.js";
import { Connection } from "../peer/connection.js";
import type { Dispatcher } from "../peer/dispatcher.js";
import { LOCAL_ADDRESS, LocalChannel } from "../peer/local.js";
import type { Protocol } from "../peer/protocol.js";
import { protocolAddress } from "../peer/protocol-option.js";
import type { HeldReference } from "../peer/references/held-reference.js";
import type { Credentials } from "../security/credentials.js";
import { parseAddress, type Transport } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import { untilAborted } from "../util/sleep.js";
import { findWire } from "../wire/registry.js";
import type { ClientEvent } from "./events.js";
import { wireKey } from "./wire-key.js";

/** Options of {@link ConnectionPool}. */
export interface PoolOptions {
  /** Moves the frames. */
  readonly transport: Transport;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Calls in flight per connection. */
  readonly maxInFlight: number;
  /** Bytes of requests in flight per connection. */
  readonly maxInFlightBytes: number;
  /** A connection without calls is closed after this many milliseconds, or up to half as many more. */
  readonly idleTimeoutMs: number;
  /** How services are convinced, and whom this end believes. */
  readonly credentials: Credentials;
  /** What services may call back. */
  readonly dispatcher: Dispatcher;
  /** References that each end of a connection may hold of the other's. */
  readonly maxReferences: number | undefined;
  /** Deadline of calls of references, in milliseconds; default 30,000. */
  readonly timeoutMs: number | undefined;
  /** Told of what peers send that is ignored. */
  readonly log: Logger;
  /** Told of connections that come and go. */
  readonly onEvent: (event: ClientEvent) => void;
}

/** The connections of one client: one per address and wire or protocol, shared by all its proxies. */
export class ConnectionPool {
  readonly #channels = new Map<string, Channel>();
  /** Calls of each channel when one looked last, and how often that was the same and nothing under way. */
  readonly #seen = new WeakMap<Channel, { readonly calls: number; readonly looks: number }>();
  readonly #options: PoolOptions;
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Connections that are kept. */
  get size(): number {
    return this.#channels.size;
  }

  /**
   * The connection to an address, made if there is none; it may still be connecting.
   *
   * @param serverKey - the public key that whoever is there has to have, in Z85
   * @throws AccessDeniedError when it has none, and nothing may be said in clear text
   * @throws ConfigurationError for a wrong address, or one that the protocol cannot use
   * @throws RpcError with code `CLOSED` after {@link ConnectionPool.close}
   */
  get(address: string, wire: string | Protocol, serverKey?: string): Channel {
    const key = `${wireKey(wire)} ${address} ${serverKey ?? ""}`;
    const known = this.#channels.get(key);
    if (known && known.closedReason === undefined) return known;
    if (this.#closed) throw rpcError("CLOSED", "The client was closed");
    const channel = this.#open(address, wire, serverKey, key);
    this.#channels.set(key, channel);
    this.#sweeper ??= setInterval(() => {
      this.#sweep();
    }, this.#options.idleTimeoutMs / IDLE_LOOKS).unref();
    return channel;
  }

  /** What is held over all of them, both ways. */
  *references(): Iterable<HeldReference> {
    for (const channel of this.#channels.values()) yield* channel.references();
  }

  /** Closes everything; calls in flight are rejected. Idempotent. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    for (const channel of [...this.#channels.values()]) channel.close();
    this.#channels.clear();
  }

  #open(address: string, wire: string | Protocol, serverKey: string | undefined, key: string): Channel {
    if (address === LOCAL_ADDRESS) return new LocalChannel(this.#options.wheel);
    const onClosed = (gone: Channel): void => {
      if (this.#channels.get(key) === gone) this.#channels.delete(key);
      this.#options.onEvent({ type: "disconnected", address: gone.address, reason: gone.closedReason?.message ?? "" });
      this.#rest();
    };
    const channel =
      typeof wire === "string"
        ? this.#connect(address, wire, serverKey, onClosed)
        : this.#connectBy(wire, address, onClosed);
    channel.whenOpen().then(
      () => {
        this.#options.onEvent({ type: "connected", address: channel.address });
      },
      () => undefined,
    );
    return channel;
  }

  #connect(address: string, wire: string, serverKey: string | undefined, onClosed: (gone: Channel) => void): Channel {
    const { text, scheme } = parseAddress(address);
    return new Connection(text, {
      ...this.#options,
      // Nobody hears what is said inside of a process.
      security: scheme === "memory" ? undefined : this.#options.credentials.linkSecurity(serverKey, text),
      wire: findWire(wire),
      onClosed,
    });
  }

  #connectBy(protocol: Protocol, address: string, onClosed: (gone: Channel) => void): Channel {
    const { credentials, wheel, maxMessageBytes, maxInFlight, maxInFlightBytes } = this.#options;
    const { dispatcher, timeoutMs, log } = this.#options;
    const text = protocolAddress(protocol, address);
    if (!protocol.isSecret?.(text)) credentials.requireClearText(text);
    const limits = { maxMessageBytes, maxInFlight, maxInFlightBytes };
    // It may be made for a call that is being served; what comes over it later is no part of that.
    return outsideOfCalls(() => protocol.connect(text, { wheel, ...limits, dispatcher, timeoutMs, log, onClosed }));
  }

  /** An idle connection holds sockets, and keeps the process alive. */
  #sweep(): void {
    for (const channel of this.#channels.values()) {
      const { calls } = channel;
      const before = this.#seen.get(channel);
      const looks = before?.calls === calls && channel.isOpen && channel.isIdle ? before.looks + 1 : 0;
      if (looks === IDLE_LOOKS) channel.close();
      else this.#seen.set(channel, { calls, looks });
    }
    this.#rest();
  }

  #rest(): void {
    if (this.#channels.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

/** Looks in a row at which nothing was under way before a connection counts as idle: so often in the time that it may be. */
const IDLE_LOOKS = 2;

/**
 * Waits until a channel can be used. One that has not opened in time is closed for everybody: its peer accepts and says
 * nothing, as a stopped process does, or something that is no ZeroMQ.
 *
 * @throws UnavailableError, `not-sent`, when it cannot be made, or not in time
 */
export async function openWithin(channel: Channel, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  const timer = setTimeout(() => {
    const text = `${channel.address} accepted no connection within ${timeoutMs} ms`;
    channel.close(rpcError("UNAVAILABLE", text, { service: channel.address }));
  }, timeoutMs);
  try {
    await (signal ? untilAborted(channel.whenOpen(), signal) : channel.whenOpen());
  } finally {
    clearTimeout(timer);
  }
}

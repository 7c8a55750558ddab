import { isIP } from "node:net";
import type { Router } from "zeromq";
import { ConfigurationError } from "../../errors.js";
import { type Frames, sizeOf } from "../../wire/message.js";
import type { Address } from "../address.js";
import { bindError } from "../bind-error.js";
import type { Listener, ListenerHandlers, ListenOptions, Peer } from "../link.js";
import { openSockets } from "../open-sockets.js";
import type { PeerIdentity } from "../security.js";
import { zeromqContext } from "./context.js";
import { zeromq } from "./load.js";

/**
 * A listener on a ROUTER socket.
 *
 * `mandatory` makes libzmq report what it would otherwise drop in silence: an unknown peer (gone) and a full queue (slow).
 * Answers to a slow peer wait in a queue of its own, bounded in bytes, and other peers are served meanwhile.
 */
export class RouterListener implements Listener {
  readonly #socket: Router;
  readonly #handlers: ListenerHandlers;
  readonly #peers = new Map<string, RouterPeer>();
  readonly #slow = new Set<RouterPeer>();
  #retryTimer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(socket: Router, handlers: ListenerHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    openSockets.add(socket);
    void this.#read();
  }

  /** Binds; see {@link Transport.listen}. */
  static async bind(address: Address, handlers: ListenerHandlers, options: ListenOptions): Promise<RouterListener> {
    requireOpen(options);
    const socket = new (zeromq().Router)({
      context: zeromqContext(),
      mandatory: true,
      linger: 0,
      sendTimeout: 0,
      sendHighWaterMark: PEER_QUEUE,
      receiveHighWaterMark: PEER_QUEUE,
      heartbeatInterval: 0,
      // A request a little too large is read and answered with an error; only one far too large breaks the connection.
      maxMessageSize: options.maxMessageBytes * 2,
      ipv6: address.scheme === "tcp" && isIP(address.host) === 6,
      ...(options.routingId && { routingId: Buffer.from(options.routingId).toString("utf8") }),
    });
    try {
      await socket.bind(address.text);
    } catch (error) {
      socket.close();
      throw bindError(address.text, error as NodeJS.ErrnoException);
    }
    return new RouterListener(socket, handlers);
  }

  get address(): string {
    return this.#socket.lastEndpoint ?? "";
  }

  send(peer: Peer, frames: Frames): void {
    const target = peer as RouterPeer;
    if (this.#closed || target.gone) return;
    if (target.queue.length > 0) this.#enqueue(target, frames);
    else this.#write(target, frames);
  }

  queuedBytes(peer: Peer): number {
    return (peer as RouterPeer).queuedBytes;
  }

  disconnect(peer: Peer): void {
    this.#lose(peer as RouterPeer);
  }

  find(routingId: Uint8Array): Peer | undefined {
    return this.#peers.get(Buffer.from(routingId).toString("hex"));
  }

  async close(lingerMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    // Closing alone leaves the address bound until libzmq's own thread comes to it.
    await this.#socket.unbind(this.address).catch(() => undefined);
    openSockets.delete(this.#socket);
    this.#socket.linger = lingerMs;
    this.#socket.close();
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const frames: Uint8Array[] = await this.#socket.receive();
        const route = frames.shift();
        // A probe only makes its sender known.
        const isProbe = frames.length === 1 && frames[0]?.length === 0;
        if (route && !isProbe) this.#handlers.message(this.#peer(route), frames);
      }
    } catch {
      // The socket was closed under the reader: that is how this loop ends.
    }
  }

  #peer(route: Uint8Array): RouterPeer {
    const id = Buffer.from(route.buffer, route.byteOffset, route.byteLength).toString("hex");
    let peer = this.#peers.get(id);
    if (!peer) {
      if (this.#peers.size >= MAX_REMEMBERED) this.#forgetOldest();
      peer = {
        id,
        routingId: Uint8Array.from(route),
        remoteAddress: undefined,
        identity: UNKNOWN_IDENTITY,
        queue: [],
        queuedBytes: 0,
        gone: false,
      };
      this.#peers.set(id, peer);
    }
    return peer;
  }

  /** ROUTER does not tell when peers go, so what is remembered of them is bounded; a forgotten one is met anew. */
  #forgetOldest(): void {
    for (const peer of this.#peers.values()) {
      if (peer.queue.length > 0) continue;
      this.#lose(peer);
      return;
    }
  }

  #write(peer: RouterPeer, frames: Frames): void {
    try {
      this.#socket.send([peer.routingId, ...frames]).then(undefined, (error: unknown) => {
        this.#unsent(peer, frames, error);
      });
    } catch (error) {
      this.#unsent(peer, frames, error);
    }
  }

  #unsent(peer: RouterPeer, frames: Frames, error: unknown): void {
    if (this.#closed) return;
    if (this.#isBusy(error)) this.#enqueue(peer, frames);
    else this.#lose(peer);
  }

  #enqueue(peer: RouterPeer, frames: Frames): void {
    const size = sizeOf(frames);
    if (peer.queue.length > 0 && peer.queuedBytes + size > MAX_QUEUED_BYTES) {
      // The peer has not read for long; it will see its deadlines pass. Nothing more is kept for it.
      this.#lose(peer);
      return;
    }
    peer.queue.push(frames);
    peer.queuedBytes += size;
    this.#wait(peer);
  }

  /** Offers each slow peer what waits for it, until it refuses. */
  #retry(): void {
    this.#retryTimer = undefined;
    const slow = [...this.#slow];
    this.#slow.clear();
    for (const peer of slow) void this.#flush(peer);
  }

  async #flush(peer: RouterPeer): Promise<void> {
    for (let next = peer.queue[0]; next && !this.#closed; next = peer.queue[0]) {
      try {
        await this.#socket.send([peer.routingId, ...next]);
      } catch (error) {
        if (this.#isBusy(error)) this.#wait(peer);
        else this.#lose(peer);
        return;
      }
      peer.queue.shift();
      peer.queuedBytes -= sizeOf(next);
    }
  }

  #wait(peer: RouterPeer): void {
    this.#slow.add(peer);
    this.#retryTimer ??= setTimeout(() => {
      this.#retry();
    }, RETRY_MS);
  }

  #isBusy(error: unknown): boolean {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EAGAIN" || code === "EBUSY";
  }

  #lose(peer: RouterPeer): void {
    if (peer.gone) return;
    peer.gone = true;
    peer.queue = [];
    peer.queuedBytes = 0;
    this.#slow.delete(peer);
    this.#peers.delete(peer.id);
    this.#handlers.gone(peer);
  }
}

interface RouterPeer extends Peer {
  /** What waits because the peer does not read. */
  queue: Frames[];
  queuedBytes: number;
  gone: boolean;
}

/** libzmq does not tell who sent a message. */
const UNKNOWN_IDENTITY: PeerIdentity = { mechanism: "null", user: undefined, publicKey: undefined };
/** Messages that libzmq holds for one peer before it calls it slow. */
const PEER_QUEUE = 1_000;
/** Bytes that wait for one slow peer before it is given up. */
const MAX_QUEUED_BYTES = 256 * 1024 * 1024;
/** How often slow peers are offered what waits for them, in milliseconds. */
const RETRY_MS = 5;
/** Peers that are remembered. */
const MAX_REMEMBERED = 10_000;

/** libzmq checks credentials in a thread of its own, which this transport does not serve. */
function requireOpen({ security, socketType, quota, subscribers }: ListenOptions): void {
  if (subscribers) {
    throw new ConfigurationError(
      "The transport zeromq takes no subscribers beside other peers; leave the option transport away, or bind another address for them",
    );
  }
  if (quota?.isAskedFor) {
    throw new ConfigurationError(
      "The transport zeromq does not see its peers come and go, so it cannot count connections; leave the option transport away, " +
        "or the limits of connections",
    );
  }
  if ((security === undefined || security.null) && socketType === undefined) return;
  throw new ConfigurationError(
    "The transport zeromq does not know who its peers are, so it cannot keep any out; leave the option transport away",
  );
}

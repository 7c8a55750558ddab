import { type RpcError, rpcError } from "../errors.js";
import type { Gate } from "../security/gate.js";
import type { Listener, ListenerHandlers, Peer, PeerIdentity } from "../transport/index.js";
import type { Logger } from "../util/log.js";
import type { Frames } from "../wire/message.js";
import { ProvenPeers } from "./proven-peers.js";
import { Refusals } from "./refusals.js";

/** A SUB or XSUB socket that is connected to a host. */
export interface SubscriberSocket {
  /** Unique among the peers of the host, printable. */
  readonly id: string;
  /** Who it is, as far as the link has proven it. */
  readonly identity: PeerIdentity;
  /** IP address, `""` on a unix socket and inside of a process. */
  readonly remoteAddress: string | undefined;
  /** Sends a message. Never blocks; what a slow socket does not take is queued, and too much of that ends the connection. */
  send(frames: Frames): void;
  /** Bytes that it has not taken yet, as far as this process knows; 0 when it is gone. */
  readonly queuedBytes: number;
  /** Ends the connection at once, and tells {@link SubscriberHandlers.gone}. */
  disconnect(reason?: RpcError): void;
}

/** What whoever publishes is told of sockets that subscribe. Handlers must not throw. */
export interface SubscriberHandlers {
  /**
   * It wants messages that begin with a prefix, which may be empty: all of them. It did not have that subscription before.
   *
   * @param prefix - to keep
   */
  subscribed(socket: SubscriberSocket, prefix: Uint8Array): void;
  /** It wants them no more. It had that subscription. */
  unsubscribed(socket: SubscriberSocket, prefix: Uint8Array): void;
  /** It is gone, and its subscriptions with it. Called once, last, for each socket that has ever subscribed to anything. */
  gone(socket: SubscriberSocket): void;
  /** Everything that was sent to it has left this process; {@link SubscriberSocket.queuedBytes} is 0 again. */
  drained(socket: SubscriberSocket): void;
}

/** Options of {@link SubscriberEndpoint}. */
export interface SubscriberEndpointOptions {
  /** Told of the sockets. */
  readonly handlers: SubscriberHandlers;
  /** Who may come in; absent: everybody. */
  readonly gate: Gate | undefined;
  /** Told of what is refused. */
  readonly log: Logger;
}

/** The sockets that subscribe at one bound address: what each of them wants, and no more than it may. */
export class SubscriberEndpoint implements ListenerHandlers {
  readonly #handlers: SubscriberHandlers;
  readonly #log: Logger;
  readonly #proven: ProvenPeers;
  readonly #refusals: Refusals;
  readonly #sockets = new Map<Peer, Subscriber>();
  #listener: Listener | undefined;

  constructor({ handlers, gate, log }: SubscriberEndpointOptions) {
    this.#handlers = handlers;
    this.#log = log;
    this.#proven = new ProvenPeers(gate, log);
    this.#refusals = new Refusals(log);
  }

  /** Where the sockets are connected; whoever attaches it closes it. */
  attach(listener: Listener): void {
    this.#listener = listener;
  }

  /** Others are trusted now: who is not any more has to go. */
  recheck(): Promise<void> {
    return this.#proven.recheck(this.#listener);
  }

  joined(peer: Peer): void {
    this.#proven.joined(peer);
  }

  refused(peer: Peer, reason: RpcError): void {
    this.#refusals.refused(peer, reason);
  }

  message(peer: Peer, frames: Frames): void {
    const [frame] = frames;
    const listener = this.#listener;
    if (!frame || !listener) return;
    // What came may lie in a large buffer with much else.
    const prefix = Buffer.from(frame.subarray(1));
    if (frame[0] === SUBSCRIBE) this.#subscribe(listener, peer, prefix);
    else this.#unsubscribe(peer, prefix);
  }

  drained(peer: Peer): void {
    const socket = this.#sockets.get(peer);
    if (socket) this.#handlers.drained(socket);
  }

  gone(peer: Peer): void {
    this.#proven.gone(peer);
    const socket = this.#sockets.get(peer);
    if (!socket) return;
    this.#sockets.delete(peer);
    this.#handlers.gone(socket);
  }

  #subscribe(listener: Listener, peer: Peer, prefix: Buffer): void {
    let socket = this.#sockets.get(peer);
    if (!socket) {
      socket = new Subscriber(listener, peer);
      this.#sockets.set(peer, socket);
    }
    const key = prefix.toString("latin1");
    if (socket.prefixes.has(key)) return;
    const bytes = socket.prefixBytes + prefix.length;
    if (socket.prefixes.size >= MAX_SUBSCRIPTIONS || bytes > MAX_PREFIX_BYTES) {
      const text = `more than ${MAX_SUBSCRIPTIONS} subscriptions, or ${MAX_PREFIX_BYTES} octets of them, on one connection`;
      this.#log.warn(`${peer.identity.user ?? peer.id} wanted ${text}; the connection is closed`);
      socket.disconnect(rpcError("OVERLOADED", `The peer wanted ${text}`));
      return;
    }
    socket.prefixes.add(key);
    socket.prefixBytes = bytes;
    this.#handlers.subscribed(socket, prefix);
  }

  #unsubscribe(peer: Peer, prefix: Buffer): void {
    const socket = this.#sockets.get(peer);
    if (!socket?.prefixes.delete(prefix.toString("latin1"))) return;
    socket.prefixBytes -= prefix.length;
    this.#handlers.unsubscribed(socket, prefix);
  }
}

class Subscriber implements SubscriberSocket {
  readonly id: string;
  readonly identity: PeerIdentity;
  readonly remoteAddress: string | undefined;
  /** What it wants, in Latin-1. Not how often: libzmq cancels once what it has subscribed to several times (docs/zmtp.md). */
  readonly prefixes = new Set<string>();
  /** Their length, in octets. */
  prefixBytes = 0;
  readonly #listener: Listener;
  readonly #peer: Peer;

  constructor(listener: Listener, peer: Peer) {
    this.#listener = listener;
    this.#peer = peer;
    this.id = peer.id;
    this.identity = peer.identity;
    this.remoteAddress = peer.remoteAddress;
  }

  get queuedBytes(): number {
    return this.#listener.queuedBytes(this.#peer);
  }

  send(frames: Frames): void {
    this.#listener.send(this.#peer, frames);
  }

  disconnect(reason?: RpcError): void {
    this.#listener.disconnect(this.#peer, reason);
  }
}

/** First octet of a message that subscribes (RFC 29). */
const SUBSCRIBE = 1;
/** What one socket may want; whoever publishes looks all of it up … */
const MAX_SUBSCRIPTIONS = 10_000;
/** … and keeps it. */
const MAX_PREFIX_BYTES = 1 << 20;

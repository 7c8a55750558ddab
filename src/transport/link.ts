import type { RpcError } from "../errors.js";
import type { Frames } from "../wire/message.js";
import type { Address } from "./address.js";
import type { ConnectionQuota } from "./connection-quota.js";
import type { LinkSecurity, ListenerSecurity, PeerIdentity } from "./security.js";

/** What a link tells its owner. Handlers must not throw. */
export interface LinkHandlers {
  /**
   * The connection is made; messages may be sent. Called once at most.
   *
   * @param end - what stands there; links that do not know give nothing
   */
  opened(end?: RemoteEnd): void;
  /** A message came. */
  message(frames: Frames): void;
  /**
   * The connection is gone, or was never made; everything that came before has been delivered. Called once, last, also
   * after {@link Link.close}.
   */
  closed(reason: RpcError): void;
}

/** What stands at the other end of a link. */
export interface RemoteEnd {
  /** Who it is, as far as the link has proven it. */
  readonly identity: PeerIdentity;
  /** The name that it tells its peers; empty for none. */
  readonly routingId: Uint8Array;
}

/**
 * One connection to one address, for the length of its life: connecting, open, closed. A link never reconnects; whoever
 * wants another connection opens another link. So nothing that was sent before a break can arrive after it.
 */
export interface Link {
  /**
   * Sends one message; only while open. Never blocks. The bytes belong to the link until the answer is there.
   *
   * @param unsent - called when the message turned out not to have left this process
   */
  send(frames: Frames, unsent: (reason: RpcError) => void): void;
  /**
   * Closes at once; what is queued is dropped. Idempotent.
   *
   * @param reason - told through {@link LinkHandlers.closed}; default `CLOSED`
   */
  close(reason?: RpcError): void;
}

/**
 * Kinds of ZeroMQ sockets that can stand at the ends (RFC 28). What a `SUB` link sends are subscriptions, messages of one frame: 1 to
 * subscribe or 0 to end it, and the prefix (RFC 29).
 */
export type SocketType = "DEALER" | "ROUTER" | "REQ" | "REP" | "SUB" | "XPUB";

/** Options of {@link Transport.connect}. */
export interface LinkOptions {
  /** A message from outside larger than this breaks the connection; in bytes. */
  readonly maxMessageBytes: number;
  /** How this end proves who it is; default not at all. */
  readonly security?: LinkSecurity | undefined;
  /**
   * Lets the other end in, although this one connects: the other end proves who it is, and `security` does not count. Default: it
   * is this end that proves.
   */
  readonly admission?: ListenerSecurity | undefined;
  /** What this end says it is; default `DEALER`. */
  readonly socketType?: SocketType | undefined;
  /** The name by which a ROUTER at the other end knows this one; default none. */
  readonly routingId?: Uint8Array | undefined;
  /** Send an empty message first, so that a ROUTER knows this end before it says anything. Default false. */
  readonly probe?: boolean | undefined;
}

/** Options of {@link Transport.listen}. */
export interface ListenOptions {
  /** A message from outside much larger than this breaks the connection; in bytes. */
  readonly maxMessageBytes: number;
  /** Which peers may come in; default all. */
  readonly security?: ListenerSecurity | undefined;
  /** Proves who this end is to peers that connect, which let it in, and not the other way round: `security` does not count. */
  readonly proof?: LinkSecurity | undefined;
  /** What this end says it is; default `ROUTER`. */
  readonly socketType?: SocketType | undefined;
  /** The name that this end tells its peers; default none. */
  readonly routingId?: Uint8Array | undefined;
  /** Bytes that may wait for a peer that does not read, before it is given up; default 256 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** Counts the peers, together with those of other listeners that have the same one; default: one of its own, with its defaults. */
  readonly quota?: ConnectionQuota | undefined;
  /**
   * Told of SUB and XSUB sockets that connect here, apart from all other peers; to them the listener is an XPUB socket. What they
   * subscribe to comes as messages of one frame: 1 to subscribe or 0 to end it, and the prefix (RFC 29). Default: they are refused.
   */
  readonly subscribers?: ListenerHandlers | undefined;
}

/** What a listener tells its owner. Handlers must not throw. */
export interface ListenerHandlers {
  /** A peer has come and its handshake is done. Links that cannot see it never call this. */
  joined?(peer: Peer): void;
  /** A peer was not let in. Links that cannot see it never call this. */
  refused?(peer: Peer, reason: RpcError): void;
  /**
   * A peer asked for a routing id that belongs to another one, and has not proven that it is the same. It is let in without one.
   * Links that cannot see it never call this.
   */
  taken?(peer: Peer, holder: Peer): void;
  /** A message came. `peer` names its sender for {@link Listener.send}, and stays the same for its connection. */
  message(peer: Peer, frames: Frames): void;
  /** A peer is found to be gone: answers to it are pointless. Links that cannot see it may call this late, or never. */
  gone(peer: Peer): void;
  /** {@link Listener.queuedBytes} of a peer is 0 again, after something was sent to it. Links that cannot see it never call this. */
  drained?(peer: Peer): void;
}

/** The sender of a message at a listener. */
export interface Peer {
  /** Unique among the listener's peers, printable. */
  readonly id: string;
  /** IP address, `""` on a unix socket; `undefined` where the link does not know. */
  readonly remoteAddress: string | undefined;
  /** Who it is, as far as the link has proven it. */
  readonly identity: PeerIdentity;
  /** The routing id that it asked for, or that the link gave it; empty for none, and where another peer has that id. */
  readonly routingId: Uint8Array;
}

/** A bound address. */
export interface Listener {
  /** The real address, with the real port. */
  readonly address: string;
  /** Sends to a peer. Never blocks; what a slow peer does not take is queued up to a limit. */
  send(peer: Peer, frames: Frames): void;
  /** Bytes that a peer has not taken yet, as far as this process knows. */
  queuedBytes(peer: Peer): number;
  /** Ends the connection of a peer at once. Links that cannot do it forget the peer. */
  disconnect(peer: Peer, reason?: RpcError): void;
  /** The peer of a routing id, if it is there. */
  find(routingId: Uint8Array): Peer | undefined;
  /**
   * Stops listening and closes. What was sent is flushed for at most `lingerMs`. Idempotent; settles when the address is
   * free again.
   */
  close(lingerMs: number): Promise<void>;
}

/** What a transport can do. Settings that need more refuse to start. */
export interface TransportAbilities {
  /** Does a listener know which user or key sent each message? */
  readonly knowsUser: boolean;
  /** Does a listener see each peer come and go? */
  readonly seesPeers: boolean;
  /** Does a listener take SUB sockets beside its other peers ({@link ListenOptions.subscribers})? */
  readonly takesSubscribers: boolean;
  /** How ends can prove who they are. */
  readonly security: readonly LinkSecurity["mechanism"][];
  /** Schemes of its addresses. */
  readonly schemes: readonly Address["scheme"][];
}

/** A way to move frames. New transports are one folder each; all are listed in `transport/index.ts`. */
export interface Transport {
  /** What options and messages call it. */
  readonly name: string;
  /** What it can do. */
  readonly abilities: TransportAbilities;
  /**
   * Starts connecting. Failures are told through {@link LinkHandlers.closed}.
   *
   * @throws ConfigurationError for an address that this transport cannot use
   */
  connect(address: string, handlers: LinkHandlers, options: LinkOptions): Link;
  /**
   * Binds an address.
   *
   * @throws ConfigurationError for a wrong address, a port in use or a forbidden one
   */
  listen(address: string, handlers: ListenerHandlers, options: ListenOptions): Promise<Listener>;
}

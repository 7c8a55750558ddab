import type { RpcError } from "../errors.js";
import type { Frames } from "../wire/message.js";

/** What a link tells its owner. Handlers must not throw. */
export interface LinkHandlers {
  /** The connection is made; messages may be sent. Called once at most. */
  opened(): void;
  /** A message came. */
  message(frames: Frames): void;
  /**
   * The connection is gone, or was never made; everything that came before has been delivered. Called once, last, also
   * after {@link Link.close}.
   */
  closed(reason: RpcError): void;
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

/** Options of {@link Transport.connect} and {@link Transport.listen}. */
export interface LinkOptions {
  /** A message from outside larger than this breaks the connection; in bytes. */
  readonly maxMessageBytes: number;
}

/** What a listener tells its owner. Handlers must not throw. */
export interface ListenerHandlers {
  /** A message came. `peer` names its sender for {@link Listener.send}, and stays the same for its connection. */
  message(peer: Peer, frames: Frames): void;
  /** A peer is found to be gone: answers to it are pointless. Links that cannot see it never call this. */
  gone(peer: Peer): void;
}

/** The sender of a message at a listener. */
export interface Peer {
  /** Unique among the listener's peers, printable. */
  readonly id: string;
}

/** A bound address. */
export interface Listener {
  /** The real address, with the real port. */
  readonly address: string;
  /** Sends to a peer. Never blocks; what a slow peer does not take is queued up to a limit. */
  send(peer: Peer, frames: Frames): void;
  /**
   * Stops listening and closes. What was sent is flushed for at most `lingerMs`. Idempotent; settles when the address is
   * free again.
   */
  close(lingerMs: number): Promise<void>;
}

/** A way to move frames. New transports are one folder each; all are listed in `transport/index.ts`. */
export interface Transport {
  /** What options and messages call it. */
  readonly name: string;
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
  listen(address: string, handlers: ListenerHandlers, options: LinkOptions): Promise<Listener>;
}

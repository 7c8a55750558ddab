import type { Duplex } from "node:stream";
import type { RpcError } from "../../errors.js";
import type { ConnectionQuota } from "../connection-quota.js";

/** What an {@link OctetStream} tells its owner. Handlers must not throw. */
export interface StreamHandlers {
  /** It can be written to; over TLS the handshake is done. Called once at most, and before anything else. */
  opened(): void;
  /** Octets came, cut anywhere; they are the owner's from then on. Not called while the stream is paused. */
  octets(chunk: Buffer): void;
  /** It encrypts from now on, as {@link OctetStream.startTls} was to make it. */
  secured?(): void;
  /**
   * The other end has ended the stream or reset it while this end reads nothing ({@link OctetStream.pause}): whoever waits for
   * something else need not wait any longer. What came before is still delivered after {@link OctetStream.resume}, and `closed`
   * follows then. Called once at most; an end behind more than 64 KiB that were not read, and a reset, is seen no sooner than
   * this end reads on, or writes.
   *
   * @param reason - how it went; this end's own where it had closed the stream before
   */
  gone?(reason: RpcError): void;
  /**
   * The stream is gone, or was never made; everything that came before has been delivered. Called once, last, also after
   * {@link OctetStream.end} and, before it returns, by {@link OctetStream.destroy}; not after {@link OctetStream.detach}.
   */
  closed(reason: RpcError): void;
}

/**
 * How an end of a stream proves who it is over TLS, and whom it believes; PEM. An object that was given must not change
 * any more: what is made of it is kept for the next connection.
 */
export interface StreamTls {
  /**
   * Its certificate, with those that lead to an authority. Default: none; an end that accepts, which needs one, then shows a
   * throw-away certificate that it has signed itself.
   */
  readonly cert?: string | Uint8Array | undefined;
  /** The certificate's private key; not without `cert`. */
  readonly key?: string | Uint8Array | undefined;
  /** Authorities, instead of those that Node.js knows: the other end has to show a certificate of theirs, unless `verify` is `false`. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /**
   * Must the other end prove who it is? Default: at the end that connects to a `tls://` address yes, by `ca` or else by the
   * authorities that Node.js knows; elsewhere if there is `ca`.
   */
  readonly verify?: boolean | undefined;
  /**
   * The name or IP address that the other end's certificate has to be for, where it is verified; an end that connects also asks for
   * it. Default: the host of the address that was connected to; of who was accepted, and on unix sockets, any name will do.
   */
  readonly serverName?: string | undefined;
}

/** Who is at the other end of a stream. */
export interface StreamPeer {
  /** IP address; `""` on a unix socket. */
  readonly remoteAddress: string;
  /** The certificate that it has proven to hold, in DER; `undefined` for none, and where nothing was verified. */
  readonly certificate: Uint8Array | undefined;
}

/** One connection that carries octets both ways, for the length of its life. It never reconnects. */
export interface OctetStream {
  /** Was it accepted here? If not, this end has connected. */
  readonly isAccepted: boolean;
  /** Who is there. */
  readonly peer: StreamPeer;
  /** Octets that were written and have not left this process. */
  readonly queuedBytes: number;
  /** Is it encrypted? */
  readonly isSecure: boolean;
  /** Queues octets, which must not change any more. What is written in one turn of the event loop leaves together. */
  write(octets: Uint8Array): void;
  /**
   * Tells no more, until {@link OctetStream.resume}: neither octets nor `closed`. A little is read on, so that the other end's going
   * is seen ({@link StreamHandlers.gone}); then the other end has to wait. A stream that is not open yet may fail.
   */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /**
   * Goes on under TLS: the end that connected is its client. What is written from now on is encrypted; before it leaves, what was
   * queued has. The stream reads again as soon as it is secure (`secured`), and closes when that fails.
   *
   * @param rest - what was told already and belongs to TLS; what came behind it follows by itself
   * @throws ConfigurationError when the options cannot be used (`requireStreamTls`), the stream is not open yet, or it is encrypted
   *   already; the stream is as it was
   */
  startTls(options: StreamTls, rest: Uint8Array): void;
  /**
   * Writes what is queued, ends, and closes as soon as the other end has ended too, after a second in any case. What comes meanwhile
   * is delivered. Idempotent.
   */
  end(reason?: RpcError): void;
  /** Closes at once; what is queued is dropped. Idempotent. */
  destroy(reason?: RpcError): void;
  /**
   * Gives the connection away: nothing more is told to the handlers, and whoever gets it closes it. What was written leaves first.
   * When the other end ends and that was read, this one ends as well, unless `allowHalfOpen` is set. It still counts for the listener's quota until it is closed. Errors
   * that nobody listens for do not end the process; `close` is emitted in any case.
   *
   * @param rest - what was told already and is the new owner's to read; what came behind it follows by itself
   * @throws UnavailableError when the stream is not open
   */
  detach(rest: Uint8Array): Duplex;
}

/** Options of `connectStream`. */
export interface StreamOptions {
  /**
   * For `tls://` addresses; elsewhere it is not looked at, and {@link OctetStream.startTls} gets its own. Default: nothing is shown
   * but what an end that accepts has to show, and who connects believes the authorities that Node.js knows.
   */
  readonly tls?: StreamTls | undefined;
  /** Octets that may wait for the other end to read before the stream is destroyed; default 256 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** Milliseconds for a handshake of TLS, after which the stream is destroyed; default 10,000. */
  readonly handshakeTimeoutMs?: number | undefined;
}

/** Options of `listenStreams`. */
export interface StreamListenOptions extends StreamOptions {
  /** Counts the connections, together with those of other listeners that have the same one; default: one of its own. */
  readonly quota?: ConnectionQuota | undefined;
  /**
   * A connection was not let in: there were too many, or its handshake failed. It must not throw.
   *
   * @param remoteAddress - where it came from; `""` for a unix socket
   */
  readonly onRefused?: ((remoteAddress: string, reason: RpcError) => void) | undefined;
}

/** A bound address of streams. */
export interface StreamListener {
  /** The real address, with the real port. */
  readonly address: string;
  /** Stops listening; settles when the address is free. Streams that were accepted stay. Idempotent. */
  close(): Promise<void>;
}

import type { Duplex } from "node:stream";
import type { RpcError } from "../../errors.js";
import type { StreamTls } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import type { AmpDialect, Box, BoxLimits } from "../../wire/amp/index.js";
import type { AmpCallOptions } from "./calls.js";
import type { CommandLike } from "./command.js";
import type { CommandArguments } from "./command-types.js";
import type { AmpPeer } from "./locator.js";

/** What is known of a connection; it is always of the moment at which it is looked at. */
export interface AmpPeerInfo {
  /** The other end, for people: the address that was connected to, or where it comes from. */
  readonly label: string;
  /** IP address of the other end; `""` on a unix socket. */
  readonly remoteAddress: string;
  /** The certificate that it has proven to hold, in DER; `undefined` for none. */
  readonly certificate: Uint8Array | undefined;
  /** Is the connection encrypted? */
  readonly isSecure: boolean;
  /** Can calls be made? */
  readonly isOpen: boolean;
  /** Why it ended; `undefined` while it has not. */
  readonly closedReason: RpcError | undefined;
  /** Calls of this end that wait for an answer. */
  readonly pending: number;
  /** Calls of the other end that run here. */
  readonly running: number;
}

/** What can be done with the other end of a connection, besides calling its commands. */
export interface AmpVerbs extends AmpPeer {
  /**
   * Calls a command by its name, with values as they travel. Twisted: `callRemoteString`.
   *
   * @throws RemoteAmpError with the code, whatever it is, for what the other end has told
   */
  callBox(name: string, values: Box, options?: AmpCallOptions): Promise<Box>;
  /**
   * Goes on under TLS; calls that are made meanwhile wait for that. Twisted: `callRemote(StartTLS)`.
   *
   * @param tls - what this end shows, and by whom the other end has to be known; default what the option `tls` says. Without `ca` and
   * `verify` it may be anybody
   * @throws OnlyOneTlsError, `not-sent`, when the connection is encrypted already, or about to be
   * @throws RpcError when the other end refuses, and the connection goes on; or when the handshake fails, and it has ended
   */
  startTls(tls?: StreamTls, options?: AmpCallOptions): Promise<void>;
  /**
   * Calls a command that switches the connection to something else. From then on nothing can be called any more, unless it fails.
   *
   * @returns the connection, at the first octet that is not AMP; its new owner closes it
   * @throws ProtocolSwitchedError, `not-sent`, when that was done before
   * @throws what the command's errors are, and the connection goes on
   */
  switchProtocol<C extends CommandLike>(
    command: C,
    args: CommandArguments<C>,
    options?: AmpCallOptions,
  ): Promise<Duplex>;
  /** Writes what is queued and closes the connection; calls that wait fail with `unknown`. Idempotent. */
  close(): Promise<void>;
  /** Settles with the reason when the connection has ended, whoever has ended it. */
  readonly closed: Promise<RpcError>;
  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What both ends of a connection can be told. */
export interface AmpOptions {
  /** Whom the boxes are for; default `twisted`, which everybody but peers of asyncio-amp takes (docs/amp-wire.md, section 5). */
  readonly dialect?: AmpDialect | undefined;
  /** Milliseconds until calls fail that do not say themselves; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * What this end shows over TLS, and whom it believes: at `tls://` addresses, and when the other end calls StartTLS. `false`: that is
   * refused. Default: an accepting end shows a throw-away certificate.
   */
  readonly tls?: StreamTls | false | undefined;
  /** How large boxes may be that come; default 64 MiB and 10,000 pairs. */
  readonly limits?: Partial<BoxLimits> | undefined;
  /** Calls of one connection that may wait for an answer at the same time; default 100,000. */
  readonly maxInFlight?: number | undefined;
  /** Calls of the other end that run at the same time, of each connection; default 10,000. */
  readonly maxRunning?: number | undefined;
  /** Octets that may wait for the other end to read before the connection is given up; default 256 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** Told of errors that the other end sees only as a fixed text; default nothing. */
  readonly log?: Logger | undefined;
}

import type { Duplex } from "node:stream";
import type { RpcError } from "../../errors.js";
import type { StreamTls } from "../../transport/index.js";
import type { Box } from "../../wire/amp/index.js";
import type { AmpCallOptions, CallParameters } from "./calls.js";
import type { CommandLike } from "./command.js";
import type { CommandResponse, SwitchingCommand } from "./command-types.js";

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

/** The other end of a connection, and what can be done with it: responders get it, and proxies of {@link connectAmp} are it too. */
export interface AmpPeer {
  /**
   * Calls a command there.
   *
   * @throws BadRequestError, `not-sent`, for arguments that are missing, wrong or not declared
   * @throws what the command's errors are
   */
  callRemote<C extends CommandLike>(command: C, ...call: CallParameters<C>): Promise<CommandResponse<C>>;
  /** Who it is, as far as the connection knows: where it comes from, and the certificate that it has proven to hold. */
  readonly info: AmpPeerInfo;
  /**
   * Calls a command by its name, with values as they travel. Twisted: `callRemoteString`.
   *
   * @throws MethodNotFoundError, `not-executed`, where there is no such command
   * @throws RemoteAmpError with the code, whatever else the other end has told
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
  switchProtocol<C extends SwitchingCommand>(command: C, ...call: CallParameters<C>): Promise<Duplex>;
  /** Writes what is queued and closes the connection; calls that wait fail with `unknown`. Idempotent. */
  close(): Promise<void>;
  /** Settles with the reason when the connection has ended, whoever has ended it. */
  readonly closed: Promise<RpcError>;
  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

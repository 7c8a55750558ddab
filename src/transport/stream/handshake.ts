import type { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { RpcError, rpcError } from "../../errors.js";
import type { StreamTls } from "./stream.js";
import { brokenHandshake, certificateFailure, tlsFailure } from "./tls-failure.js";
import { acceptingServer, clientContext, type HandshakeEnd, type ServerView } from "./tls-settings.js";

/** One end of a handshake. */
export interface HandshakeOptions {
  /** Was the connection accepted here? Then this end is the server of TLS. */
  readonly isAccepted: boolean;
  /** What it shows and believes. */
  readonly tls: StreamTls;
  /** Must the other end prove who it is, where `tls` does not say? Default: if there are authorities. */
  readonly verify: boolean | undefined;
  /** The name that the other end's certificate is for, where `tls` does not say. */
  readonly host: string | undefined;
  /** What people know the other end by. */
  readonly name: string;
}

/** A connection that is encrypted. */
export interface SecuredSocket {
  /** Reads and writes clear octets. */
  readonly socket: TLSSocket;
  /** What the other end has proven to hold, in DER; `undefined` where nothing was verified. */
  readonly certificate: Uint8Array | undefined;
}

/**
 * Encrypts a connection as soon as what was written to it has left; it belongs to TLS from then on. What the socket had read
 * already and nobody has taken is the beginning of the other end's handshake. It knows no deadline: destroying the socket ends it.
 *
 * @param isWanted - looked at when everything has left: is it still to be?
 * @param done - called once, if it was
 */
export function shakeHands(
  raw: Socket,
  options: HandshakeOptions,
  isWanted: () => boolean,
  done: (end: SecuredSocket | RpcError) => void,
): void {
  const begin = (): void => {
    if (isWanted()) beginHandshake(raw, options, done);
  };
  // TLS writes below the socket: what waits inside of it has to leave first.
  if (raw.writableLength === 0) begin();
  else raw.write(NOTHING, begin);
}

function beginHandshake(raw: Socket, options: HandshakeOptions, done: (end: SecuredSocket | RpcError) => void): void {
  const { isAccepted, tls, name } = options;
  const verify = tls.verify ?? options.verify ?? tls.ca !== undefined;
  const expected = tls.serverName ?? options.host;
  let isDone = false;
  const settle: HandshakeEnd = (end) => {
    if (isDone) return;
    isDone = true;
    if (end instanceof Error) {
      done(end.code === "ECONNRESET" ? brokenHandshake(name, end) : tlsFailure(name, end));
      return;
    }
    // To be asked once: Node.js takes the certificate out of what it keeps, and has none the next time.
    const certificate = verify ? end.getPeerX509Certificate() : undefined;
    const objection = verify ? objectionTo(certificate, end, expected) : undefined;
    if (objection === undefined) {
      end.allowHalfOpen = true;
      done({ socket: end, certificate: certificate?.raw });
      return;
    }
    end.on("error", () => undefined);
    end.destroy();
    done(rpcError("ACCESS_DENIED", `${name} ${objection}`));
  };
  // Who ends during the handshake is not waited for.
  raw.allowHalfOpen = false;
  if (isAccepted) accept(raw, tls, settle);
  else connectOver(raw, tls, expected, settle);
}

/**
 * Node.js tells a server of all its handshakes, and not on which connection they were. So each connection gets a view of the
 * server that inherits everything, and is told itself.
 */
function accept(raw: Socket, tls: StreamTls, told: HandshakeEnd): void {
  const view = Object.create(acceptingServer(tls)) as ServerView;
  view.told = told;
  view.emit("connection", raw);
}

function connectOver(raw: Socket, tls: StreamTls, name: string | undefined, told: HandshakeEnd): void {
  const socket = connect({
    socket: raw,
    secureContext: clientContext(tls),
    // RFC 6066 has names there, and no IP addresses.
    ...(name !== undefined && isIP(name) === 0 && { servername: name }),
    // It is looked at below, so that both ends say the same of the same certificate.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  socket.once("secureConnect", () => {
    socket.off("error", told);
    told(socket);
  });
  socket.on("error", told);
}

/** What speaks against the certificate that the other end has shown. */
function objectionTo(
  certificate: X509Certificate | undefined,
  socket: TLSSocket,
  name: string | undefined,
): string | undefined {
  if (!certificate) return "shows no certificate";
  // The type says Error, and it is one of OpenSSL's words.
  if (!socket.authorized) return certificateFailure(String(socket.authorizationError));
  if (name === undefined || (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)))
    return undefined;
  return `shows a certificate that is not for ${name}`;
}

const NOTHING = new Uint8Array(0);

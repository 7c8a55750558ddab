import { X509Certificate } from "node:crypto";
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";
import { ConfigurationError, type RpcError } from "../../errors.js";
import { throwAwayCertificate } from "./self-signed.js";
import type { StreamTls } from "./stream.js";

/** Gets what became of a handshake: an encrypted socket, of which nothing is believed yet, or what went wrong. */
export type HandshakeEnd = (end: TLSSocket | NodeJS.ErrnoException) => void;

/** A server of TLS as one connection sees it. */
export interface ServerView extends Server {
  /** Where the connection's handshake is told. */
  told: HandshakeEnd;
}

/**
 * What the end of a connection that connected shows. Made once for each options, and once for all that hold no PEM.
 *
 * @throws ConfigurationError for unusable PEM
 */
export function clientContext(options: StreamTls): SecureContext {
  const key = hasMaterial(options) ? options : NO_TLS;
  let context = contexts.get(key);
  if (!context) {
    context = checked(key, () => createSecureContext(material(key)));
    contexts.set(key, context);
  }
  return context;
}

/**
 * What makes the accepting ends of TLS. It listens nowhere; sockets are given to a {@link ServerView} of it. Made once for each
 * options, and once for all that hold no PEM and verify alike.
 *
 * @throws ConfigurationError for unusable PEM
 */
export function acceptingServer(options: StreamTls): Server {
  const key = hasMaterial(options) ? options : options.verify ? ONLY_VERIFIED : NO_TLS;
  let server = servers.get(key);
  if (!server) {
    server = checked(key, () => makeServer(key));
    servers.set(key, server);
  }
  return server;
}

/** Do options hold anything that has to be read? */
export function hasMaterial({ cert, key, ca }: StreamTls): boolean {
  return cert !== undefined || key !== undefined || ca !== undefined;
}

const NO_TLS: StreamTls = {};
const ONLY_VERIFIED: StreamTls = { verify: true };
const contexts = new WeakMap<StreamTls, SecureContext>();
const servers = new WeakMap<StreamTls, Server>();

function makeServer(options: StreamTls): Server {
  const server = createServer({
    ...(options.cert === undefined && throwAwayCertificate()),
    ...material(options),
    requestCert: options.verify ?? options.ca !== undefined,
    // Node.js would close without a word; who looks at the certificate says why.
    rejectUnauthorized: false,
  });
  // Events come from the view that the connection was given to.
  server.on("secureConnection", function (this: ServerView, socket: TLSSocket) {
    this.told(socket);
  });
  server.on("tlsClientError", function (this: ServerView, error: Error) {
    this.told(error);
  });
  return server;
}

interface Material {
  cert?: Buffer;
  key?: Buffer;
  ca?: Buffer[];
}

function material({ cert, key, ca }: StreamTls): Material {
  return {
    ...(cert !== undefined && { cert: pem(cert) }),
    ...(key !== undefined && { key: pem(key) }),
    ...(ca !== undefined && { ca: authorities(ca).map(pem) }),
  };
}

function authorities(ca: NonNullable<StreamTls["ca"]>): readonly (string | Uint8Array)[] {
  return typeof ca === "string" || ca instanceof Uint8Array ? [ca] : ca;
}

/** Octets even of a text: Node.js takes an empty text for none. */
function pem(text: string | Uint8Array): Buffer {
  return Buffer.from(text);
}

function checked<T>(options: StreamTls, make: () => T): T {
  const { cert, key, ca } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigurationError("The options tls.cert and tls.key belong together, and one of them is missing");
  }
  try {
    // OpenSSL says nothing about authorities that it cannot read.
    for (const one of ca === undefined ? [] : authorities(ca)) new X509Certificate(pem(one));
    return make();
  } catch (error) {
    throw unusable(error as Error);
  }
}

function unusable(error: Error): RpcError {
  return new ConfigurationError(
    `The options tls.cert, tls.key and tls.ca are PEM, and cannot be used: ${error.message}`,
    {
      cause: error,
    },
  );
}

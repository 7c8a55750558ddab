import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { ConfigurationError } from "../errors.js";
import type { Logger } from "../util/log.js";
import { sleep } from "../util/sleep.js";
import { isLoopback } from "./loopback.js";
import { WEB_DEFAULTS, type WebGatewayOptions } from "./options.js";

/** A server that listens. */
export interface ListeningServer {
  /** Where it listens. */
  readonly url: string;
  /** Takes no more connections, and waits for those that are being answered, but no longer than `drainMs` milliseconds. */
  close(drainMs: number): Promise<void>;
}

/**
 * Starts a server with the limits of the options.
 *
 * @param address - `HOST:PORT`, either may be left out
 * @throws ConfigurationError for a wrong address, or one that cannot be bound
 */
export async function startServer(
  address: string,
  listener: RequestListener,
  options: WebGatewayOptions,
  log: Logger,
): Promise<ListeningServer> {
  const { host, port } = parseWebAddress(address);
  const headersTimeout = options.headersTimeoutMs ?? WEB_DEFAULTS.headersTimeoutMs;
  const requestTimeout = options.requestTimeoutMs ?? WEB_DEFAULTS.requestTimeoutMs;
  const server = createServer(
    {
      headersTimeout: Math.min(headersTimeout, requestTimeout),
      requestTimeout,
      maxHeaderSize: options.maxHeaderBytes ?? WEB_DEFAULTS.maxHeaderBytes,
      // Node looks at these deadlines every half a minute by itself.
      connectionsCheckingInterval: Math.min(1_000, headersTimeout),
    },
    listener,
  );
  const unused = new Set<Duplex>();
  server.on("connection", (socket) => {
    unused.add(socket);
    socket.once("close", () => {
      unused.delete(socket);
    });
  });
  server.on("request", ({ socket }) => {
    unused.delete(socket);
  });
  server.maxConnections = options.maxConnections ?? WEB_DEFAULTS.maxConnections;
  server.maxHeadersCount = MAX_HEADERS;
  server.listen(port, host.replace(/^\[(.*)\]$/, "$1"));
  try {
    await once(server, "listening");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === "EADDRINUSE" ? "it is in use; stop who uses it, or take another port (0 takes a free one)" : message;
    throw new ConfigurationError(`Cannot listen on http://${host}:${port}: ${reason}`, {
      service: `http://${host}:${port}`,
      cause: error,
    });
  }
  const bound = server.address();
  const url = `http://${host}:${typeof bound === "object" && bound ? bound.port : port}`;
  if (!isLoopback(host)) {
    log.warn(
      `${url} can be reached from other machines: everybody there may call what the gateway offers, in clear text. Put a proxy with ` +
        "TLS and log-in before it, name what may be called (allow), or listen on 127.0.0.1",
    );
  }
  return { url, close: (drainMs) => closeServer(server, unused, drainMs) };
}

async function closeServer(server: Server, unused: ReadonlySet<Duplex>, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  // Browsers open connections before they need them, which Node does not count among the idle ones.
  for (const socket of unused) socket.destroy();
  // A connection whose request is answered stays for the next, and nobody says when it has come to that.
  const sweeper = setInterval(() => {
    server.closeIdleConnections();
  }, SWEEP_MS);
  const drained = new AbortController();
  await Promise.race([closed, sleep(drainMs, drained.signal)]);
  drained.abort();
  clearInterval(sweeper);
  server.closeAllConnections();
  await closed;
}

function parseWebAddress(address: string): { readonly host: string; readonly port: number } {
  const found = /^(?:http:\/\/)?(\[[0-9a-f:.]+\]|[^:/[\]]+)?(?::(\d{1,5}))?\/?$/i.exec(address);
  const port = Number(found?.[2] ?? 8080);
  if (!found || port > 65_535) {
    throw new ConfigurationError(
      `An address for HTTP is HOST:PORT, such as "127.0.0.1:8080" or "[::1]:0", got ${JSON.stringify(address)}`,
    );
  }
  return { host: found[1] ?? "127.0.0.1", port };
}

const SWEEP_MS = 20;
/** Of one request; the rest is dropped. */
const MAX_HEADERS = 100;

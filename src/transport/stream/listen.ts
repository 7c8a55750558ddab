import { createServer, type Server, type Socket } from "node:net";
import { RpcError, rpcError } from "../../errors.js";
import { thrownText } from "../../util/thrown-text.js";
import { bindServer } from "../bind-server.js";
import { ConnectionQuota } from "../connection-quota.js";
import { openSockets } from "../open-sockets.js";
import { parseStreamAddress, streamSettings } from "./connect.js";
import { requireStreamTls } from "./require-tls.js";
import type { StreamSettings } from "./settings.js";
import { SocketStream } from "./socket-stream.js";
import type { OctetStream, StreamHandlers, StreamListener, StreamListenOptions } from "./stream.js";

/** Says who is told about a stream that was accepted. If it throws, the stream is not taken. */
export type StreamAcceptor = (stream: OctetStream) => StreamHandlers;

/**
 * Binds `tcp://HOST:PORT` (`HOST:PORT` means the same), `tls://HOST:PORT` or `unix://PATH`; port 0 takes a free one, the host `*` is
 * every IPv4 address of the machine.
 *
 * @param accept - called with each stream, over TLS when its handshake is done; the stream's `opened` follows at once
 * @throws ConfigurationError for a wrong address, unusable certificates, a port in use or a forbidden one
 */
export async function listenStreams(
  address: string,
  accept: StreamAcceptor,
  options: StreamListenOptions = {},
): Promise<StreamListener> {
  const parsed = parseStreamAddress(address);
  const settings = { ...streamSettings(parsed, options), isAccepted: true, service: undefined, host: undefined };
  if (settings.isTls || options.tls) requireStreamTls(settings.tls, true);
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  return new SocketListener(server, await bindServer(server, parsed), accept, options, settings);
}

type AcceptedSettings = Omit<StreamSettings, "name">;

class SocketListener implements StreamListener {
  readonly address: string;
  readonly #server: Server;
  readonly #accept: StreamAcceptor;
  readonly #settings: AcceptedSettings;
  readonly #quota: ConnectionQuota;
  readonly #onRefused: StreamListenOptions["onRefused"];
  /** Those that have not been accepted yet. */
  readonly #shaking = new Set<SocketStream>();

  constructor(
    server: Server,
    address: string,
    accept: StreamAcceptor,
    { quota = new ConnectionQuota(), onRefused }: StreamListenOptions,
    settings: AcceptedSettings,
  ) {
    this.#server = server;
    this.address = address;
    this.#accept = accept;
    this.#settings = settings;
    this.#quota = quota;
    this.#onRefused = onRefused;
    server.on("connection", (socket) => {
      this.#take(socket);
    });
  }

  close(): Promise<void> {
    // Node.js frees the address at once, and tells it when the last connection is gone.
    if (openSockets.delete(this.#server)) this.#server.close();
    for (const stream of [...this.#shaking]) stream.destroy();
    return Promise.resolve();
  }

  #take(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    const isLocal = this.address.startsWith("ipc://");
    if (remoteAddress === undefined && !isLocal) {
      // It is gone already.
      socket.destroy();
      return;
    }
    const origin = remoteAddress ?? "";
    const counted = this.#quota.open(origin, (reason) => {
      stream.destroy(reason);
    });
    if (RpcError.isRpcError(counted)) {
      socket.destroy();
      this.#onRefused?.(origin, counted);
      return;
    }
    // A stream that is given away stays counted: only its socket knows when it is closed.
    socket.once("close", counted.closed);
    const name = isLocal
      ? `A peer on ${this.address}`
      : `${origin.includes(":") ? `[${origin}]` : origin}:${remotePort ?? 0}`;
    let isAccepted = false;
    const stream = new SocketStream(
      socket,
      { ...this.#settings, name },
      {
        opened: () => {
          isAccepted = true;
          counted.shaken();
          this.#shaking.delete(stream);
          let handlers: StreamHandlers;
          try {
            handlers = this.#accept(stream);
          } catch (error) {
            const reason = rpcError("UNKNOWN", `Nobody could take it: ${thrownText(error)}`, { cause: error });
            this.#onRefused?.(origin, reason);
            stream.destroy(reason);
            return;
          }
          stream.handOver(handlers);
        },
        octets: () => undefined,
        closed: (reason) => {
          this.#shaking.delete(stream);
          if (!isAccepted) this.#onRefused?.(origin, reason);
        },
      },
    );
    this.#shaking.add(stream);
    stream.start();
  }
}

import { createServer, type Server, type Socket } from "node:net";
import { ConfigurationError, RpcError } from "../../errors.js";
import type { Frames } from "../../wire/message.js";
import { bindServer } from "../bind-server.js";
import { ConnectionQuota, type CountedConnection } from "../connection-quota.js";
import type { Listener, ListenerHandlers, ListenOptions, Peer } from "../link.js";
import { openSockets } from "../open-sockets.js";
import { isSamePeer, type PeerIdentity } from "../security.js";
import { ZmtpConnection } from "./connection.js";
import { admittingMechanism, provingMechanism } from "./mechanisms.js";
import type { SessionPeer } from "./session.js";
import { parseSocketAddress } from "./socket-address.js";

/** A bound address whose peers are known: who they are, when they come, when they go. */
export class ZmtpListener implements Listener {
  readonly address: string;
  readonly #server: Server;
  readonly #handlers: ListenerHandlers;
  readonly #options: ListenOptions;
  readonly #quota: ConnectionQuota;
  readonly #peers = new Set<ZmtpPeer>();
  readonly #byRoutingId = new Map<string, ZmtpPeer>();
  #closed: Promise<void> | undefined;

  private constructor(server: Server, address: string, handlers: ListenerHandlers, options: ListenOptions) {
    this.#server = server;
    this.address = address;
    this.#handlers = handlers;
    this.#options = options;
    this.#quota = options.quota ?? new ConnectionQuota();
    server.on("connection", (socket) => {
      this.#accept(socket);
    });
  }

  /** Binds; see {@link Transport.listen}. */
  static async bind(text: string, handlers: ListenerHandlers, options: ListenOptions): Promise<ZmtpListener> {
    const address = parseSocketAddress(text);
    if (options.proof && options.subscribers) {
      throw new ConfigurationError(
        "A listener that proves who it is says what it is before its peers do, so that it takes no subscribers",
      );
    }
    const server = createServer({ noDelay: true, pauseOnConnect: false });
    return new ZmtpListener(server, await bindServer(server, address), handlers, options);
  }

  send(peer: Peer, frames: Frames): void {
    const target = peer as ZmtpPeer;
    target.connection.send(frames);
    // Who does not take its answers is not asked for more calls.
    if (target.isHeld || target.connection.queuedBytes <= HOLD_BYTES || target.subscribes) return;
    target.isHeld = true;
    target.connection.hold(true);
  }

  queuedBytes(peer: Peer): number {
    const target = peer as ZmtpPeer;
    return this.#peers.has(target) ? target.connection.queuedBytes : 0;
  }

  disconnect(peer: Peer, reason?: RpcError): void {
    (peer as ZmtpPeer).connection.destroy(reason);
  }

  find(routingId: Uint8Array): Peer | undefined {
    return this.#byRoutingId.get(Buffer.from(routingId).toString("hex"));
  }

  close(lingerMs: number): Promise<void> {
    this.#closed ??= this.#close(lingerMs);
    return this.#closed;
  }

  async #close(lingerMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    openSockets.delete(this.#server);
    await Promise.all([...this.#peers].map((peer) => peer.connection.end(lingerMs)));
    await closed;
  }

  #accept(socket: Socket): void {
    const { remoteAddress } = socket;
    const isGone = remoteAddress === undefined && this.address.startsWith("tcp://");
    const origin = { remoteAddress: remoteAddress ?? "" };
    const counted = isGone
      ? undefined
      : this.#quota.open(origin.remoteAddress, (reason) => {
          connection.destroy(reason);
        });
    if (counted === undefined || RpcError.isRpcError(counted)) {
      socket.destroy();
      if (counted) this.#handlers.refused?.(stranger(origin.remoteAddress), counted);
      return;
    }
    const { security, proof, routingId, socketType = "ROUTER" } = this.#options;
    const takesSubscribers = this.#options.subscribers !== undefined;
    const own = { socketType, takesSubscribers, routingId };
    const proving = proof && provingMechanism(proof, own);
    const connection = new ZmtpConnection(
      socket,
      {
        role: proving ? "client" : "server",
        socketType,
        takesSubscribers,
        // A request a little too large is read and answered with an error; only one far too large breaks the connection.
        maxMessageBytes: this.#options.maxMessageBytes * 2,
        maxQueuedBytes: this.#options.maxQueuedBytes ?? MAX_QUEUED_BYTES,
        mechanism: (wanted) => proving ?? admittingMechanism(wanted, security, own, origin),
      },
      {
        ready: (session) => {
          this.#ready(peer, session);
        },
        message: (frames) => {
          if (frames.length === 1 && frames[0]?.length === 0) return;
          peer.owner.message(peer, frames);
        },
        closed: (reason) => {
          this.#gone(peer, reason);
        },
      },
    );
    const peer: ZmtpPeer = {
      ...stranger(origin.remoteAddress),
      routingId: NO_ROUTING_ID,
      owner: this.#handlers,
      isReady: false,
      subscribes: false,
      isHeld: false,
      connection,
      counted,
    };
    this.#peers.add(peer);
    socket.on("drain", () => {
      if (!peer.isHeld) return;
      peer.isHeld = false;
      connection.hold(false);
    });
  }

  #ready(peer: ZmtpPeer, session: SessionPeer): void {
    peer.identity = session.identity;
    peer.isReady = true;
    peer.counted.shaken();
    peer.subscribes = session.subscribes;
    if (peer.subscribes) peer.owner = this.#options.subscribers ?? this.#handlers;
    const { owner } = peer;
    if (owner.drained) {
      peer.connection.watchQueue(() => {
        owner.drained?.(peer);
      });
    }
    const holder = peer.subscribes ? undefined : this.#name(peer, session.routingId);
    owner.joined?.(peer);
    if (holder) owner.taken?.(peer, holder);
  }

  /**
   * Knows a peer by its routing id from now on. Who comes anew takes it over: the former connection is most likely dead, and nobody
   * has noticed yet. But nobody takes it from somebody else.
   *
   * @returns who else has it
   */
  #name(peer: ZmtpPeer, routingId: Buffer): ZmtpPeer | undefined {
    if (routingId.length === 0) return undefined;
    const key = routingId.toString("hex");
    const former = this.#byRoutingId.get(key);
    if (former && !isSamePeer(former.identity, peer.identity)) return former;
    peer.routingId = routingId;
    this.#byRoutingId.set(key, peer);
    former?.connection.destroy();
    return undefined;
  }

  #gone(peer: ZmtpPeer, reason: RpcError | undefined): void {
    this.#peers.delete(peer);
    peer.counted.closed();
    const key = peer.routingId.toString("hex");
    if (this.#byRoutingId.get(key) === peer) this.#byRoutingId.delete(key);
    if (peer.isReady) peer.owner.gone(peer);
    else if (reason) this.#handlers.refused?.(peer, reason);
  }
}

interface ZmtpPeer extends Peer {
  identity: PeerIdentity;
  routingId: Buffer;
  /** Who is told of it. */
  owner: ListenerHandlers;
  isReady: boolean;
  /** Is it a SUB or XSUB socket? */
  subscribes: boolean;
  /** Nothing is read from it for now. */
  isHeld: boolean;
  connection: ZmtpConnection;
  readonly counted: CountedConnection;
}

/** A peer of which nothing is known yet. */
function stranger(remoteAddress: string): Peer {
  return {
    id: `${remoteAddress || "local"}#${nextPeer++}`,
    remoteAddress,
    identity: { mechanism: "null", user: undefined, publicKey: undefined },
    routingId: NO_ROUTING_ID,
  };
}

/** Peers are told apart over all listeners of the process. */
let nextPeer = 1;
const NO_ROUTING_ID = Buffer.alloc(0);
/** Bytes that wait for one peer before nothing more is read from it … */
const HOLD_BYTES = 16 * 1024 * 1024;
/** … and before it is given up. */
const MAX_QUEUED_BYTES = 256 * 1024 * 1024;

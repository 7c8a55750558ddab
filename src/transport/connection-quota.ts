import { ConfigurationError, type RpcError, rpcError } from "../errors.js";
import { networkOf } from "./network-of.js";

/** How many connections a listener takes. */
export interface ConnectionLimits {
  /** Connections over the network at the same time; default 50,000. Unix sockets have as many of their own. */
  readonly connections?: number | undefined;
  /**
   * Those of one IP address, and of IPv6 of one network of 64 bits; default 10,000. All processes of a machine look alike on a unix
   * socket, so that this limit would let one of them keep the others out: it does not hold there.
   */
  readonly connectionsPerAddress?: number | undefined;
  /**
   * Connections that have not finished their handshake; default 10,000. For one more the oldest of the address with most of them
   * is closed, so that whoever never finishes any keeps nobody out.
   */
  readonly handshakes?: number | undefined;
}

/** Counts connections, of one listener or of several together. One too many is not accepted. */
export class ConnectionQuota {
  /** Was any limit asked for? What cannot count connections has to refuse that. */
  readonly isAskedFor: boolean;
  readonly #maxConnections: number;
  readonly #maxPerAddress: number;
  readonly #maxHandshakes: number;
  readonly #origins = new Map<string, Origin>();
  #remote = 0;
  #local = 0;
  #shaking = 0;

  /** @throws ConfigurationError when a limit is no number from 1 on */
  constructor(limits: ConnectionLimits = {}) {
    const { connections, connectionsPerAddress, handshakes } = limits;
    this.isAskedFor = [connections, connectionsPerAddress, handshakes].some((limit) => limit !== undefined);
    this.#maxConnections = readLimit("connections", connections, 50_000);
    this.#maxPerAddress = readLimit("connectionsPerAddress", connectionsPerAddress, 10_000);
    this.#maxHandshakes = readLimit("handshakes", handshakes, 10_000);
  }

  /**
   * Counts a new connection.
   *
   * @param remoteAddress - `""` for a unix socket
   * @param close - ends it for the sake of a newer one
   * @returns an error when there are too many
   */
  open(remoteAddress: string, close: (reason: RpcError) => void): CountedConnection | RpcError {
    const isLocal = remoteAddress === "";
    if ((isLocal ? this.#local : this.#remote) >= this.#maxConnections) {
      return tooMany(`${this.#maxConnections} connections are open already`, "connections");
    }
    const name = networkOf(remoteAddress);
    let origin = this.#origins.get(name);
    if (!isLocal && origin && origin.connections >= this.#maxPerAddress) {
      return tooMany(`${this.#maxPerAddress} connections of ${name} are open already`, "connectionsPerAddress");
    }
    if (this.#shaking >= this.#maxHandshakes) this.#closeOldest();
    // What was closed may have been the last of it.
    origin = this.#origins.get(name);
    if (!origin) {
      origin = { connections: 0, shaking: new Set() };
      this.#origins.set(name, origin);
    }
    return this.#count(name, origin, isLocal, close);
  }

  #count(name: string, origin: Origin, isLocal: boolean, close: (reason: RpcError) => void): CountedConnection {
    const counted: ShakingConnection = {
      close,
      shaken: () => {
        if (origin.shaking.delete(counted)) this.#shaking--;
      },
      closed: () => {
        counted.shaken();
        origin.connections--;
        if (isLocal) this.#local--;
        else this.#remote--;
        if (origin.connections === 0) this.#origins.delete(name);
      },
    };
    origin.connections++;
    origin.shaking.add(counted);
    this.#shaking++;
    if (isLocal) this.#local++;
    else this.#remote++;
    return counted;
  }

  #closeOldest(): void {
    let most: Origin | undefined;
    for (const origin of this.#origins.values()) {
      if (origin.shaking.size > (most?.shaking.size ?? 0)) most = origin;
    }
    const [oldest] = most?.shaking ?? [];
    oldest?.close(tooMany(`${this.#maxHandshakes} connections have not finished their handshake`, "handshakes"));
  }
}

/** A connection that is counted. */
export interface CountedConnection {
  /** Its handshake is done. Idempotent. */
  readonly shaken: () => void;
  /** It is over; to be called once. */
  readonly closed: () => void;
}

interface ShakingConnection extends CountedConnection {
  readonly close: (reason: RpcError) => void;
}

interface Origin {
  connections: number;
  /** Those that have not finished their handshake, oldest first. */
  readonly shaking: Set<ShakingConnection>;
}

function readLimit(name: string, limit: number | undefined, otherwise: number): number {
  if (limit === undefined) return otherwise;
  if (typeof limit === "number" && limit >= 1) return limit;
  throw new ConfigurationError(`The limit ${name} is a number from 1 on, got ${JSON.stringify(limit)}`);
}

function tooMany(what: string, limit: string): RpcError {
  return rpcError("OVERLOADED", `${what} (option limits.${limit})`);
}

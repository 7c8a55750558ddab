import { RpcError } from "../errors.js";
import { Connection } from "../peer/connection.js";
import { INTROSPECT } from "../peer/contract.js";
import { callOver } from "../peer/promise-call.js";
import { HOST_INTERFACE, type ServiceRecord } from "../peer/record.js";
import type { Credentials } from "../security/credentials.js";
import { findTransport, probe } from "../transport/index.js";
import { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import { sleep } from "../util/sleep.js";
import { pycomWire } from "../wire/pycom/index.js";
import { DEFAULT_LIMITS } from "../wire/wire.js";

/** What a ping found out of a registered service. */
export type Liveness =
  /** It answers, and it is the one that registered. */
  | "alive"
  /** Nothing listens at its address, or something else does. */
  | "gone"
  /** Nothing was heard: stopped, busy, or out of reach. */
  | "silent";

/**
 * Watches registered services by a connection to each address. A connection that drops is looked into at once: the address
 * that refuses, or where another run answers, has lost its service; silence proves nothing.
 *
 * A connection that could never be made proves nothing either (PyCOM's services bind after they register, and an
 * advertised address need not be reachable from here): the lease alone counts then.
 */
export class LivenessMonitor {
  readonly #log: Logger;
  readonly #credentials: Credentials;
  readonly #onDropped: (address: string) => void;
  readonly #wheel = new DeadlineWheel();
  readonly #sentinels = new Map<string, Connection>();
  readonly #closing = new AbortController();

  /** @param onDropped - a connection that had been made was lost */
  constructor(onDropped: (address: string) => void, log: Logger, credentials: Credentials) {
    this.#onDropped = onDropped;
    this.#log = log;
    this.#credentials = credentials;
  }

  /**
   * The address of a service that is watched. Where a key proves who answers, there; else where PyCOM's peers reach it, which may
   * be of use on another machine only.
   */
  wayTo({ address, endpoints }: ServiceRecord): { readonly address: string; readonly key: string | undefined } {
    const proven = endpoints.find(
      (endpoint) =>
        endpoint.key !== undefined && endpoint.machine === undefined && endpoint.address.startsWith("tcp://"),
    );
    if (proven && this.#credentials.canReach(true)) return { address: proven.address, key: proven.key };
    return { address, key: endpoints.find((endpoint) => endpoint.address === address)?.key };
  }

  /** Watches a service from now on; once is enough. */
  watch(record: ServiceRecord): void {
    const { address, key } = this.wayTo(record);
    if (this.#closing.signal.aborted || this.#sentinels.has(address)) return;
    let open = false;
    let connection: Connection;
    try {
      connection = this.#connect(address, key, () => {
        this.#sentinels.delete(address);
        if (this.#closing.signal.aborted) return;
        if (open) this.#onDropped(address);
      });
    } catch {
      // PyCOM takes any text for an address; this one cannot be connected to, and lives by its lease.
      return;
    }
    this.#sentinels.set(address, connection);
    connection.whenOpen().then(
      () => {
        open = true;
      },
      () => undefined,
    );
  }

  /** Is the connection to an address made, or under way? */
  isWatching(address: string): boolean {
    return this.#sentinels.has(address);
  }

  /** Watches an address no more. */
  unwatch(address: string): void {
    const connection = this.#sentinels.get(address);
    this.#sentinels.delete(address);
    connection?.close();
  }

  /** Asks a service itself. Never rejects; takes {@link PING_MS} at most. */
  async ping(record: ServiceRecord): Promise<Liveness> {
    const { address, key } = this.wayTo(record);
    try {
      if ((await probe(address, PING_MS)) === "refused") return "gone";
    } catch {
      return "silent";
    }
    let connection: Connection | undefined;
    try {
      connection = this.#connect(address, key, () => undefined);
      const opened = connection.whenOpen();
      await Promise.race([opened, sleep(PING_MS, this.#closing.signal)]);
      if (!connection.isOpen) return "silent";
      return await this.#ask(connection, record);
    } catch {
      return "silent";
    } finally {
      connection?.close();
    }
  }

  /** Closes every connection. */
  close(): void {
    this.#closing.abort();
    for (const connection of [...this.#sentinels.values()]) connection.close();
    this.#sentinels.clear();
  }

  async #ask(connection: Connection, record: ServiceRecord): Promise<Liveness> {
    const deadlineAt = this.#wheel.now() + PING_MS;
    const isOurs = record.incarnation !== undefined;
    try {
      const answer = await callOver(connection, {
        interface: isOurs ? HOST_INTERFACE : (record.interfaces[0] ?? ""),
        method: isOurs ? "stat" : INTROSPECT,
        args: null,
        deadlineAt,
      });
      if (!isOurs) return "alive";
      const { incarnation } = (answer.result ?? {}) as { incarnation?: unknown };
      return incarnation === record.incarnation ? "alive" : "gone";
    } catch (error) {
      // Any answer of a PyCOM service shows that it lives, but for the one that it does not offer what it registered.
      if (!RpcError.isRpcError(error) || !error.remote) return "silent";
      return error.code === "BAD_REQUEST" ? "gone" : "alive";
    }
  }

  #connect(address: string, key: string | undefined, onClosed: () => void): Connection {
    return new Connection(address, {
      transport: findTransport(undefined),
      security: this.#credentials.linkSecurity(key, address),
      wire: pycomWire,
      wheel: this.#wheel,
      maxMessageBytes: DEFAULT_LIMITS.maxMessageBytes,
      maxInFlight: 16,
      maxInFlightBytes: 65_536,
      log: this.#log,
      onClosed,
    });
  }
}

/** How long a service may take to answer a ping, in milliseconds. */
export const PING_MS = 800;

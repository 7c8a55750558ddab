import { ConfigurationError, RpcError, rpcError } from "../errors.js";
import type { Channel } from "../peer/channel.js";
import { LOCAL_ADDRESS } from "../peer/local.js";
import { callOver } from "../peer/promise-call.js";
import { NAMESERVER_INTERFACE, readRecord, type ServiceQuery, type ServiceRecord } from "../peer/record.js";
import { parseAddress } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import { type ConnectionPool, openWithin } from "./connection-pool.js";
import { CLIENT_DEFAULTS } from "./defaults.js";

/** How long to look. */
export interface FindOptions {
  /**
   * How long the nameserver may hold its answer until a provider is there that is not in `exclude`; default 0. PyCOM's own
   * nameservers answer at once.
   */
  readonly waitMs?: number;
  /** Keys of instances ({@link instanceKey}) that are not worth an answer before `waitMs` has passed. */
  readonly exclude?: readonly string[];
  /** Ends the search. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Talks to the nameserver: ours, or PyCOM's own, of which it uses what PyCOM has.
 *
 * Several nameservers are tried in order, beginning with the one that answered last.
 */
export class NameserverClient {
  readonly #addresses: readonly string[];
  readonly #pool: ConnectionPool;
  readonly #wheel: DeadlineWheel;
  readonly #connectTimeoutMs: number;
  /** The public key that nameservers have to have, in Z85; `undefined`: none. */
  readonly key: string | undefined;
  /** Connections whose nameserver knows PyCOM's methods only. */
  readonly #plain = new WeakSet<Channel>();
  #preferred = 0;

  /** @throws ConfigurationError for a wrong address */
  constructor(
    addresses: readonly string[],
    pool: ConnectionPool,
    wheel: DeadlineWheel,
    options: { readonly connectTimeoutMs: number; readonly key: string | undefined },
  ) {
    if (addresses.length === 0) throw new ConfigurationError("The list of nameservers is empty");
    this.#addresses = addresses.map((address) => (address === LOCAL_ADDRESS ? address : parseAddress(address).text));
    this.#pool = pool;
    this.#wheel = wheel;
    this.#connectTimeoutMs = options.connectTimeoutMs;
    this.key = options.key;
  }

  /** The addresses, normalised. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** The address that is asked first now. */
  get address(): string {
    return this.#addresses[this.#preferred] ?? "";
  }

  /** Whether a pause may be spent waiting at the nameserver, which then tells of a new provider at once. */
  canWait(): boolean {
    try {
      const channel = this.#pool.get(this.address, "pycom", this.key);
      return channel.isOpen && !this.#plain.has(channel);
    } catch {
      return false;
    }
  }

  /**
   * All providers that match.
   *
   * @throws UnavailableError, `not-sent`, when no nameserver can be reached or none answers
   */
  async find(query: ServiceQuery, options: FindOptions = {}): Promise<ServiceRecord[]> {
    const channel = await this.#channel(options.signal);
    if (!this.#plain.has(channel)) {
      const waitMs = options.waitMs ?? 0;
      try {
        const records = await this.#call(
          channel,
          "find",
          {
            interface: query.interface,
            ...(query.service !== undefined && { service: query.service }),
            ...(query.tags && { tags: query.tags }),
            ...(waitMs > 0 && { wait_ms: waitMs, exclude: options.exclude ?? [] }),
          },
          waitMs,
          options.signal,
        );
        return toRecords(records);
      } catch (error) {
        if (!RpcError.isRpcError(error) || error.code !== "METHOD_NOT_FOUND") throw error;
        this.#plain.add(channel);
      }
    }
    return this.#findPlain(channel, query, options.signal);
  }

  /** PyCOM's nameserver lists by pattern; what it lists is compared exactly here. */
  async #findPlain(channel: Channel, query: ServiceQuery, signal: AbortSignal | undefined): Promise<ServiceRecord[]> {
    if (query.tags && query.tags.length > 0) return [];
    const pattern = (text: string): string => `${text.replace(/[^\w/]/g, "\\$&")}$`;
    const listed = await this.#call(
      channel,
      "list_services",
      {
        interface: pattern(query.interface),
        service: query.service === undefined ? null : pattern(query.service),
      },
      0,
      signal,
    );
    return toRecords(listed).filter(
      (record) =>
        record.interfaces.includes(query.interface) &&
        (query.service === undefined || record.service === query.service),
    );
  }

  async #channel(signal: AbortSignal | undefined): Promise<Channel> {
    const failures: RpcError[] = [];
    for (let offset = 0; offset < this.#addresses.length; offset++) {
      const index = (this.#preferred + offset) % this.#addresses.length;
      const address = this.#addresses[index] ?? "";
      try {
        const channel = this.#pool.get(address, "pycom", this.key);
        if (!channel.isOpen) await openWithin(channel, this.#connectTimeoutMs, signal);
        return this.#prefer(index, channel);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        const failure = RpcError.from(error);
        if (failure.code === "CLOSED") throw failure;
        failures.push(failure);
      }
    }
    const why = failures.map(({ message }) => message).join("; ");
    if (failures.every(({ code }) => code === "ACCESS_DENIED")) {
      throw rpcError("ACCESS_DENIED", `No nameserver lets this client in: ${why}`, {
        service: this.#addresses.join(", "),
        outcome: "not-sent",
      });
    }
    throw rpcError(
      "UNAVAILABLE",
      `No nameserver can be reached: ${why}. Start one with "lamplighter nameserver -a ${this.#addresses[0] ?? ""}", or name ` +
        "another (option nameserver, -n, LAMPLIGHTER_NAMESERVER)",
      { service: this.#addresses.join(", ") },
    );
  }

  #prefer(index: number, channel: Channel): Channel {
    this.#preferred = index;
    return channel;
  }

  async #call(
    channel: Channel,
    method: string,
    args: unknown,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    try {
      const answer = await callOver(channel, {
        interface: NAMESERVER_INTERFACE,
        method,
        args,
        deadlineAt: this.#wheel.now() + CLIENT_DEFAULTS.nameserverTimeoutMs + waitMs,
        signal,
      });
      return answer.result;
    } catch (error) {
      if (!RpcError.isRpcError(error) || error.outcome !== "unknown") throw error;
      // Only the question to the nameserver was sent; the call itself was not. Its silence costs it the first place.
      if (error.code === "TIMEOUT") this.#preferred = (this.#preferred + 1) % this.#addresses.length;
      if (error.code === "CANCELLED" || error.code === "CLOSED")
        throw rpcError(error.code, error.message, { cause: error });
      throw rpcError("UNAVAILABLE", `The nameserver ${channel.address} did not answer: ${error.message}`, {
        service: channel.address,
        cause: error,
      });
    }
  }
}

function toRecords(value: unknown): ServiceRecord[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    const record = readRecord(entry);
    return record ? [record] : [];
  });
}

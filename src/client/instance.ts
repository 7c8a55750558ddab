import { RpcError, rpcError } from "../errors.js";
import type { Channel } from "../peer/channel.js";
import type { Contract } from "../peer/contract.js";
import type { Protocol } from "../peer/protocol.js";
import { instanceKey, type ServiceRecord } from "../peer/record.js";
import type { Credentials } from "../security/credentials.js";
import type { Address } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import { untilAborted } from "../util/sleep.js";
import type { Extensions } from "../wire/message.js";
import { CircuitBreaker } from "./breaker.js";
import { type ConnectionPool, openWithin } from "./connection-pool.js";
import type { Contracts } from "./contracts.js";
import { CLIENT_DEFAULTS } from "./defaults.js";

/** What instances of one client share. */
export interface InstanceContext {
  /** Connections by address. */
  readonly pool: ConnectionPool;
  /** Contracts by connection. */
  readonly contracts: Contracts;
  /** The clock. */
  readonly wheel: DeadlineWheel;
  /** Time for one attempt to connect, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Schemes of the addresses that can be connected to. */
  readonly schemes: readonly Address["scheme"][];
  /** How services are convinced, and whom this end believes. */
  readonly credentials: Credentials;
}

/** A channel that can be used, and what is known of the interface behind it. */
export interface ReadyInstance {
  /** Open. */
  readonly channel: Channel;
  /** `undefined` when the interface does not say. */
  readonly contract: Contract | undefined;
}

/** One way to reach an instance. */
export interface InstanceEndpoint {
  /** Where. */
  readonly address: string;
  /** How: the name of a wire, or a protocol. */
  readonly wire: string | Protocol;
  /** The public key that whoever is there has to have, in Z85; `undefined`: none. */
  readonly key?: string | undefined;
  /** Is it within this process or machine, so that another way is tried at once when it leads nowhere? */
  readonly isLocal: boolean;
}

/** One run of one service, as a client knows it: where it is, how it does. */
export class Instance {
  /** Tells it from other instances, and from later runs of the same service. */
  readonly key: string;
  /** What the nameserver said, or what stands for it when nobody was asked. */
  readonly record: ServiceRecord;
  /** What it is called by, where that is no wire. */
  readonly protocol: Protocol | undefined;
  /** Keeps calls away while it is in trouble. */
  readonly breaker: CircuitBreaker;
  /** Calls that will go here as soon as it is connected. */
  waiting = 0;
  readonly #context: InstanceContext;
  readonly #endpoints: readonly InstanceEndpoint[];
  #turn = 0;
  #latencyMs = 0;
  #channel: Channel | undefined;
  #hasOpened = false;
  /** What {@link Instance.ready} said last: most instances are asked for one interface again and again. */
  #lastReady: (ReadyInstance & { readonly interface: string }) | undefined;

  /** @param endpoints - ways to reach it, best first; at least one, and all by wires or all by one protocol */
  constructor(record: ServiceRecord, context: InstanceContext, endpoints: readonly InstanceEndpoint[]) {
    this.key = instanceKey(record);
    this.record = record;
    this.#context = context;
    this.#endpoints = endpoints;
    const wire = endpoints[0]?.wire;
    this.protocol = typeof wire === "object" ? wire : undefined;
    this.breaker = new CircuitBreaker(() => context.wheel.now());
  }

  /** Where its calls go, for people; of a way that is of no use elsewhere, the service's own address. */
  get address(): string {
    const { address, isLocal } = this.#endpoint;
    return isLocal ? this.record.address : address;
  }

  /** The smaller, the sooner an answer is to be expected. */
  get load(): number {
    const pending = this.#peekChannel()?.pending ?? 0;
    return (pending + this.waiting + 1) * Math.max(this.#latencyMs, 0.01);
  }

  /** An answer took so long; newer ones count more. */
  observeLatency(ms: number): void {
    this.#latencyMs = this.#latencyMs === 0 ? ms : this.#latencyMs * 0.8 + ms * 0.2;
  }

  /** The channel and contract, if calls can go at once. */
  ready(interfaceName: string): ReadyInstance | undefined {
    const last = this.#lastReady;
    if (last?.interface === interfaceName && last.channel === this.#channel && last.channel.isOpen) return last;
    const channel = this.#peekChannel();
    if (!channel?.isOpen) return undefined;
    const contract = channel.takesKeywords ? null : this.#context.contracts.peek(channel, interfaceName);
    if (contract === undefined) return undefined;
    this.#lastReady = { interface: interfaceName, channel, contract: contract ?? undefined };
    return this.#lastReady;
  }

  /**
   * Connects, and learns the contract.
   *
   * @throws UnavailableError, `not-sent`, when that cannot be done
   */
  async prepare(
    interfaceName: string,
    options: {
      readonly signal: AbortSignal;
      readonly extensions: Extensions | undefined;
      readonly needsContract: boolean;
    },
  ): Promise<ReadyInstance> {
    const channel = await this.#connect(options.signal);
    if (!options.needsContract || channel.takesKeywords) return { channel, contract: undefined };
    const { wheel, contracts } = this.#context;
    try {
      const asked = contracts.fetch(channel, interfaceName, {
        deadlineAt: wheel.now() + CLIENT_DEFAULTS.pycomTimeoutMs,
        extensions: options.extensions,
      });
      return { channel, contract: (await untilAborted(asked, options.signal)) ?? undefined };
    } catch (error) {
      // Only the question for the contract was sent. Whatever became of it, the call itself was not.
      if (!RpcError.isRpcError(error) || error.outcome !== "unknown") throw error;
      if (error.code === "CLOSED" || error.code === "PROTOCOL")
        throw rpcError(error.code, error.message, { cause: error });
      throw rpcError("UNAVAILABLE", `${this.address} did not say what ${interfaceName} offers: ${error.message}`, {
        service: this.address,
        cause: error,
      });
    }
  }

  get #endpoint(): InstanceEndpoint {
    const endpoint = this.#endpoints[this.#turn];
    if (!endpoint) throw rpcError("CONFIGURATION", `${this.record.service} has no address that can be used here`);
    return endpoint;
  }

  #peekChannel(): Channel | undefined {
    if (this.#channel?.closedReason !== undefined) {
      // What has worked for a while works most likely again, and the best way first.
      if (this.#hasOpened) this.#turn = 0;
      this.#hasOpened = false;
      this.#channel = undefined;
      this.#lastReady = undefined;
    }
    return this.#channel;
  }

  async #connect(signal: AbortSignal): Promise<Channel> {
    const { pool, connectTimeoutMs } = this.#context;
    this.#peekChannel();
    const tried = this.#endpoint;
    const { address, wire, key, isLocal } = tried;
    const channel = pool.get(address, wire, key);
    this.#channel = channel;
    try {
      if (!channel.isOpen) await openWithin(channel, connectTimeoutMs, signal);
      if (this.#channel === channel) this.#hasOpened = true;
      return channel;
    } catch (error) {
      // A record may name several addresses, of which not each is within reach from here. Many may have tried this one.
      if (this.#endpoint === tried) this.#turn = (this.#turn + 1) % this.#endpoints.length;
      if (isLocal && this.#turn !== 0 && !signal.aborted) return await this.#connect(signal);
      throw error;
    }
  }
}

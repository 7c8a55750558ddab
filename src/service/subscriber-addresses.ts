import type { BoundAddress } from "../peer/bound-address.js";
import type { Endpoint as EndpointRecord } from "../peer/record.js";
import type { Gate } from "../security/gate.js";
import {
  type ConnectionQuota,
  findTransport,
  isNetworkAddress,
  type Listener,
  parseAddress,
  type Transport,
} from "../transport/index.js";
import type { Logger } from "../util/log.js";
import { publicAddress } from "./public-address.js";
import { SubscriberEndpoint, type SubscriberHandlers } from "./subscriber-endpoint.js";

/** Options of {@link SubscriberAddresses}. */
export interface SubscriberAddressesOptions {
  /** Told of the sockets that subscribe. */
  readonly handlers: SubscriberHandlers;
  /** What is to be bound for calls. */
  readonly wanted: readonly BoundAddress[];
  /** Moves the frames of calls. */
  readonly transport: Transport;
  /** Who may come in; absent: everybody. */
  readonly gate: Gate | undefined;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Counts the connections. */
  readonly limits: { readonly quota: ConnectionQuota };
  /** Told of what happens. */
  readonly log: Logger;
}

/** Where SUB sockets may connect to a host: at its own addresses, and where these cannot take them, at one for them alone. */
export class SubscriberAddresses {
  readonly #options: SubscriberAddressesOptions;
  readonly #endpoints: SubscriberEndpoint[] = [];
  /** The one for them alone. */
  #listener: Listener | undefined;
  #records: readonly EndpointRecord[] = [];

  constructor(options: SubscriberAddressesOptions) {
    this.#options = options;
  }

  /** As a nameserver may tell of them, best first. Calls are not answered at each of them, so none names a wire. */
  get records(): readonly EndpointRecord[] {
    return this.#records;
  }

  /** What an address for calls, which is to be bound, tells of SUB sockets; `undefined` where they cannot connect. */
  at(address: string): SubscriberEndpoint | undefined {
    return this.#canTake(address) ? this.#open() : undefined;
  }

  /**
   * Completes them when all addresses for calls are bound.
   *
   * @param bound - those addresses, best first
   * @param proofs - what others have to know of the host's security
   * @throws ConfigurationError when the address for SUB sockets alone cannot be bound
   */
  async bind(bound: readonly EndpointRecord[], proofs: Pick<EndpointRecord, "mechanisms" | "key">): Promise<void> {
    const fit = bound.filter(({ address }) => this.#canTake(address));
    if (fit.length > 0) this.#records = fit.map((record) => ({ ...record, wires: [] }));
    else this.#records = [{ address: await this.#listen(bound), wires: [], ...proofs }];
  }

  /** Others are trusted now: who is not any more has to go. */
  recheck(): void {
    for (const endpoint of this.#endpoints) void endpoint.recheck();
  }

  /** Closes the address for SUB sockets alone; the others are their owner's. */
  async close(lingerMs: number): Promise<void> {
    await this.#listener?.close(lingerMs);
  }

  #canTake(address: string): boolean {
    return this.#options.transport.abilities.takesSubscribers && parseAddress(address).scheme !== "inproc";
  }

  #open(): SubscriberEndpoint {
    const endpoint = new SubscriberEndpoint(this.#options);
    this.#endpoints.push(endpoint);
    return endpoint;
  }

  /** @returns the address of those alone, as others reach it: at the first host that is bound for calls, else on this machine */
  async #listen(bound: readonly EndpointRecord[]): Promise<string> {
    const { wanted, gate, limits, maxMessageBytes, log } = this.#options;
    const own = wanted.filter(({ wire }) => wire === undefined);
    const endpoint = this.#open();
    const listener = await findTransport("zmtp").listen(anyPort(own) ?? "tcp://127.0.0.1:0", endpoint, {
      maxMessageBytes,
      socketType: "XPUB",
      security: gate?.listenerSecurity(gate.mechanisms),
      quota: limits.quota,
    });
    endpoint.attach(listener);
    this.#listener = listener;
    return publicAddress(listener.address, anyPort(bound), log);
  }
}

/** A free port of the first host among addresses. */
function anyPort(addresses: readonly { readonly address: string }[]): string | undefined {
  const first = addresses.map(({ address }) => parseAddress(address)).find(isNetworkAddress);
  return first && `tcp://${first.host.includes(":") ? `[${first.host}]` : first.host}:0`;
}

import type { Protocol } from "../peer/protocol.js";
import { readWire } from "../peer/protocol-option.js";
import type { ServiceQuery, ServiceRecord } from "../peer/record.js";
import type { BalanceStrategy } from "./balancer.js";
import { Instance, type InstanceContext, type InstanceEndpoint } from "./instance.js";
import type { Resolver } from "./resolver.js";
import { AddressTarget, InstanceTable, LocatedTarget } from "./target.js";
import { wireKey } from "./wire-key.js";

/** Makes the targets of one client, so that its proxies share what is known of addresses and instances. */
export class Targets {
  readonly #context: InstanceContext;
  readonly #resolver: Resolver;
  readonly #random: () => number;
  readonly #addresses = new Map<string, AddressTarget>();
  /** Instances that are reached by whatever both ends know. */
  readonly #instances: InstanceTable;
  /** Those of wires and protocols that were asked for, by {@link wireKey}. */
  readonly #otherInstances = new Map<string, InstanceTable>();

  /** @param random - chance, for the choice between instances */
  constructor(context: InstanceContext, resolver: Resolver, random: () => number) {
    this.#context = context;
    this.#resolver = resolver;
    this.#random = random;
    this.#instances = new InstanceTable(context);
  }

  /** One for all proxies of the same: what is known of an address is known to all of them. */
  at(way: Omit<InstanceEndpoint, "isLocal">, interfaceName: string): AddressTarget {
    const { address, wire, key } = way;
    const name = `${wireKey(wire)} ${interfaceName} ${address} ${key ?? ""}`;
    const known = this.#addresses.get(name);
    if (known) return known;
    const record: ServiceRecord = {
      service: address,
      address,
      interfaces: [interfaceName],
      endpoints: [{ address, wires: [typeof wire === "string" ? wire : wire.name], key }],
      tags: [],
      data: {},
    };
    const target = new AddressTarget(new Instance(record, this.#context, [{ ...way, isLocal: false }]), address);
    if (this.#addresses.size >= MAX_TARGETS) this.#addresses.clear();
    this.#addresses.set(name, target);
    return target;
  }

  /** The one run of a service that a record tells of, and no other; `undefined` when nothing is spoken there that is spoken here. */
  run(record: ServiceRecord): AddressTarget | undefined {
    const instance = this.#instances.get(record);
    return instance && new AddressTarget(instance, record.service);
  }

  /**
   * Whatever the nameserver knows.
   *
   * @param wire - the only thing that may be spoken; `undefined`: the best wire that both ends know
   * @throws ConfigurationError for an unknown wire
   */
  located(
    query: ServiceQuery,
    balance: BalanceStrategy | undefined,
    wire: string | Protocol | undefined,
  ): LocatedTarget {
    return new LocatedTarget(query, balance, this.#resolver, this.#instancesOf(wire), {
      random: this.#random,
      now: () => this.#context.wheel.now(),
    });
  }

  #instancesOf(wire: string | Protocol | undefined): InstanceTable {
    if (wire === undefined) return this.#instances;
    const read = readWire(wire);
    const key = wireKey(read);
    let instances = this.#otherInstances.get(key);
    if (!instances) {
      instances = new InstanceTable(this.#context, read);
      if (this.#otherInstances.size >= MAX_TARGETS) this.#otherInstances.clear();
      this.#otherInstances.set(key, instances);
    }
    return instances;
  }
}

/** Addresses with their interfaces that are remembered; whoever uses more begins anew. */
const MAX_TARGETS = 1_000;

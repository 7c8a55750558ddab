import { rpcError } from "../errors.js";
import type { Protocol } from "../peer/protocol.js";
import { instanceKey, type ServiceQuery, type ServiceRecord } from "../peer/record.js";
import { sleep } from "../util/sleep.js";
import { Balancer, type BalanceStrategy } from "./balancer.js";
import { Instance, type InstanceContext } from "./instance.js";
import type { Resolver } from "./resolver.js";
import { waysBy, waysTo } from "./ways.js";

/** Where the calls of a proxy go: one address, or whatever the nameserver knows. */
export interface Target {
  /** For errors and printing: an address, a service path, or the interface. */
  readonly label: string;
  /** An instance for the next call, if one is known; chosen without waiting. */
  pick(excluded: ReadonlySet<string>): Instance | undefined;
  /**
   * An instance for the next call, asking the nameserver where needed.
   *
   * @param again - this is not the first try: what is remembered does not count
   * @param incarnation - one run is wanted before all others
   * @throws RpcError, `not-sent`, when there is none
   */
  resolve(excluded: ReadonlySet<string>, again: boolean, signal: AbortSignal, incarnation?: string): Promise<Instance>;
  /** An instance turned out to be gone or in trouble. */
  drop(instance: Instance): void;
  /** A pause before another try; ends early when something has changed. */
  pause(excluded: ReadonlySet<string>, pauseMs: number, signal: AbortSignal): Promise<void>;
  /** Is this instance, which holds a session, gone for good? */
  isGone(instance: Instance, signal: AbortSignal): Promise<boolean>;
  /** Does a choice of instance want to know latencies? */
  readonly measures: boolean;
  /** Longest pause between two tries, in milliseconds. */
  readonly pauseCapMs: number;
}

/** A fixed address. */
export class AddressTarget implements Target {
  readonly label: string;
  readonly measures = false;
  readonly pauseCapMs = 250;
  readonly #instance: Instance;

  constructor(instance: Instance, label: string) {
    this.#instance = instance;
    this.label = label;
  }

  /** Whatever has become of earlier calls: there is no other. */
  pick(): Instance {
    return this.#instance;
  }

  resolve(): Promise<Instance> {
    return Promise.resolve(this.#instance);
  }

  drop(): void {
    // There is no other; the next call connects again.
  }

  pause(_excluded: ReadonlySet<string>, pauseMs: number, signal: AbortSignal): Promise<void> {
    return sleep(pauseMs, signal);
  }

  isGone(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

/** Whatever provider of an interface the nameserver knows. */
export class LocatedTarget implements Target {
  readonly label: string;
  readonly pauseCapMs = 500;
  readonly #query: ServiceQuery;
  readonly #resolver: Resolver;
  readonly #balancer: Balancer;
  readonly #sticky: boolean;
  readonly #instances: InstanceTable;
  readonly #random: () => number;
  #current: Instance | undefined;
  #refreshing = false;
  #refreshedAt = -Infinity;
  readonly #now: () => number;

  constructor(
    query: ServiceQuery,
    balance: BalanceStrategy | undefined,
    resolver: Resolver,
    instances: InstanceTable,
    options: { readonly random: () => number; readonly now: () => number },
  ) {
    this.label = query.service ?? query.interface;
    this.#query = query;
    this.#resolver = resolver;
    this.#instances = instances;
    this.#random = options.random;
    this.#now = options.now;
    this.#sticky = balance === undefined;
    this.#balancer = new Balancer(balance ?? "random", options.random);
  }

  get measures(): boolean {
    return this.#balancer.measures;
  }

  pick(excluded: ReadonlySet<string>): Instance | undefined {
    if (this.#sticky) {
      const current = this.#current;
      return current && !excluded.has(current.key) && current.breaker.closed ? current : undefined;
    }
    const records = this.#resolver.known(this.#query);
    if (records.length === 0) return undefined;
    this.#refresh();
    return this.#choose(records, excluded);
  }

  async resolve(
    excluded: ReadonlySet<string>,
    again: boolean,
    signal: AbortSignal,
    incarnation?: string,
  ): Promise<Instance> {
    const records = await this.#resolver.find(this.#query, again, signal);
    if (incarnation !== undefined) {
      const record = records.find((each) => each.incarnation === incarnation);
      const wanted = record && this.#instances.get(record);
      if (wanted) return wanted;
    }
    const { wire } = this.#instances;
    if (wire !== undefined && !records.some((record) => this.#instances.get(record))) {
      // What is remembered may be older than the one that is looked for.
      if (!again) return await this.resolve(excluded, true, signal);
      throw unspoken(this.label, wire, records);
    }
    // What failed before, and what has not answered for long, is used again only when there is nothing else.
    const instance =
      this.#choose(records, excluded) ?? this.#choose(records, NONE) ?? this.#choose(records, NONE, true);
    if (!instance) throw unusable(this.label);
    if (this.#sticky) this.#current = instance;
    return instance;
  }

  drop(instance: Instance): void {
    if (this.#current === instance) this.#current = undefined;
    this.#resolver.doubt(this.#query);
  }

  pause(excluded: ReadonlySet<string>, pauseMs: number, signal: AbortSignal): Promise<void> {
    return this.#resolver.pause(this.#query, this.#withUnspoken(excluded), pauseMs, signal);
  }

  async isGone(instance: Instance, signal: AbortSignal): Promise<boolean> {
    const { service } = instance.record;
    try {
      const records = await this.#resolver.find({ interface: this.#query.interface, service }, true, signal);
      return !records.some((record) => instanceKey(record) === instance.key);
    } catch (error) {
      // "Not found" is an answer; a nameserver that cannot be reached is none.
      return (error as { code?: string }).code === "SERVICE_NOT_FOUND";
    }
  }

  /** @param desperate - also instances whose circuit breaker is open */
  #choose(records: readonly ServiceRecord[], excluded: ReadonlySet<string>, desperate = false): Instance | undefined {
    const fit: Instance[] = [];
    for (const record of records) {
      const instance = this.#instances.get(record);
      if (!instance || excluded.has(instance.key)) continue;
      if (desperate || instance.breaker.closed) fit.push(instance);
    }
    return this.#sticky ? fit[Math.floor(this.#random() * fit.length)] : this.#balancer.pick(fit);
  }

  /** Nobody waits for those that are there already and do not speak what is wanted. */
  #withUnspoken(excluded: ReadonlySet<string>): ReadonlySet<string> {
    if (this.#instances.wire === undefined) return excluded;
    const unspoken = this.#resolver.known(this.#query).filter((record) => !this.#instances.get(record));
    return new Set([...excluded, ...unspoken.map(instanceKey)]);
  }

  /** Calls that are spread take notice of providers that come, without waiting for one to fail. */
  #refresh(): void {
    const now = this.#now();
    if (this.#refreshing || now - this.#refreshedAt < REFRESH_MS) return;
    this.#refreshing = true;
    this.#refreshedAt = now;
    const settled = (): void => {
      this.#refreshing = false;
    };
    this.#resolver.find(this.#query, true, NEVER).then(settled, settled);
  }
}

/** How often the list of providers is asked for while calls are spread over it, in milliseconds. */
const REFRESH_MS = 1_000;
const NONE: ReadonlySet<string> = new Set();
const NEVER = new AbortController().signal;

/** All instances that a client knows and reaches in the same way, so that proxies share what is known of them. */
export class InstanceTable {
  /** What they are called by; `undefined`: by the best wire that both ends know. */
  readonly wire: string | Protocol | undefined;
  readonly #instances = new Map<string, Instance>();
  readonly #context: InstanceContext;

  constructor(context: InstanceContext, wire?: string | Protocol) {
    this.#context = context;
    this.wire = wire;
  }

  /** The instance behind a record; `undefined` when it speaks nothing that may be spoken here. */
  get(record: ServiceRecord): Instance | undefined {
    const key = instanceKey(record);
    const known = this.#instances.get(key);
    if (known) return known;
    const { wire } = this;
    const endpoints =
      typeof wire === "object" ? waysBy(wire, record, this.#context) : waysTo(record, this.#context, wire);
    if (endpoints.length === 0) return undefined;
    if (this.#instances.size >= MAX_INSTANCES) {
      const oldest = this.#instances.keys().next().value;
      if (oldest !== undefined) this.#instances.delete(oldest);
    }
    const instance = new Instance(record, this.#context, endpoints);
    this.#instances.set(key, instance);
    return instance;
  }
}

/** Instances come and go; so many are remembered. */
const MAX_INSTANCES = 10_000;

function unusable(label: string): Error {
  return rpcError(
    "CONFIGURATION",
    `${label} is registered, but with no address and wire that this client can use; "lamplighter list" shows them`,
    { service: label },
  );
}

/** There are providers, and none that speaks what the caller wants: to the caller, as if there were none. */
function unspoken(label: string, wire: string | Protocol, records: readonly ServiceRecord[]): Error {
  const wanted = typeof wire === "string" ? wire : `${wire.name} over ${wire.schemes.join(", ")}`;
  const [first, ...others] = records;
  const ways = first?.endpoints.map(({ address, wires }) => `${address} (${wires.join(", ")})`).join(", ") ?? "";
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  return rpcError(
    "SERVICE_NOT_FOUND",
    `No provider of ${label} speaks ${wanted}: ${first?.service ?? ""} is reached at ${ways}${more}`,
    { service: first?.service },
  );
}

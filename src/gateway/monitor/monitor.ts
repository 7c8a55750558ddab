import type { Client } from "../../client/client.js";
import { ConfigurationError, type RpcError } from "../../errors.js";
import { NAMESERVER_INTERFACE, type ServiceRecord } from "../../peer/record.js";
import { HostPoll } from "./host-poll.js";
import { RegistryWatch } from "./registry-watch.js";
import type { Counters } from "./told-stats.js";
import { TrackedService } from "./tracked-service.js";
import type { MonitorSnapshot, MonitorUpdate, NameserverView } from "./view.js";

/** Options of {@link Monitor}. */
export interface MonitorOptions {
  /** Asks nameserver and services; stays open when the monitor is closed. */
  readonly client: Client;
  /** Services are asked so often, in milliseconds; default 1,000. */
  readonly intervalMs?: number | undefined;
  /** How long a service may take to answer, in milliseconds; default 1,000. */
  readonly timeoutMs?: number | undefined;
  /** How long what services did is kept, in milliseconds; default 600,000, ten minutes. */
  readonly historyMs?: number | undefined;
  /** So many services are watched at most; default 1,000. */
  readonly maxServices?: number | undefined;
}

/**
 * Watches all services that a nameserver knows: how they are doing, what is called there, how it goes and how long it takes.
 * Asks nobody anything while nobody wants to know.
 */
export class Monitor {
  readonly #intervalMs: number;
  readonly #historyMs: number;
  readonly #maxServices: number;
  readonly #client: Client;
  readonly #poll: HostPoll;
  readonly #watch: RegistryWatch;
  readonly #services = new Map<string, TrackedService>();
  readonly #listeners = new Set<(update: MonitorUpdate) => void>();
  readonly #removed = new Set<string>();
  #omitted = 0;
  #nameserver: Omit<NameserverView, "address"> = { isReachable: null, detail: null };
  #running: AbortController | undefined;
  #looking: Promise<void> | undefined;
  #telling: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @throws ConfigurationError when an option is no number above 0 */
  constructor(options: MonitorOptions) {
    const { client, intervalMs = 1_000, timeoutMs = 1_000, historyMs = 600_000, maxServices = 1_000 } = options;
    for (const [name, value] of Object.entries({ intervalMs, timeoutMs, historyMs, maxServices })) {
      if (!(value > 0)) throw new ConfigurationError(`The option ${name} must be a number above 0, got ${value}`);
    }
    this.#client = client;
    this.#intervalMs = intervalMs;
    this.#historyMs = historyMs;
    this.#maxServices = maxServices;
    this.#poll = new HostPoll(client, timeoutMs);
    this.#watch = new RegistryWatch(client, timeoutMs, {
      registered: (records) => {
        this.#registered(records);
      },
      lost: (error) => {
        this.#lost(error);
      },
    });
  }

  /**
   * Everything that is known now, with what was kept of the past.
   *
   * @param mostPoints - points of all services together; default 20,000
   */
  snapshot(mostPoints = 20_000): MonitorSnapshot {
    const points = Math.floor(mostPoints / Math.max(1, this.#services.size));
    return { ...this.#head(), services: this.#sorted().map((tracked) => tracked.view(points)) };
  }

  /** The counters that a service told last, as they came; `undefined` when it told none. */
  statsOf(service: string): Counters | undefined {
    return this.#services.get(service)?.stats;
  }

  /**
   * Asks everybody once, unless they are being asked anyway, and tells what is known then. Never rejects: services and nameserver
   * that do not answer are shown as such.
   */
  async read(): Promise<MonitorSnapshot> {
    this.#requireOpen();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
    return this.snapshot(0);
  }

  /**
   * Tells of every change from now on: each time what was told since. {@link Monitor.snapshot} tells what was before.
   *
   * @returns ends it; when the last one has left nobody is asked any more
   */
  subscribe(listener: (update: MonitorUpdate) => void): () => void {
    this.#requireOpen();
    const own = (update: MonitorUpdate): void => {
      listener(update);
    };
    this.#listeners.add(own);
    if (!this.#running) this.#start();
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  /** Ends all subscriptions. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#stop();
    this.#poll.close();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new ConfigurationError("This monitor was closed");
  }

  #start(): void {
    const running = new AbortController();
    this.#running = running;
    for (const tracked of this.#services.values()) tracked.resumed();
    const { signal } = running;
    void this.#watch.follow(signal);
    const timer = setInterval(() => {
      this.#askAll(signal);
    }, this.#intervalMs);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
    });
  }

  #stop(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#removed.clear();
    this.#running?.abort();
    this.#running = undefined;
  }

  async #look(): Promise<void> {
    if (!this.#running) await this.#watch.look(0);
    await Promise.all([...this.#services.values()].map((tracked) => this.#ask(tracked)));
  }

  #registered(records: ReadonlyMap<string, ServiceRecord>): void {
    this.#nameserver = { isReachable: true, detail: null };
    for (const [service, tracked] of this.#services) {
      if (records.has(service) || tracked.health === "gone") continue;
      tracked.removed();
    }
    this.#omitted = 0;
    for (const [service, record] of records) {
      const known = this.#services.get(service);
      if (known) known.registered(record);
      else if (this.#makeRoom()) {
        this.#services.set(service, new TrackedService(record, Math.ceil(this.#historyMs / this.#intervalMs)));
        this.#removed.delete(service);
      } else this.#omitted++;
    }
    this.#forget();
    this.#tellSoon();
    const signal = this.#running?.signal;
    // Who is new need not wait for its turn.
    if (signal) this.#askAll(signal, "unknown");
  }

  #lost(error: RpcError): void {
    this.#nameserver = { isReachable: false, detail: error.message };
    this.#tellSoon();
  }

  /** What is gone gives way to what is there. */
  #makeRoom(): boolean {
    if (this.#services.size < this.#maxServices) return true;
    const [oldest] = this.#gone();
    if (!oldest) return false;
    this.#drop(oldest);
    return true;
  }

  #forget(): void {
    const gone = this.#gone();
    const forgottenBefore = Date.now() - this.#historyMs;
    for (const [index, tracked] of gone.entries()) {
      if (tracked.since < forgottenBefore || index < gone.length - MAX_GONE) this.#drop(tracked);
    }
  }

  #gone(): TrackedService[] {
    const gone = [...this.#services.values()].filter(({ health }) => health === "gone");
    return gone.sort((a, b) => a.since - b.since);
  }

  #drop({ record: { service } }: TrackedService): void {
    this.#services.delete(service);
    // Who comes later does not know it.
    if (this.#listeners.size > 0) this.#removed.add(service);
  }

  #askAll(signal: AbortSignal, health?: "unknown"): void {
    this.#forget();
    for (const tracked of this.#services.values()) {
      if (health === undefined || tracked.health === health) void this.#ask(tracked, signal);
    }
  }

  /** Who is being asked already is not asked once more. */
  async #ask(tracked: TrackedService, signal?: AbortSignal): Promise<void> {
    if (tracked.health === "gone") return;
    tracked.asking ??= this.#askOne(tracked, signal).finally(() => {
      tracked.asking = undefined;
    });
    await tracked.asking;
  }

  async #askOne(tracked: TrackedService, signal?: AbortSignal): Promise<void> {
    const { record } = tracked;
    await this.#poll.ask(tracked, signal);
    if (signal?.aborted) return;
    if (record.interfaces.includes(NAMESERVER_INTERFACE)) this.#takeLeases(tracked);
    this.#tellSoon();
  }

  /** A nameserver tells in its statistics how long the others have yet. */
  #takeLeases({ leases }: TrackedService): void {
    for (const [service, lease] of leases) {
      const tracked = this.#services.get(service);
      if (tracked && tracked.health !== "gone") tracked.lease = lease;
    }
  }

  /** What comes within a moment is told together. */
  #tellSoon(): void {
    if (this.#listeners.size === 0) return;
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      const services = this.#sorted().map((tracked) => tracked.view());
      const update = { ...this.#head(), services, removed: [...this.#removed] };
      this.#removed.clear();
      for (const tell of [...this.#listeners]) tell(update);
    }, TOGETHER_MS);
  }

  #head(): Omit<MonitorSnapshot, "services"> {
    return {
      at: Date.now(),
      intervalMs: this.#intervalMs,
      nameserver: { address: this.#client.nameservers.join(", "), ...this.#nameserver },
      omitted: this.#omitted,
    };
  }

  #sorted(): TrackedService[] {
    return [...this.#services.values()].sort((a, b) => (a.record.service < b.record.service ? -1 : 1));
  }
}

/** What is told within so many milliseconds is told together. */
const TOGETHER_MS = 50;
/** So many services that are gone are shown. */
const MAX_GONE = 100;

import type { ServiceQuery, ServiceRecord } from "../peer/record.js";
import type { Registry, RegistryChange, RegistryEntry } from "./registry.js";

/** Options of {@link MemoryRegistry}. */
export interface MemoryRegistryOptions {
  /** The clock, in milliseconds; default `performance.now`. */
  readonly now?: () => number;
  /** How often leases are looked at, in milliseconds; default 200. */
  readonly sweepMs?: number;
}

interface Held {
  entry: RegistryEntry;
  expiresAt: number;
}

/** The registry in memory. Its state is soft: services bring it back within moments of a restart. */
export class MemoryRegistry implements Registry {
  readonly #held = new Map<string, Held>();
  readonly #byInterface = new Map<string, Set<Held>>();
  readonly #listeners = new Set<(change: RegistryChange) => void>();
  readonly #now: () => number;
  readonly #sweepMs: number;
  readonly #sweeper: NodeJS.Timeout;
  #sweptAt: number;

  /** Begins empty; see {@link MemoryRegistryOptions}. */
  constructor(options: MemoryRegistryOptions = {}) {
    this.#now = options.now ?? (() => performance.now());
    this.#sweepMs = options.sweepMs ?? 200;
    this.#sweptAt = this.#now();
    this.#sweeper = setInterval(() => {
      this.sweep();
    }, this.#sweepMs).unref();
  }

  get size(): number {
    return this.#held.size;
  }

  get(service: string): RegistryEntry | undefined {
    return this.#held.get(service)?.entry;
  }

  set(entry: RegistryEntry): void {
    const { service } = entry.record;
    const before = this.#held.get(service);
    if (before) this.#unindex(before);
    const held: Held = { entry, expiresAt: this.#now() + entry.leaseMs };
    this.#held.set(service, held);
    for (const name of entry.record.interfaces) {
      const providers = this.#byInterface.get(name) ?? new Set();
      this.#byInterface.set(name, providers.add(held));
    }
    if (!before) this.#tell({ type: "added", record: entry.record });
    else if (JSON.stringify(before.entry.record) !== JSON.stringify(entry.record)) {
      this.#tell({ type: "changed", record: entry.record, before: before.entry.record });
    }
  }

  renew(service: string): boolean {
    const held = this.#held.get(service);
    if (!held) return false;
    held.expiresAt = this.#now() + held.entry.leaseMs;
    return true;
  }

  leftMs(service: string): number | undefined {
    const held = this.#held.get(service);
    return held && Math.max(0, held.expiresAt - this.#now());
  }

  delete(service: string): void {
    const held = this.#held.get(service);
    if (!held) return;
    this.#held.delete(service);
    this.#unindex(held);
    this.#tell({ type: "removed", record: held.entry.record });
  }

  find(query: ServiceQuery): ServiceRecord[] {
    const found: ServiceRecord[] = [];
    for (const { entry } of this.#byInterface.get(query.interface) ?? []) {
      const { record } = entry;
      if (query.service !== undefined && record.service !== query.service) continue;
      if (query.tags?.some((tag) => !record.tags.includes(tag))) continue;
      found.push(record);
    }
    return found;
  }

  list(): ServiceRecord[] {
    return [...this.#held.values()].map((held) => held.entry.record);
  }

  watch(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#listeners.clear();
  }

  /**
   * Removes what has run out. When this process itself was stopped or blocked, nobody could renew meanwhile: the time is
   * given to every lease.
   */
  sweep(): void {
    const now = this.#now();
    const stalledMs = now - this.#sweptAt - this.#sweepMs;
    this.#sweptAt = now;
    const graceMs = stalledMs > STALL_MS ? stalledMs + GRACE_MS : 0;
    for (const [service, held] of this.#held) {
      held.expiresAt += graceMs;
      if (held.expiresAt <= now) this.delete(service);
    }
  }

  #unindex(held: Held): void {
    for (const name of held.entry.record.interfaces) {
      const providers = this.#byInterface.get(name);
      providers?.delete(held);
      if (providers?.size === 0) this.#byInterface.delete(name);
    }
  }

  #tell(change: RegistryChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** A sweep that comes later than this means that the process stood still. */
const STALL_MS = 500;
/** After that, renewals that wait in the socket need a moment to be read. */
const GRACE_MS = 1_000;

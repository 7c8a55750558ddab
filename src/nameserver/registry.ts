import type { ServiceQuery, ServiceRecord } from "../peer/record.js";

/** A record, and for how long it holds. */
export interface RegistryEntry {
  /** What is known of the service. */
  readonly record: ServiceRecord;
  /** Length of the lease in milliseconds; `Infinity` for the nameserver itself. */
  readonly leaseMs: number;
  /** Secret that the registrant was given, to renew and to unregister; PyCOM's services have none. */
  readonly lease: string | undefined;
  /** The user who registered it, where that is known. */
  readonly owner?: string | undefined;
}

/** A change of the registry. */
export interface RegistryChange {
  /** `changed`: the record was replaced, perhaps by a new run of the service. */
  readonly type: "added" | "changed" | "removed";
  /** The record as it is now, or was. */
  readonly record: ServiceRecord;
  /** What a record that has changed was before; without it those who may see the one and not the other are told less. */
  readonly before?: ServiceRecord | undefined;
}

/**
 * Where a nameserver keeps what it knows. The one in memory is the default; others, shared by several nameservers, implement
 * the same. Entries leave by themselves when their lease ends.
 */
export interface Registry {
  /** The entry of a service. */
  get(service: string): RegistryEntry | undefined;
  /** Adds or replaces an entry and begins its lease. */
  set(entry: RegistryEntry): void;
  /** Begins the lease of an entry anew; `false` when there is none. */
  renew(service: string): boolean;
  /**
   * How long the lease of an entry lasts yet, in milliseconds; `undefined` when there is none. Absent: not known, and the
   * nameserver's statistics do not tell it.
   */
  leftMs?(service: string): number | undefined;
  /** Removes an entry. */
  delete(service: string): void;
  /** All records that match. */
  find(query: ServiceQuery): ServiceRecord[];
  /** All records. */
  list(): ServiceRecord[];
  /** Number of entries. */
  readonly size: number;
  /** Tells of every change, until the returned function is called. */
  watch(listener: (change: RegistryChange) => void): () => void;
  /** Stops the clock. */
  close(): void;
}

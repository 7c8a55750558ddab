/** One entry of `list_services` (docs/pycom-wire.md, section 14.3). */
export interface ServiceInfo {
  /** Address that PyCOM peers use. */
  readonly address: string;
  /** Slash path. */
  readonly service: string;
  /** Dotted names. */
  readonly interfaces: readonly string[];
}

/** Regular expressions that must match from the first character on; `null` and absent match everything. */
export interface ListPatterns {
  /** Matches if any interface of the record does. */
  readonly interface?: string | null;
  /** Matches the service path. */
  readonly service?: string | null;
}

/** PyCOM's four methods of `org.pycom.nameserver` (docs/pycom-wire.md, section 14), as remote calls. */
export interface Nameserver {
  /** An empty object, if the nameserver is alive. */
  stat(): Record<string, never>;
  /** Registers a service for 60 s, as PyCOM's services do. */
  register(args: {
    readonly address: string;
    readonly interfaces: readonly string[];
    readonly service: string;
  }): Record<string, unknown>;
  /** One provider, chosen at random. */
  locate(args: { readonly interface: string; readonly service?: string | null }): ServiceInfo;
  /** All services that match; without patterns, all. */
  list_services(patterns?: ListPatterns): ServiceInfo[];
}

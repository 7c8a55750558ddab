import type { Dynamic, InterfaceType, Remote, RemoteBase, RemotePromise } from "../peer/remote.js";

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

/** A proxy of the nameserver: PyCOM's methods as plain remote calls, and a `locate` that returns a proxy at once. */
export interface NameserverProxy extends RemoteBase {
  /** A proxy of whatever service provides an interface; nothing is sent yet. */
  locate<Name extends string>(interfaceName: Name, service?: string): Remote<InterfaceType<Name>>;
  locate<T>(interfaceName: string, service?: string): Remote<T>;
  locate(query: { readonly interface: "org.pycom.nameserver"; readonly service?: string }): NameserverProxy;
  locate(query: { readonly interface: string; readonly service?: string }): Remote<Dynamic>;
  /** All services that match; without patterns, all. */
  list_services(patterns?: ListPatterns): RemotePromise<ServiceInfo[]>;
  /** An empty object, if the nameserver is alive. */
  stat(): RemotePromise<Record<string, never>>;
  /** Registers a service for 60 s, as PyCOM's services do. */
  register(args: {
    readonly address: string;
    readonly interfaces: readonly string[];
    readonly service: string;
  }): RemotePromise<Record<string, unknown>>;
}

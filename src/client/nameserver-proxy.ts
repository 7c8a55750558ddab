import type { ListPatterns, ServiceInfo } from "../peer/nameserver-interface.js";
import type { Dynamic, InterfaceType, Remote, RemoteBase, RemotePromise } from "../peer/remote.js";

/** A proxy of the nameserver: PyCOM's methods as remote calls, but a `locate` that returns a proxy at once. */
export interface NameserverProxy extends RemoteBase {
  /** An empty object, if the nameserver is alive. */
  stat(): RemotePromise<Record<string, never>>;
  /** All services that match; without patterns, all. */
  list_services(patterns?: ListPatterns): RemotePromise<ServiceInfo[]>;
  /** Registers a service for 60 s, as PyCOM's services do. */
  register(record: ServiceInfo): RemotePromise<Record<string, unknown>>;
  /** A proxy of whatever service provides an interface; nothing is sent yet. */
  locate<Name extends string>(interfaceName: Name, service?: string): Remote<InterfaceType<Name>>;
  /** The same, by a query. */
  locate<Name extends string>(query: {
    readonly interface: Name;
    readonly service?: string;
  }): Remote<InterfaceType<Name>>;
  /** The same, typed by hand. */
  locate<T = Dynamic>(query: string | { readonly interface: string; readonly service?: string }): Remote<T>;
}

/** Where a service can be reached, and how. */
export interface Endpoint {
  /** With scheme, as clients connect to it. */
  readonly address: string;
  /** Names of the wires that are answered there, best first. */
  readonly wires: readonly string[];
  /** Only processes of this machine reach it; absent: everybody does. */
  readonly machine?: string | undefined;
  /** How callers may prove who they are: `curve`, `plain`, `null`; absent: nobody has to. */
  readonly mechanisms?: readonly string[] | undefined;
  /** The public key that its owner has, in Z85; absent: it has none, and what is said there everybody can hear. */
  readonly key?: string | undefined;
}

/** What a nameserver knows of one service. */
export interface ServiceRecord {
  /** Slash path, unique. */
  readonly service: string;
  /** The address PyCOM peers use. */
  readonly address: string;
  /** Dotted names. */
  readonly interfaces: readonly string[];
  /** All addresses, best first; PyCOM's services have one. */
  readonly endpoints: readonly Endpoint[];
  /** Labels to locate by. */
  readonly tags: readonly string[];
  /** Whatever the service wants to be known of it. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Random id of one run of one process; PyCOM's services have none. */
  readonly incarnation?: string | undefined;
}

/** Of these addresses the one for PyCOM's peers, which have no keys: over tcp, where nobody has to prove anything if there is such a one. */
export function pycomEndpoint(endpoints: readonly Endpoint[]): Endpoint | undefined {
  const reachable = endpoints.filter(({ address, wires }) => address.startsWith("tcp://") && wires.includes("pycom"));
  return reachable.find(({ mechanisms }) => mechanisms?.includes("null") ?? true) ?? reachable[0];
}

/** What to look for: every given member must match. */
export interface ServiceQuery {
  /** Exact name. */
  readonly interface: string;
  /** Exact name. */
  readonly service?: string | undefined;
  /** All of them must be there. */
  readonly tags?: readonly string[] | undefined;
}

/** What tells one run of a service from another: its incarnation, or for PyCOM's services the address. */
export function instanceKey(record: ServiceRecord): string {
  return record.incarnation === undefined ? record.address : `${record.incarnation}@${record.address}`;
}

/**
 * Reads a record that a nameserver sent; members of the wrong type count as absent.
 *
 * @returns `undefined` when it has no service, address or interfaces
 */
export function readRecord(value: unknown): ServiceRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const told = value as Record<string, unknown>;
  const { service, address, interfaces, incarnation, data } = told;
  if (typeof service !== "string" || typeof address !== "string" || !Array.isArray(interfaces)) return undefined;
  const endpoints = (Array.isArray(told.endpoints) ? told.endpoints : []).flatMap((entry: unknown) => {
    const endpoint = entry as Partial<Record<keyof Endpoint, unknown>> | null;
    if (typeof endpoint?.address !== "string" || !Array.isArray(endpoint.wires)) return [];
    const { address, wires, machine, mechanisms, key } = endpoint;
    return [
      {
        address,
        wires: texts(wires),
        ...(typeof machine === "string" && { machine }),
        ...(Array.isArray(mechanisms) && { mechanisms: texts(mechanisms) }),
        ...(typeof key === "string" && { key }),
      },
    ];
  });
  return {
    service,
    address,
    interfaces: texts(interfaces),
    endpoints: endpoints.length > 0 ? endpoints : [{ address, wires: ["pycom"] }],
    tags: texts(told.tags),
    data: typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {},
    incarnation: typeof incarnation === "string" ? incarnation : undefined,
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** The nameserver's own interface. */
export const NAMESERVER_INTERFACE = "org.pycom.nameserver";
/** What every Lamplighter host answers about itself, whatever it provides: `stat`. Never registered. */
export const HOST_INTERFACE = "lamplighter.host";
/** The interface of authenticators. */
export const AUTHENTICATOR_INTERFACE = "org.pycom.authenticator";
/** The request extension that carries a token. */
export const AUTH_EXTENSION = "org.pycom.auth";

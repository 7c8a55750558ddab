import type { Protocol } from "../peer/protocol.js";
import type { Endpoint, ServiceRecord } from "../peer/record.js";
import { isBoundHere, machineId, parseAnyAddress, processAddress } from "../transport/index.js";
import { wireNames } from "../wire/registry.js";
import type { InstanceContext, InstanceEndpoint } from "./instance.js";

/** What ways depend on. */
type WaysContext = Pick<InstanceContext, "schemes" | "credentials">;

/**
 * Ways to an instance, best first: inside of this process, within this machine, over tcp, then what may be another machine's.
 * Each speaks the best wire that is known at both ends.
 *
 * Ways on which this end would have to prove what it cannot, or to say in clear text what it may not, are left out, if there
 * are others.
 *
 * @param wire - the only one that may be spoken; default whichever
 */
export function waysTo(
  record: ServiceRecord,
  { schemes, credentials }: WaysContext,
  wire?: string,
): InstanceEndpoint[] {
  const known = wire === undefined ? wireNames() : [wire];
  const usable: readonly string[] = schemes;
  const { incarnation, endpoints } = record;
  const ways: (InstanceEndpoint & { readonly rank: number })[] = [];
  const add = ({ address, wires, mechanisms, ...told }: Endpoint, rank: number): void => {
    const spoken = known.find((name) => wires.includes(name));
    const key = credentials.canReach(true) || !mechanisms?.includes("null") ? told.key : undefined;
    if (spoken !== undefined) ways.push({ address, wire: spoken, key, isLocal: rank < 2, rank });
  };
  // A host of this process is known by its incarnation: nobody has to tell, and what is told of such addresses is not true.
  const here = incarnation === undefined ? undefined : processAddress(incarnation);
  if (here !== undefined && schemes.includes("memory") && isBoundHere(here)) {
    add({ address: here, wires: wireNames() }, 0);
  }
  for (const endpoint of endpoints) {
    const { address, machine } = endpoint;
    const scheme = schemeOf(address);
    if (scheme === undefined || scheme === "memory" || !usable.includes(scheme)) continue;
    if (machine === undefined) add(endpoint, scheme === "tcp" ? 2 : 3);
    else if (machine === machineId()) add(endpoint, 1);
  }
  ways.sort((a, b) => a.rank - b.rank);
  const open = ways.filter(({ key }) => credentials.canReach(key !== undefined));
  return open.length > 0 ? open : ways;
}

/**
 * Ways to an instance by a protocol, best first: in the order of its schemes. Ways on which this end would have to say in clear
 * text what it may not are left out, if there are others.
 */
export function waysBy(
  protocol: Protocol,
  { endpoints }: ServiceRecord,
  { credentials }: Pick<WaysContext, "credentials">,
): InstanceEndpoint[] {
  const ways = endpoints
    .filter(({ wires, machine }) => wires.includes(protocol.name) && (machine === undefined || machine === machineId()))
    .map(({ address }) => ({ address, rank: protocol.schemes.indexOf(schemeOf(address) ?? "") }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank);
  const open = ways.filter(({ address }) => credentials.canReach(false) || protocol.isSecret?.(address));
  return (open.length > 0 ? open : ways).map(({ address }) => ({ address, wire: protocol, isLocal: false }));
}

/** What a nameserver tells is not always an address. */
function schemeOf(address: string): string | undefined {
  try {
    return parseAnyAddress(address).scheme;
  } catch {
    return undefined;
  }
}

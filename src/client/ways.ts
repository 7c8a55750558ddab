import type { Endpoint, ServiceRecord } from "../peer/record.js";
import { type Address, isBoundHere, machineId, parseAddress, processAddress } from "../transport/index.js";
import { wireNames } from "../wire/registry.js";
import type { InstanceContext, InstanceEndpoint } from "./instance.js";

/**
 * Ways to an instance, best first: inside of this process, within this machine, over tcp, then what may be another machine's.
 * Each speaks the best wire that is known at both ends.
 *
 * Ways on which this end would have to prove what it cannot, or to say in clear text what it may not, are left out, if there
 * are others.
 */
export function waysTo(
  record: ServiceRecord,
  { schemes, credentials }: Pick<InstanceContext, "schemes" | "credentials">,
): InstanceEndpoint[] {
  const { incarnation, endpoints } = record;
  const ways: (InstanceEndpoint & { readonly rank: number })[] = [];
  const add = ({ address, wires, mechanisms, ...told }: Endpoint, rank: number): void => {
    const wire = wireNames().find((name) => wires.includes(name));
    const key = credentials.canReach(true) || !mechanisms?.includes("null") ? told.key : undefined;
    if (wire !== undefined) ways.push({ address, wire, key, isLocal: rank < 2, rank });
  };
  // A host of this process is known by its incarnation: nobody has to tell, and what is told of such addresses is not true.
  const here = incarnation === undefined ? undefined : processAddress(incarnation);
  if (here !== undefined && schemes.includes("memory") && isBoundHere(here)) {
    add({ address: here, wires: wireNames() }, 0);
  }
  for (const endpoint of endpoints) {
    const { address, machine } = endpoint;
    const scheme = schemeOf(address);
    if (scheme === undefined || scheme === "memory" || !schemes.includes(scheme)) continue;
    if (machine === undefined) add(endpoint, scheme === "tcp" ? 2 : 3);
    else if (machine === machineId()) add(endpoint, 1);
  }
  ways.sort((a, b) => a.rank - b.rank);
  const open = ways.filter(({ key }) => credentials.canReach(key !== undefined));
  return open.length > 0 ? open : ways;
}

/** What a nameserver tells is not always an address. */
function schemeOf(address: string): Address["scheme"] | undefined {
  try {
    return parseAddress(address).scheme;
  } catch {
    return undefined;
  }
}

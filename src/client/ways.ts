import type { ServiceRecord } from "../peer/record.js";
import { type Address, isBoundHere, machineId, parseAddress, processAddress } from "../transport/index.js";
import { wireNames } from "../wire/registry.js";
import type { InstanceEndpoint } from "./instance.js";

/**
 * Ways to an instance, best first: inside of this process, within this machine, over tcp, then what may be another machine's.
 * Each speaks the best wire that is known at both ends.
 *
 * @param schemes - of the addresses that can be connected to
 */
export function waysTo(record: ServiceRecord, schemes: readonly Address["scheme"][]): InstanceEndpoint[] {
  const { incarnation, endpoints } = record;
  const ways: (InstanceEndpoint & { readonly rank: number })[] = [];
  const add = (address: string, wires: readonly string[], rank: number): void => {
    const wire = wireNames().find((name) => wires.includes(name));
    if (wire !== undefined) ways.push({ address, wire, isLocal: rank < 2, rank });
  };
  // A host of this process is known by its incarnation: nobody has to tell, and what is told of such addresses is not true.
  const here = incarnation === undefined ? undefined : processAddress(incarnation);
  if (here !== undefined && schemes.includes("memory") && isBoundHere(here)) add(here, wireNames(), 0);
  for (const { address, wires, machine } of endpoints) {
    const scheme = schemeOf(address);
    if (scheme === undefined || scheme === "memory" || !schemes.includes(scheme)) continue;
    if (machine === undefined) add(address, wires, scheme === "tcp" ? 2 : 3);
    else if (machine === machineId()) add(address, wires, 1);
  }
  return ways.sort((a, b) => a.rank - b.rank);
}

/** What a nameserver tells is not always an address. */
function schemeOf(address: string): Address["scheme"] | undefined {
  try {
    return parseAddress(address).scheme;
  } catch {
    return undefined;
  }
}

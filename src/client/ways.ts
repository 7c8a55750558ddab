import type { ServiceRecord } from "../peer/record.js";
import { type Address, isBoundHere, machineId, parseAddress, processAddress } from "../transport/index.js";
import { wireNames } from "../wire/registry.js";
import type { InstanceEndpoint } from "./instance.js";

/**
 * Ways to an instance, best first: inside of this process, within this machine, over tcp, then what may be another machine's;
 * of each kind by the best wire that is known here.
 *
 * @param schemes - of the addresses that can be connected to
 */
export function waysTo(record: ServiceRecord, schemes: readonly Address["scheme"][]): InstanceEndpoint[] {
  const { incarnation, endpoints } = record;
  const known = wireNames();
  const ways: (InstanceEndpoint & { readonly rank: number })[] = [];
  const add = (address: string, wires: readonly string[], isLocal: boolean): void => {
    const scheme = schemeOf(address);
    if (scheme === undefined || !schemes.includes(scheme)) return;
    const rank = scheme === "memory" ? 0 : isLocal ? 1 : scheme === "tcp" ? 2 : 3;
    for (const wire of wires) if (known.includes(wire)) ways.push({ address, wire, isLocal, rank });
  };
  // A host of this process is known by its incarnation: nobody has to tell.
  const here = incarnation === undefined ? undefined : processAddress(incarnation);
  if (here !== undefined && isBoundHere(here)) add(here, known, true);
  for (const { address, wires, machine } of endpoints) {
    if (machine === undefined) add(address, wires, false);
    else if (machine === machineId()) add(address, wires, true);
  }
  return ways.sort((a, b) => a.rank - b.rank || known.indexOf(a.wire) - known.indexOf(b.wire));
}

/** What a nameserver tells is not always an address. */
function schemeOf(address: string): Address["scheme"] | undefined {
  try {
    return parseAddress(address).scheme;
  } catch {
    return undefined;
  }
}

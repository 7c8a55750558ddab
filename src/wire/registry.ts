import { ConfigurationError } from "../errors.js";
import { didYouMean } from "../util/did-you-mean.js";
import { lampWire } from "./lamp/index.js";
import type { Frames } from "./message.js";
import { pseudWire } from "./pseud/index.js";
import { pycomWire } from "./pycom/index.js";
import type { Wire } from "./wire.js";

/** All wires of this process by name, best first. The one place that lists them. */
const wires = new Map<string, Wire>([lampWire, pseudWire, pycomWire].map((wire) => [wire.name, wire]));

/** Protocols that are no wires, for they bring connections of their own, and where functions of their names make them. */
const IMPORTED: ReadonlyMap<string, string> = new Map([["amp", "lamplighter/amp"]]);

/**
 * Adds a wire from another package. Hosts and clients made afterwards know it.
 *
 * @throws ConfigurationError when the name is taken by another wire
 */
export function registerWire(wire: Wire): void {
  const known = wires.get(wire.name);
  if (known && known !== wire) throw new ConfigurationError(`A wire named ${wire.name} is registered already`);
  wires.set(wire.name, wire);
}

/** Removes a wire again; for tests and plug-ins that can be unloaded. */
export function unregisterWire(name: string): void {
  wires.delete(name);
}

/**
 * The wire of a name.
 *
 * @throws ConfigurationError when there is none
 */
export function findWire(name: string): Wire {
  const wire = wires.get(name);
  if (wire) return wire;
  const origin = IMPORTED.get(name);
  if (origin !== undefined) {
    throw new ConfigurationError(
      `${name} is not chosen by its name: import it (import { ${name} } from ${JSON.stringify(origin)}) and give what it makes, ` +
        `{ wire: ${name}(…) }`,
    );
  }
  throw new ConfigurationError(`There is no wire named ${JSON.stringify(name)}${didYouMean(name, wires.keys())}`);
}

/** Names of all wires, best first. */
export function wireNames(): string[] {
  return [...wires.keys()];
}

/** The wire that a message speaks, if any does. */
export function recogniseWire(frames: Frames): Wire | undefined {
  for (const wire of wires.values()) if (wire.recognises(frames)) return wire;
  return undefined;
}

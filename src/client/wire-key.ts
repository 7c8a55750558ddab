import type { Protocol } from "../peer/protocol.js";

const keys = new WeakMap<Protocol, string>();
let protocols = 0;

/** Tells wires and protocols apart in the keys of tables; no two protocols are alike, whatever their names. */
export function wireKey(wire: string | Protocol): string {
  if (typeof wire === "string") return wire;
  let key = keys.get(wire);
  if (key === undefined) {
    // No wire has this in its name.
    key = `${wire.name} #${++protocols}`;
    keys.set(wire, key);
  }
  return key;
}

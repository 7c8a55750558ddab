import type { Exports } from "./exports.js";
import type { Imports } from "./imports.js";

/** A function or object that one end of a connection holds of the other's. What is never released is kept alive for it. */
export interface HeldReference {
  /** The other end: a peer's id at a host, an address at a client. */
  readonly peer: string;
  /** Who holds it: `peer` holds something of ours, or it is held `here` and belongs to the peer. */
  readonly holder: "peer" | "here";
  /** Name of the function or class; of what belongs to the peer nothing but its number is known. */
  readonly name: string;
  /** What can be called of it; nothing for a function. */
  readonly methods: readonly string[];
  /** How often it was sent and not released. */
  readonly count: number;
  /** Since when. */
  readonly since: Date;
}

/** What is held over one connection, both ways. */
export function* heldReferences(peer: string, exports: Exports, imports: Imports): Iterable<HeldReference> {
  for (const { target, exposed, count, since } of exports.values()) {
    const methods = typeof target === "function" ? [] : [...exposed.methods.keys()];
    yield { peer, holder: "peer", name: exposed.name, methods, count, since: new Date(since) };
  }
  for (const { id, shape, count, since } of imports.values()) {
    yield { peer, holder: "here", name: `reference ${id}`, methods: shape.methods, count, since: new Date(since) };
  }
}

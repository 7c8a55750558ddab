import { ANY_NODE, type EventUri, LOCAL_HOST } from "./event-uri.js";

/** A node as dispatchers know it: two entries are of the same node if theirs is the same object. */
export interface RouteTarget {
  /** Its name. */
  readonly name: string;
}

/** One subscription in the table of a dispatcher. nodeset: route entry. */
export interface RouteEntry {
  /** Label that the event is addressed to. */
  readonly host: string;
  /** Name of the event. */
  readonly event: string;
  /** The name by which the node is addressed: its own, unless it has subscribed under another. */
  readonly node: string;
  /** The node. */
  readonly target: RouteTarget;
}

/** An entry, and its neighbours: those of an event stand in a ring. */
interface RingEntry extends RouteEntry {
  before: RingEntry;
  after: RingEntry;
}

/**
 * Which nodes are subscribed to what. Each look-up turns the entries of its event by one, so that who is asked for one of them gets
 * each in turn. What it costs depends on the entries of the event, and on no others; to remove a node costs what it has.
 */
export class RoutingTable {
  /** The entry that is the first of its event. */
  readonly #events = new Map<string, RingEntry>();
  readonly #ofTargets = new Map<RouteTarget, Map<string, RingEntry>>();
  #size = 0;

  /** Entries of all events. */
  get size(): number {
    return this.#size;
  }

  /** Adds an entry behind those of its event; `undefined` when it is there already. `*` stands for the node's own name. */
  add({ host, event, node: named }: EventUri, target: RouteTarget): RouteEntry | undefined {
    const node = named === ANY_NODE ? target.name : named;
    const key = keyOf(host, event, node);
    let own = this.#ofTargets.get(target);
    if (own?.has(key)) return undefined;
    const entry = { host, event, node, target } as RingEntry;
    const first = this.#events.get(event);
    if (first) {
      entry.after = first;
      entry.before = first.before;
      first.before.after = entry;
      first.before = entry;
    } else {
      entry.before = entry;
      entry.after = entry;
      this.#events.set(event, entry);
    }
    if (!own) {
      own = new Map();
      this.#ofTargets.set(target, own);
    }
    own.set(key, entry);
    this.#size++;
    return entry;
  }

  /**
   * The entries that match an address, in turn.
   *
   * @param most - so many of them at most
   */
  lookup(parsed: EventUri, most?: number): RouteEntry[] {
    const { event } = parsed;
    const former = this.#events.get(event);
    if (!former) return [];
    this.#events.set(event, former.after);
    return this.peek(parsed, most);
  }

  /** The same, without turning them. */
  peek({ host, event, node }: EventUri, most?: number): RouteEntry[] {
    const first = this.#events.get(event);
    const found: RouteEntry[] = [];
    let entry = first;
    while (entry && found.length < (most ?? Infinity)) {
      if (entry.host === host && (node === ANY_NODE || entry.node === node)) found.push(entry);
      entry = entry.after === first ? undefined : entry.after;
    }
    return found;
  }

  /** Removes the entry of a node for an address; `undefined` when there is none. Turns the entries, as a look-up does. */
  remove(parsed: EventUri, target: RouteTarget): RouteEntry | undefined {
    this.lookup(parsed, 0);
    const { host, event, node } = parsed;
    const entry = this.#ofTargets.get(target)?.get(keyOf(host, event, node === ANY_NODE ? target.name : node));
    if (entry) this.#unlink(entry);
    return entry;
  }

  /** Has a node an entry for an address? */
  holds({ host, event, node }: EventUri, target: RouteTarget | undefined): boolean {
    if (!target) return false;
    return this.#ofTargets.get(target)?.has(keyOf(host, event, node === ANY_NODE ? target.name : node)) === true;
  }

  /** Has a node any entry? */
  has(target: RouteTarget): boolean {
    return this.#ofTargets.has(target);
  }

  /** Removes all entries of a node. */
  removeAll(target: RouteTarget): RouteEntry[] {
    const entries = [...(this.#ofTargets.get(target)?.values() ?? [])];
    for (const entry of entries) this.#unlink(entry);
    return entries;
  }

  /** All entries, event by event, the next in turn last. */
  *[Symbol.iterator](): Iterator<RouteEntry> {
    for (const first of this.#events.values()) {
      let entry = first;
      do {
        yield entry;
        entry = entry.after;
      } while (entry !== first);
    }
  }

  #unlink(entry: RingEntry): void {
    const { host, event, node, target, before, after } = entry;
    before.after = after;
    after.before = before;
    if (after === entry) this.#events.delete(event);
    else if (this.#events.get(event) === entry) this.#events.set(event, after);
    const own = this.#ofTargets.get(target);
    own?.delete(keyOf(host, event, node));
    if (own?.size === 0) this.#ofTargets.delete(target);
    this.#size--;
  }
}

/** Is an event addressed to this very dispatcher? */
export function isLocal({ host }: EventUri): boolean {
  return host === LOCAL_HOST;
}

function keyOf(host: string, event: string, node: string): string {
  return JSON.stringify([host, event, node]);
}

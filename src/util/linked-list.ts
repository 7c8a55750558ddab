/** Something that stands in at most one {@link LinkedList}. */
export interface Linked {
  /** The list's own. */
  previous?: this | undefined;
  /** The list's own. */
  next?: this | undefined;
}

/**
 * Things that come and go all the time, without a `Set`'s cost (see {@link SlotTable}): each knows its neighbours.
 */
export class LinkedList<T extends Linked> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  /** Things that are there. */
  get size(): number {
    return this.#size;
  }

  /** The thing that is there for longest. */
  get oldest(): T | undefined {
    return this.#last;
  }

  /** Puts a thing in that stands in no list. */
  add(thing: T): void {
    const first = this.#first;
    thing.next = first;
    if (first) first.previous = thing;
    else this.#last = thing;
    this.#first = thing;
    this.#size++;
  }

  /** Takes a thing out that stands in this list. */
  delete(thing: T): void {
    const { previous, next } = thing;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    thing.previous = undefined;
    thing.next = undefined;
    this.#size--;
  }

  /** All things, the latest first; the one at hand may be taken out meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    for (let thing = this.#first; thing; ) {
      const { next } = thing;
      yield thing;
      thing = next;
    }
  }
}

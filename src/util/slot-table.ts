/**
 * Things by number, for numbers that are given in order and used for a short time: a `Map` without its cost. (A `Map` that
 * is filled and emptied all the time is rebuilt again and again, and V8's old tables keep each other, and all that was in
 * them, alive until the next full garbage collection.)
 */
export class SlotTable<T extends { id: number }> {
  /** The thing of number n stands at n modulo the length, which is a power of two. */
  #slots: (T | undefined)[] = new Array<T | undefined>(16).fill(undefined);
  #mask = 15;
  #size = 0;
  #last = 0;

  /** Things that are there. */
  get size(): number {
    return this.#size;
  }

  /** The number that was given last; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** The next number; numbers whose place is taken by something that stays longer are left out. */
  next(): number {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    do this.#last++;
    while (this.#slots[this.#last & this.#mask] !== undefined);
    return this.#last;
  }

  /** Puts a thing at its number, which {@link SlotTable.next} gave last. */
  add(thing: T): void {
    this.#slots[thing.id & this.#mask] = thing;
    this.#size++;
  }

  /** The thing of a number, if it is there. */
  get(id: number): T | undefined {
    const thing = this.#slots[id & this.#mask];
    return thing?.id === id ? thing : undefined;
  }

  /** Takes the thing of a number out, if it is there. */
  take(id: number): T | undefined {
    const at = id & this.#mask;
    const thing = this.#slots[at];
    if (thing?.id !== id) return undefined;
    this.#slots[at] = undefined;
    this.#size--;
    return thing;
  }

  /** All things, in no order; it may be changed meanwhile. */
  values(): T[] {
    return this.#slots.filter((thing) => thing !== undefined);
  }

  /** Numbers that differ in fewer bits differ in more: whatever had a place keeps one. */
  #grow(): void {
    const things = this.values();
    this.#mask = this.#mask * 2 + 1;
    this.#slots = new Array<T | undefined>(this.#mask + 1).fill(undefined);
    for (const thing of things) this.#slots[thing.id & this.#mask] = thing;
  }
}

/**
 * Things by number, for numbers of the other end's making, of which most are used in order and for a short time: without a `Map`'s
 * cost then (see {@link SlotTable}), and never slower than one.
 */
export class NumberTable<T extends { readonly number: number }> {
  /** The thing of number n stands at n modulo the length, which is a power of two, if that place was free. */
  #slots: (T | undefined)[] = new Array<T | undefined>(LEAST_SLOTS).fill(undefined);
  #mask = LEAST_SLOTS - 1;
  /** Those whose place was taken. */
  readonly #others = new Map<number, T>();
  #size = 0;

  /** Things that are there. */
  get size(): number {
    return this.#size;
  }

  /** The thing of a number, if it is there. */
  get(number: number): T | undefined {
    const thing = this.#slots[number & this.#mask];
    return thing?.number === number ? thing : this.#others.get(number);
  }

  /** Puts a thing at its number, where there is none. */
  add(thing: T): void {
    if (this.#size * 2 >= this.#slots.length) this.#resize(this.#slots.length * 2);
    this.#put(thing);
    this.#size++;
  }

  /** Takes a thing out that is there. */
  delete(thing: T): void {
    const at = thing.number & this.#mask;
    if (this.#slots[at] === thing) this.#slots[at] = undefined;
    else this.#others.delete(thing.number);
    this.#size--;
    if (this.#size * 8 < this.#slots.length && this.#slots.length > SMALL_SLOTS) this.#resize(this.#slots.length / 2);
  }

  /** All things, in no order; it may be changed meanwhile. */
  values(): T[] {
    return [...this.#slots.filter((thing) => thing !== undefined), ...this.#others.values()];
  }

  #put(thing: T): void {
    const at = thing.number & this.#mask;
    if (this.#slots[at] === undefined) this.#slots[at] = thing;
    else this.#others.set(thing.number, thing);
  }

  #resize(length: number): void {
    const things = this.values();
    this.#mask = length - 1;
    this.#slots = new Array<T | undefined>(length).fill(undefined);
    this.#others.clear();
    for (const thing of things) this.#put(thing);
  }
}

const LEAST_SLOTS = 16;
/** Not worth to be made smaller. */
const SMALL_SLOTS = 256;

/**
 * First in, first out, in a ring that grows to what is in it at the same time, and no further: however much goes through, also
 * when it is never empty.
 */
export class Ring<T> {
  /** The first stands at `#first` modulo the length, which is a power of two. */
  #places: (T | undefined)[] = new Array<T | undefined>(4).fill(undefined);
  #first = 0;
  #size = 0;

  /** How many are there. */
  get size(): number {
    return this.#size;
  }

  /** For how many there is a place before it grows. */
  get capacity(): number {
    return this.#places.length;
  }

  /** Adds one at the end. */
  push(one: T): void {
    if (this.#size === this.#places.length) this.#grow();
    this.#places[(this.#first + this.#size) & (this.#places.length - 1)] = one;
    this.#size++;
  }

  /** Takes the first; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const one = this.#places[this.#first];
    this.#places[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#places.length - 1);
    this.#size--;
    return one;
  }

  /** The first, which stays; `undefined` when there is none. */
  get first(): T | undefined {
    return this.#size === 0 ? undefined : this.#places[this.#first];
  }

  /** All of them, the first one first. */
  *[Symbol.iterator](): Iterator<T> {
    const mask = this.#places.length - 1;
    for (let index = 0; index < this.#size; index++) yield this.#places[(this.#first + index) & mask] as T;
  }

  #grow(): void {
    const { length } = this.#places;
    const inOrder = [...this.#places.slice(this.#first), ...this.#places.slice(0, this.#first)];
    this.#places = [...inOrder, ...new Array<T | undefined>(length).fill(undefined)];
    this.#first = 0;
  }
}

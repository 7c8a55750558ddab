import { ConfigurationError } from "../errors.js";

/**
 * Values that come one after the other, with what one does with them:
 *
 * ```ts
 * for await (const n of numbers.filter((n) => n > 0.5).map(Math.round)) …
 * const ten = await numbers.take(10);
 * ```
 *
 * All views of one source share its values: each value goes to whoever asks first.
 */
export abstract class Items<T> implements AsyncIterable<T> {
  /** Leaving the loop early ends the source. */
  abstract [Symbol.asyncIterator](): AsyncIterator<T, undefined>;

  /** What a function makes of each value. Its error ends the source, and is thrown to whoever loops. */
  map<U>(make: (value: T) => U | Promise<U>): Items<U> {
    return new View<T, U>(this, async function* (values) {
      for await (const value of values) yield await make(value);
    });
  }

  /** Those values for which a function says `true`. */
  filter<S extends T>(test: (value: T) => value is S): Items<S>;
  filter(test: (value: T) => boolean | Promise<boolean>): Items<T>;
  filter(test: (value: T) => boolean | Promise<boolean>): Items<T> {
    return new View<T, T>(this, async function* (values) {
      for await (const value of values) if (await test(value)) yield value;
    });
  }

  /**
   * The next values, so many; `await` gives them as an array. The source goes on.
   *
   * @throws ConfigurationError when that is no whole number from 0 on
   */
  take(count: number): Taken<T> {
    return this.slice(0, count);
  }

  /**
   * The next values without the first `start`, up to the one before `end`; `await` gives them as an array. The source goes on.
   *
   * @throws ConfigurationError when these are no whole numbers from 0 on
   */
  slice(start: number, end: number): Taken<T> {
    for (const bound of [start, end]) {
      if (Number.isSafeInteger(bound) && bound >= 0) continue;
      throw new ConfigurationError(`take and slice want whole numbers from 0 on, got ${String(bound)}`);
    }
    return new Taken(this, start, end);
  }
}

class View<T, U> extends Items<U> {
  readonly #source: Items<T>;
  readonly #make: (values: Items<T>) => AsyncGenerator<U, void>;

  constructor(source: Items<T>, make: (values: Items<T>) => AsyncGenerator<U, void>) {
    super();
    this.#source = source;
    this.#make = make;
  }

  [Symbol.asyncIterator](): AsyncIterator<U, undefined> {
    return this.#make(this.#source) as AsyncIterator<U, undefined>;
  }
}

/** Some of the values of a source; made by {@link Items.take} and {@link Items.slice}. */
export class Taken<T> extends Items<T> implements PromiseLike<T[]> {
  readonly #source: Items<T>;
  readonly #start: number;
  readonly #end: number;
  #all: Promise<T[]> | undefined;

  /** Use {@link Items.take}. */
  constructor(source: Items<T>, start: number, end: number) {
    super();
    this.#source = source;
    this.#start = start;
    this.#end = end;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const values = this.#source[Symbol.asyncIterator]();
    let index = 0;
    return {
      next: async () => {
        while (index < this.#end) {
          const next = await values.next();
          if (next.done === true) break;
          if (index++ >= this.#start) return next;
        }
        return { done: true, value: undefined };
      },
      return: async () => {
        await values.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  /** All of them, as an array; fewer when the source ends before. */
  then<A = T[], B = never>(
    fulfilled?: ((values: T[]) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#all ??= this.#collect();
    return this.#all.then(fulfilled, rejected);
  }

  async #collect(): Promise<T[]> {
    const values: T[] = [];
    for await (const value of this) values.push(value);
    return values;
  }
}

/** An entry of a {@link DeadlineWheel}: what to do when its time has come. */
export interface Expiring {
  /** Called once, at or at most one tick after the deadline. Must not throw. */
  expire(): void;
  /** Bucket that holds the entry; owned by the wheel. */
  wheelBucket?: Set<Expiring> | undefined;
}

/**
 * Deadlines of many calls on one timer.
 *
 * A `setTimeout` per call costs a fifth of a whole batched call, so deadlines share buckets of `TICK_MS`
 * milliseconds and one interval looks at the buckets that are due. An entry never expires early. The interval runs only
 * while the wheel holds entries, and one tick longer.
 */
export class DeadlineWheel {
  readonly #buckets = new Map<number, Set<Expiring>>();
  readonly #now: () => number;
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastTick = 0;

  /** @param now - the clock, in milliseconds; default `performance.now` */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Number of entries that wait. */
  get size(): number {
    return this.#size;
  }

  /** The wheel's clock, in milliseconds. */
  now(): number {
    return this.#now();
  }

  /** Adds an entry that expires at `at` (milliseconds of {@link DeadlineWheel.now}). `Infinity` is never looked at. */
  add(at: number, entry: Expiring): void {
    if (at === Infinity) return;
    // Never the bucket of this very moment: it may have been looked at already.
    const index = Math.max(Math.ceil(at / TICK_MS), Math.floor(this.#now() / TICK_MS) + 1);
    let bucket = this.#buckets.get(index);
    if (!bucket) {
      bucket = new Set();
      this.#buckets.set(index, bucket);
    }
    bucket.add(entry);
    entry.wheelBucket = bucket;
    this.#size++;
    if (!this.#timer) this.#start();
  }

  /** Removes an entry; nothing happens if it is not there. */
  delete(entry: Expiring): void {
    const bucket = entry.wheelBucket;
    if (!bucket) return;
    entry.wheelBucket = undefined;
    if (bucket.delete(entry)) this.#size--;
  }

  #start(): void {
    this.#lastTick = Math.floor(this.#now() / TICK_MS) - 1;
    this.#timer = setInterval(() => {
      this.#tick();
    }, TICK_MS);
  }

  #tick(): void {
    if (this.#size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#buckets.clear();
      return;
    }
    const current = Math.floor(this.#now() / TICK_MS);
    for (let index = this.#lastTick + 1; index <= current; index++) {
      const bucket = this.#buckets.get(index);
      if (!bucket) continue;
      this.#buckets.delete(index);
      for (const entry of bucket) {
        entry.wheelBucket = undefined;
        this.#size--;
        entry.expire();
      }
    }
    this.#lastTick = current;
  }
}

/** Resolution of deadlines in milliseconds. */
export const TICK_MS = 10;

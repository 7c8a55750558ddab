import type { Clock } from "../../src/index.js";

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  #now: number;
  readonly #waiting = new Set<{ readonly when: number; readonly fire: () => void }>();

  /** @param now - milliseconds since 1970 */
  constructor(now: number) {
    this.#now = now;
  }

  /** Times that are waited for. */
  get size(): number {
    return this.#waiting.size;
  }

  now(): number {
    return this.#now;
  }

  at(when: number, fire: () => void): () => void {
    const one = { when, fire };
    this.#waiting.add(one);
    return () => {
      this.#waiting.delete(one);
    };
  }

  /** Lets time pass, one thing after the other, and what follows from each. */
  async to(time: number, settled: () => Promise<void>): Promise<void> {
    for (;;) {
      const [next] = [...this.#waiting]
        .filter(({ when }) => when <= time)
        .sort((left, right) => left.when - right.when);
      if (!next) break;
      this.#waiting.delete(next);
      this.#now = Math.max(this.#now, next.when);
      next.fire();
      await settled();
    }
    this.#now = time;
    await settled();
  }

  /** Puts the clock somewhere else. Who waits for a time waits for that time all the same. */
  jump(time: number): void {
    this.#now = time;
  }
}

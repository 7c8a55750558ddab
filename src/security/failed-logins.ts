/**
 * Counts refused log-ins by where they came from. Whoever has failed too often is not even asked for a while, so that
 * guessing is slow and costs little.
 */
export class FailedLogins {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  /** Times of failures by origin, the origin that failed longest ago first. */
  readonly #failures = new Map<string, { count: number; since: number }>();

  /**
   * @param max - failures in a window before an origin is blocked for the rest of it
   * @param windowMs - length of a window, in milliseconds
   * @param now - milliseconds of a steady clock
   */
  constructor(max: number, windowMs: number, now: () => number = () => performance.now()) {
    this.#max = max;
    this.#windowMs = windowMs;
    this.#now = now;
  }

  /** Has this origin failed too often? */
  isBlocked(origin: string): boolean {
    const known = this.#failures.get(origin);
    if (!known) return false;
    if (this.#now() - known.since < this.#windowMs) return known.count >= this.#max;
    this.#failures.delete(origin);
    return false;
  }

  /** A log-in was refused. */
  failed(origin: string): void {
    const known = this.#failures.get(origin);
    if (known && this.#now() - known.since < this.#windowMs) known.count++;
    else {
      this.#failures.delete(origin);
      this.#failures.set(origin, { count: 1, since: this.#now() });
    }
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > MAX_ORIGINS && !oldest.done) this.#failures.delete(oldest.value);
  }
}

/** Origins that are remembered. */
const MAX_ORIGINS = 10_000;

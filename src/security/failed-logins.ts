import { networkOf } from "../transport/network-of.js";

/**
 * Counts refused log-ins by where they came from: an IPv4 address, an IPv6 network, this machine. Whoever has failed too often is
 * not even asked for a while, so that guessing is slow and costs little.
 */
export class FailedLogins {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  /** Times of failures by origin, the origin that failed longest ago first. */
  readonly #failures = new Map<string, { count: number; since: number }>();
  /** Log-ins that are being looked at, by origin. */
  readonly #looks = new Map<string, Looks>();

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

  /**
   * Looks at a log-in, if its origin has not failed too often. So many are looked at together as may still fail, and the others
   * wait: who guesses many at once is told no more than who guesses one after the other.
   *
   * @param remoteAddress - `""` for a unix socket
   * @param look - gives the user, or `undefined` for a failure; what it throws counts for neither
   * @returns what `look` gave; `undefined` without a look
   */
  async check(
    remoteAddress: string,
    look: () => string | undefined | Promise<string | undefined>,
  ): Promise<string | undefined> {
    const origin = networkOf(remoteAddress);
    const looks = this.#looks.get(origin) ?? { asked: 0, running: 0, waiting: [] };
    this.#looks.set(origin, looks);
    looks.asked++;
    while (looks.running > 0 && looks.running + this.#failuresOf(origin) >= this.#max && !this.#isBlocked(origin)) {
      await new Promise<void>((resolve) => looks.waiting.push(resolve));
    }
    looks.running++;
    try {
      if (this.#isBlocked(origin)) return undefined;
      const user = await look();
      if (user === undefined) this.#failed(origin);
      return user;
    } finally {
      looks.running--;
      looks.waiting.shift()?.();
      if (--looks.asked === 0) this.#looks.delete(origin);
    }
  }

  #failuresOf(origin: string): number {
    const known = this.#failures.get(origin);
    if (!known) return 0;
    if (this.#now() - known.since < this.#windowMs) return known.count;
    this.#failures.delete(origin);
    return 0;
  }

  #isBlocked(origin: string): boolean {
    return this.#failures.has(origin) && this.#failuresOf(origin) >= this.#max;
  }

  #failed(origin: string): void {
    const known = this.#failures.get(origin);
    if (known && this.#failuresOf(origin) > 0) known.count++;
    else this.#failures.set(origin, { count: 1, since: this.#now() });
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > MAX_ORIGINS && !oldest.done) this.#failures.delete(oldest.value);
  }
}

interface Looks {
  /** Those that run, and those that wait. */
  asked: number;
  running: number;
  /** Each is told when one of those that run has ended, the one that waits for longest first. */
  readonly waiting: (() => void)[];
}

/** Origins that are remembered. */
const MAX_ORIGINS = 10_000;

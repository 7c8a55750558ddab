/**
 * Pauses before a connection is made again: 50 to 500 milliseconds, the longer the more attempts have failed, and by chance, so that
 * nodes that have lost the same dispatcher do not come back all at once.
 */
export class ReconnectDelay {
  readonly #random: () => number;
  #last = MIN_MS;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next pause, in milliseconds. */
  next(): number {
    const span = Math.min(MAX_MS, this.#last * 3) - MIN_MS;
    this.#last = MIN_MS + this.#random() * span;
    return this.#last;
  }

  /** A connection was made. */
  reset(): void {
    this.#last = MIN_MS;
  }
}

const MIN_MS = 50;
const MAX_MS = 500;

/**
 * Tells how long a message has lain unread, say while this process was stopped: what it took longer than the quickest of the
 * other end. No common clock is needed.
 */
export class Lateness {
  /** Difference between our clock at arrival and the other end's at sending, of the first message … */
  #offset: number | undefined;
  /** … and how much less than that was seen since. */
  #quickestMs = 0;

  /**
   * How long a message has lain unread, in milliseconds; 0 where it does not say when it was sent.
   *
   * @param receivedAt - in milliseconds of our clock
   * @param sentAt - in milliseconds of the other end's clock, of which some wires carry the lower 32 bits only
   */
  of(receivedAt: number, sentAt: number | undefined): number {
    if (sentAt === undefined || Number.isNaN(sentAt)) return 0;
    const difference = receivedAt - sentAt;
    this.#offset ??= difference;
    // What counts is how the difference has changed, in however many bits.
    const change = difference - this.#offset;
    const took = change - Math.round(change / CLOCK_MS) * CLOCK_MS;
    if (took < this.#quickestMs) this.#quickestMs = took;
    return took - this.#quickestMs;
  }
}

/** Clocks of 32 bits come around after this many milliseconds, 49 days. */
const CLOCK_MS = 2 ** 32;

import { shared } from "./shared.js";

/**
 * Notices when the event loop stood still, because something computed for long or the process was stopped: what is read right
 * after may have come at any time since.
 */
export class Stalls {
  #users = 0;
  #timer: NodeJS.Timeout | undefined;
  #beatAt = 0;
  #stalledMs = 0;

  /** Watches, until as many have stopped as have started. */
  start(): void {
    if (this.#users++ > 0) return;
    this.#beatAt = performance.now();
    this.#stalledMs = 0;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#stalledMs = now - this.#beatAt;
      this.#beatAt = now;
    }, BEAT_MS).unref();
  }

  /** See {@link Stalls.start}. */
  stop(): void {
    if (--this.#users === 0) clearInterval(this.#timer);
  }

  /** How long something that is read now may have waited, in milliseconds; 0 while all is well. */
  get waitedMs(): number {
    // Timers run before anything is read: the beat after a standstill has told of it already.
    const waitedMs = Math.max(this.#stalledMs, performance.now() - this.#beatAt);
    return waitedMs < 2 * BEAT_MS ? 0 : waitedMs;
  }
}

const BEAT_MS = 250;

/** The event loop is one, whoever watches it. */
export const stalls: Stalls = shared("stalls", () => new Stalls());

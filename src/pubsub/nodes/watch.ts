/**
 * Notices silence. It counts its own steps instead of milliseconds: when this process stood still itself, for it was stopped or
 * computed for long, that was one step, and whoever is watched gets time to be heard.
 */
export class Watch {
  readonly #timer: NodeJS.Timeout;
  #steps = 0;

  /**
   * Begins.
   *
   * @param limitMs - silence that is too long, in milliseconds; noticed up to a quarter later
   * @param onSilent - called once
   */
  constructor(limitMs: number, onSilent: () => void) {
    this.#timer = setInterval(() => {
      if (++this.#steps <= STEPS) return;
      this.stop();
      onSilent();
    }, limitMs / STEPS).unref();
  }

  /** A sign of life. */
  heard(): void {
    this.#steps = 0;
  }

  /** Ends it. Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
  }
}

const STEPS = 4;

/** Options of {@link CircuitBreaker}. */
export interface BreakerOptions {
  /** Failures in a row after which the circuit opens. */
  readonly threshold: number;
  /** For how long, in milliseconds; doubled each time the trial fails, up to eight times. */
  readonly openMs: number;
}

/** Five failures in a row, one second. */
export const BREAKER_DEFAULTS: BreakerOptions = { threshold: 5, openMs: 1_000 };

/**
 * Keeps calls away from one instance that does not answer, or answers that it is overloaded. When its time is up, one call
 * is let through as a trial.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  readonly #now: () => number;
  #failures = 0;
  #openUntil = 0;
  #openings = 0;
  #trialUntil = 0;

  constructor(now: () => number, options: BreakerOptions = BREAKER_DEFAULTS) {
    this.#now = now;
    this.#options = options;
  }

  /** May a call go? Only says so; {@link CircuitBreaker.enter} takes the trial. */
  get closed(): boolean {
    return this.#openUntil === 0 || (this.#now() >= this.#openUntil && this.#now() >= this.#trialUntil);
  }

  /** A call goes. After an opening it is the trial, and others wait for what becomes of it. */
  enter(): void {
    if (this.#openUntil !== 0) this.#trialUntil = this.#now() + this.#options.openMs;
  }

  /** An answer came, whatever it said. */
  succeed(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#openUntil = 0;
    this.#openings = 0;
    this.#trialUntil = 0;
  }

  /** No answer came in time, or the instance said that it is overloaded. */
  fail(): void {
    this.#failures++;
    if (this.#failures < this.#options.threshold) return;
    this.#openUntil = this.#now() + this.#options.openMs * 2 ** Math.min(this.#openings, 3);
    this.#trialUntil = 0;
    this.#openings++;
  }
}

/**
 * Upper bounds of the classes that durations are counted in, in milliseconds: six a decade, from 10 µs to 100 s. One more class
 * takes what is above.
 */
export const DURATION_BOUNDS_MS: readonly number[] = boundsOf([0.01, 0.1, 1, 10, 100, 1_000, 10_000], 100_000);

function boundsOf(decades: readonly number[], last: number): number[] {
  const steps = [1, 1.5, 2.2, 3.3, 4.7, 6.8];
  return [...decades.flatMap((decade) => steps.map((step) => Number((decade * step).toPrecision(3)))), last];
}

const bounds = Float64Array.from(DURATION_BOUNDS_MS);

/** Durations, counted in classes that are the same everywhere. */
export class Histogram {
  readonly #counts = new Float64Array(bounds.length + 1);
  #count = 0;
  #totalMs = 0;

  /** Counts one duration. Allocates nothing. */
  add(ms: number): void {
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((bounds[middle] ?? Infinity) < ms) low = middle + 1;
      else high = middle;
    }
    this.#counts[low] = (this.#counts[low] ?? 0) + 1;
    this.#count++;
    this.#totalMs += ms;
  }

  /** How many were counted. */
  get count(): number {
    return this.#count;
  }

  /** All of them together, in milliseconds. */
  get totalMs(): number {
    return this.#totalMs;
  }

  /** How many are in each class, without the empty ones at the end. */
  counts(): number[] {
    return [...this.#counts.subarray(0, this.#counts.findLastIndex((count) => count > 0) + 1)];
  }
}

/**
 * The duration that a share of all is not above, in milliseconds; between the bounds of its class it is guessed.
 *
 * @param counts - of {@link Histogram.counts}
 * @param share - 0.99 for the 99th percentile
 * @returns `undefined` when nothing was counted
 */
export function quantileOf(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let left = share * total;
  if (total === 0) return undefined;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && left <= count) {
      const lower = DURATION_BOUNDS_MS[index - 1] ?? 0;
      const upper = DURATION_BOUNDS_MS[index] ?? lower;
      return lower + (upper - lower) * (left / count);
    }
    left -= count;
  }
  return DURATION_BOUNDS_MS.at(-1);
}

/** What is in use after a garbage collection, in bytes; needs `--expose-gc`. */
export function memoryInUse(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Does memory stay as it is? Watched from the moment when everything has been warmed up. */
export class Watch {
  readonly #measure: () => Promise<number>;
  readonly #parts: number;
  readonly #samples: number[] = [];

  /** @param parts - into how many the samples are cut, of which the first and the last are compared */
  constructor(measure: () => Promise<number>, parts = 3) {
    this.#measure = measure;
    this.#parts = parts;
  }

  async sample(): Promise<void> {
    this.#samples.push(await this.#measure());
  }

  /** The middle of the last part over the middle of the first one. */
  get growth(): number {
    const part = Math.max(1, Math.floor(this.#samples.length / this.#parts));
    return median(this.#samples.slice(-part)) / median(this.#samples.slice(0, part));
  }

  get mebibytes(): number {
    return median(this.#samples) / 2 ** 20;
  }
}

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? NaN;
}

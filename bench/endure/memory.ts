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
  readonly #samples: number[] = [];

  constructor(measure: () => Promise<number>) {
    this.#measure = measure;
  }

  async sample(): Promise<void> {
    this.#samples.push(await this.#measure());
  }

  /** The middle of the last third over the middle of the first third. */
  get growth(): number {
    const third = Math.max(1, Math.floor(this.#samples.length / 3));
    return median(this.#samples.slice(-third)) / median(this.#samples.slice(0, third));
  }

  get mebibytes(): number {
    return median(this.#samples) / 2 ** 20;
  }
}

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? NaN;
}

import type { Watch } from "./memory.js";

/** What was looked at, and how it was: a line for each, and `N passed, N failed` at last. */
export class Checks {
  #passed = 0;
  #failed = 0;

  /** One more. */
  report(isFine: boolean, what: string): void {
    if (isFine) this.#passed++;
    else this.#failed++;
    console.log(`${isFine ? "fine " : "WRONG"} ${what}`);
  }

  /** Did the memory of the client and of the service stay as it was? */
  reportMemory(both: readonly Watch[], what: string): void {
    const told = both.map(({ growth, mebibytes }) => `${mebibytes.toFixed(1)} MiB × ${growth.toFixed(3)}`);
    const isFlat = both.every(({ growth }) => growth > 0.9 && growth < 1.1);
    this.report(isFlat, `${what}; memory of client and service, and how it grew: ${told.join(", ")}`);
  }

  /** Says how many were fine, also to whoever started this process. */
  end(): void {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    process.exitCode = this.#failed === 0 ? 0 : 1;
  }
}

/** How long it took, in whole milliseconds. */
export async function timed(run: () => Promise<void>): Promise<{ ms: number }> {
  const startedAt = performance.now();
  await run();
  return { ms: Math.round(performance.now() - startedAt) };
}

/** A number for people. */
export function count(value: number): string {
  return value.toLocaleString("en");
}

import type { Instance } from "./instance.js";

/**
 * How calls are spread over several providers.
 *
 * - `random`, `round-robin`: each call goes elsewhere;
 * - `least-pending`: where the fewest calls wait, weighed by how long answers have taken lately.
 */
export type BalanceStrategy = "random" | "round-robin" | "least-pending";

/** Picks one of several instances. */
export class Balancer {
  readonly #strategy: BalanceStrategy;
  readonly #random: () => number;
  #turn = 0;

  constructor(strategy: BalanceStrategy, random: () => number) {
    this.#strategy = strategy;
    this.#random = random;
  }

  /** Does a choice need {@link Instance.observeLatency}? */
  get measures(): boolean {
    return this.#strategy === "least-pending";
  }

  /** `undefined` only when there is nothing to choose from. */
  pick(instances: readonly Instance[]): Instance | undefined {
    switch (this.#strategy) {
      case "random":
        return instances[Math.floor(this.#random() * instances.length)];
      case "round-robin":
        return instances[this.#turn++ % Math.max(1, instances.length)];
      case "least-pending": {
        let best: Instance | undefined;
        for (const instance of instances) if (!best || instance.load < best.load) best = instance;
        return best;
      }
    }
  }
}

/**
 * Requests that were given up and may still be answered: such an answer is late, where any other that nobody waits for breaks the
 * protocol.
 */
export class OverdueTags {
  readonly #ids = new Set<number>();

  /** A request was given up. Of very many, those are forgotten that were given up first. */
  add(id: number): void {
    if (this.#ids.size >= MAX_OVERDUE) {
      const [oldest] = this.#ids;
      if (oldest !== undefined) this.#ids.delete(oldest);
    }
    this.#ids.add(id);
  }

  /** Was it given up, and not answered until now? */
  take(id: number): boolean {
    return this.#ids.delete(id);
  }
}

/** A peer that leaves so many requests without an answer will hardly answer the first of them. */
const MAX_OVERDUE = 100_000;

import type { Database } from "../../service/journal/libsql.js";
import type { RunState } from "../run.js";

/** How many runs there are in each state; kept beside the tables, because to count a million rows takes long. */
export class StateCounts {
  readonly #counts = new Map<RunState, number>();
  #changes: (readonly [RunState, number])[] = [];

  /** Counts them once. */
  constructor(database: Database) {
    for (const row of database.prepare("SELECT state, count(*) AS runs FROM runs GROUP BY state").all([])) {
      const { state, runs } = row as { readonly state: RunState; readonly runs: number };
      this.#counts.set(state, runs);
    }
  }

  /** In the transaction that is under way so many runs came to a state, or left it. */
  add(state: RunState, runs: number): void {
    this.#changes.push([state, runs]);
  }

  /** The transaction is over. @param kept - whether it holds */
  settle(kept: boolean): void {
    const changes = this.#changes;
    this.#changes = [];
    if (!kept) return;
    for (const [state, runs] of changes) this.#counts.set(state, this.of(state) + runs);
  }

  /** Runs in this state. */
  of(state: RunState): number {
    return this.#counts.get(state) ?? 0;
  }

  /** Of all states that have runs. */
  all(): Partial<Record<RunState, number>> {
    return Object.fromEntries([...this.#counts].filter(([, runs]) => runs > 0));
  }
}

import type { Outcome } from "lamplighter";

/** What the caller of one call was told. */
export interface Told {
  /** Does the contract declare the method idempotent? */
  readonly idempotent: boolean;
  /** `success`, or the outcome of the error. */
  readonly outcome: Outcome | "success";
  /** The error's text, if there was one. */
  readonly message?: string;
}

/**
 * Compares what callers were told with what providers wrote down.
 *
 * | told | executions written down |
 * |---|---|
 * | success | idempotent: one or more; others: exactly one |
 * | `executed` | exactly one |
 * | `not-sent`, `not-executed` | none |
 * | `unknown` | none or one |
 *
 * and an idempotent call must not fail at all.
 */
export class Checker {
  readonly #told = new Map<string, Told>();
  readonly #executions = new Map<string, number>();
  /** Calls that failed stay to the end: an execution may come late. */
  readonly #failed = new Map<string, Told>();
  readonly #violations: string[] = [];

  /** What was found wrong. */
  get violations(): readonly string[] {
    return this.#violations;
  }

  /** A call settled. */
  tell(id: string, told: Told): void {
    if (this.#told.has(id)) this.#violations.push(`${id} settled twice`);
    this.#told.set(id, told);
    if (told.outcome === "success") return;
    this.#failed.set(id, told);
    if (told.idempotent)
      this.#violations.push(`${id} is idempotent and failed: ${told.outcome}, ${told.message ?? ""}`);
  }

  /** A provider wrote an execution down. */
  execute(id: string): void {
    const count = (this.#executions.get(id) ?? 0) + 1;
    this.#executions.set(id, count);
  }

  /** Checks all calls that have settled, and forgets those that succeeded. Call it while no call is in flight. */
  settle(): void {
    for (const [id, told] of this.#told) {
      const wrong = judge(told, this.#executions.get(id) ?? 0);
      if (wrong !== undefined) this.#violations.push(`${id}: ${wrong}`);
    }
    for (const id of this.#executions.keys()) {
      if (!this.#told.has(id) && !this.#failed.has(id) && !id.startsWith("get")) {
        this.#violations.push(`${id} was executed after it had succeeded, or without a caller`);
      }
    }
    for (const id of this.#told.keys()) if (!this.#failed.has(id)) this.#executions.delete(id);
    this.#told.clear();
    for (const [id, told] of this.#failed) this.#told.set(id, told);
    for (const id of [...this.#executions.keys()]) if (!this.#failed.has(id)) this.#executions.delete(id);
  }
}

/** What is wrong between a caller's word and the number of executions; `undefined` when nothing is. */
export function judge({ idempotent, outcome }: Told, executions: number): string | undefined {
  const fits =
    outcome === "success"
      ? idempotent
        ? executions >= 1
        : executions === 1
      : outcome === "executed"
        ? executions === 1
        : outcome === "unknown"
          ? idempotent || executions <= 1
          : executions === 0;
  return fits ? undefined : `the caller was told ${outcome}, and it was executed ${executions} times`;
}

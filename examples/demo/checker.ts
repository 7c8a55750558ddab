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

/** One execution, as a provider wrote it down before it answered. */
export interface Execution {
  /** The call. */
  readonly id: string;
  /** Was it a method that may run twice? */
  readonly idempotent: boolean;
  /** Who ran it: a provider, and which of its runs. */
  readonly by: string;
}

/** Executions that fit a caller's word. */
interface Range {
  readonly least: number;
  readonly most: number;
}

const NONE: Range = { least: 0, most: 0 };
const ONE: Range = { least: 1, most: 1 };

/**
 * The rules, once: how often a call may have been executed, by what its caller was told.
 *
 * An idempotent call may have been tried before its last try, so what is told of it bounds its executions from below only.
 * It must not fail at all, which {@link Checker.tell} sees to.
 */
export function fitting({ idempotent, outcome }: Told): Range {
  switch (outcome) {
    case "success":
    case "executed":
      return idempotent ? { least: 1, most: Infinity } : ONE;
    case "unknown":
      return { least: 0, most: idempotent ? Infinity : 1 };
    case "not-sent":
    case "not-executed":
      return NONE;
  }
}

/** Runs of providers, numbered in the order of their starts. */
export interface Runs {
  /** The number of the run that was started last. */
  readonly newest: number;
  /** The smallest number of a run that has not ended. */
  readonly oldest: number;
}

/** A call whose executions are counted. */
interface Case {
  /** The newest run when the call was checked first: no later one can have got it. */
  newestRun: number;
  told: Told | undefined;
  readonly executions: string[];
  /** Reported; once is enough. */
  wrong: boolean;
}

/**
 * Compares what callers were told with what providers wrote down, in batches: tell, execute, then {@link Checker.settle}.
 *
 * Calls that succeeded are forgotten at the end of their batch. Those that failed stay as long as a provider may still be
 * there that had got them, since it may execute them late (when it was stopped and goes on).
 */
export class Checker {
  readonly #cases = new Map<string, Case>();
  readonly #violations: string[] = [];

  /** What was found wrong: one line for each call. */
  get violations(): readonly string[] {
    return this.#violations;
  }

  /** Calls that are remembered. */
  get size(): number {
    return this.#cases.size;
  }

  /** A call settled. */
  tell(id: string, told: Told): void {
    const one = this.#case(id);
    if (one.told) this.#condemn(id, one, "it settled twice");
    one.told = told;
    if (told.idempotent && told.outcome !== "success") this.#condemn(id, one, "it is idempotent and failed");
  }

  /** A call has not settled although its deadline is over. */
  hang(id: string, forMs: number): void {
    this.#condemn(id, this.#case(id), `it has hung for ${Math.round(forMs)} ms`);
  }

  /** Something else was wrong, which no count of executions could show. */
  report(violation: string): void {
    this.#violations.push(violation);
  }

  /** A provider wrote an execution down. */
  execute({ id, idempotent, by }: Execution): void {
    // Of an idempotent call that is forgotten, a try may come late; of any other, that is a second execution.
    if (idempotent && !this.#cases.has(id)) return;
    this.#case(id).executions.push(by);
  }

  /**
   * Checks the batch. Call it when no call is in flight, and after `execute` was called for all that is written down by
   * then.
   *
   * @param runs - tells which failed calls can be forgotten; without it none is
   */
  settle(runs: Runs = { newest: Infinity, oldest: 0 }): void {
    for (const [id, one] of this.#cases) {
      const { told, executions } = one;
      if (!told) {
        this.#condemn(id, one, "it was executed after it had succeeded, or nobody called it");
      } else {
        const { least, most } = fitting(told);
        if (executions.length < least || executions.length > most) {
          this.#condemn(id, one, `it was to be executed ${least === most ? least : `${least} to ${most}`} times`);
        }
      }
      one.newestRun = Math.min(one.newestRun, runs.newest);
      if (told === undefined || told.outcome === "success" || one.newestRun < runs.oldest) this.#cases.delete(id);
    }
  }

  #case(id: string): Case {
    let one = this.#cases.get(id);
    if (!one) {
      one = { newestRun: Infinity, told: undefined, executions: [], wrong: false };
      this.#cases.set(id, one);
    }
    return one;
  }

  #condemn(id: string, one: Case, why: string): void {
    if (one.wrong) return;
    one.wrong = true;
    const { told, executions } = one;
    const word = told ? `the caller was told ${told.outcome}` : "the caller was told nothing";
    const text = told?.message === undefined ? "" : ` (${told.message})`;
    const written = executions.length === 0 ? "none" : `${executions.length}, by ${executions.join(", ")}`;
    this.#violations.push(`${id}: ${why}; ${word}${text}; executions written down: ${written}`);
  }
}

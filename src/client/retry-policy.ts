import type { ErrorCode, Outcome, RpcError } from "../errors.js";

/** Codes that another try cannot change, whatever the outcome. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "BAD_REQUEST",
  "METHOD_NOT_FOUND",
  "ACCESS_DENIED",
  "SESSION_EXPIRED",
  "CONFIGURATION",
  "CANCELLED",
  "CLOSED",
  "PROTOCOL",
  "TOO_LARGE",
  "REFERENCE_LOST",
]);

/**
 * May a failed call be tried again? The one place that decides it:
 *
 * | outcome | tried again |
 * |---|---|
 * | `not-sent` | yes, unless the arguments or the caller are at fault |
 * | `not-executed` | where another try can differ: draining, overloaded, expired in a queue |
 * | `unknown` | only idempotent calls |
 * | `executed` | never |
 */
export function mayRetry(error: RpcError, idempotent: boolean): boolean {
  if (FINAL.has(error.code)) return false;
  switch (error.outcome) {
    case "not-sent":
      return true;
    case "not-executed":
      // A service that answers "not found" means something behind it, not itself.
      return error.code !== "SERVICE_NOT_FOUND" && error.code !== "UNKNOWN";
    case "unknown":
      return idempotent;
    case "executed":
      return false;
  }
}

/** Does a failure say that the instance is gone or going, so that other calls should look for another one? */
export function isInTrouble(error: RpcError): boolean {
  return error.code === "UNAVAILABLE" || error.code === "DRAINING";
}

/** What is known of a call after several tries: an earlier one that may have run is not forgotten. */
export function combineOutcomes(earlier: Outcome | undefined, latest: Outcome): Outcome {
  if (earlier === undefined || latest === "executed") return latest;
  const order: readonly Outcome[] = ["not-sent", "not-executed", "unknown", "executed"];
  return order.indexOf(earlier) > order.indexOf(latest) ? earlier : latest;
}

/**
 * Keeps retries from multiplying the load on services in trouble: each call earns a share of a retry, each try of a call
 * that had been sent before spends one.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  #tokens: number;

  /**
   * @param ratio - retries that a call earns
   * @param reserve - retries that can be saved up, and the number to begin with
   */
  constructor(ratio: number, reserve: number) {
    this.#ratio = ratio;
    this.#reserve = reserve;
    this.#tokens = reserve;
  }

  /** A call was made. */
  earn(): void {
    if (this.#tokens < this.#reserve) this.#tokens += this.#ratio;
  }

  /** Takes one retry; `false` when none is left. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

/** Full jitter: anything from 0 to the cap of this attempt, in milliseconds. */
export function backoffMs(attempt: number, capMs: number, random: () => number): number {
  return Math.ceil(random() * Math.min(capMs, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 16)));
}

const FIRST_PAUSE_MS = 15;

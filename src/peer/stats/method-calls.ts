import type { ErrorCode, Outcome } from "../../errors.js";
import { Histogram } from "../../util/histogram.js";

/** Errors of one kind. */
export interface ErrorCount {
  /** What callers were told. */
  readonly code: ErrorCode;
  /** What is known of the calls' execution. */
  readonly outcome: Outcome;
  /** How many since the host was made. */
  readonly count: number;
}

/** How long calls took, from their arrival to their answer. Of calls that come in bulk only some are timed. */
export interface LatencyStats {
  /** Calls that were timed. */
  readonly timed: number;
  /** All their times together, in milliseconds. */
  readonly totalMs: number;
  /** How many fell into each class of `boundsMs`, the last one above all bounds; empty classes at the end are left out. */
  readonly counts: readonly number[];
}

/** The calls of one method since the host was made; whoever wants rates takes differences. */
export interface MethodStats {
  /** Dotted name; `""` for calls that are counted together. */
  readonly interface: string;
  /** Remote name; `(references)` and `(unknown)` for calls that are counted together. */
  readonly method: string;
  /** Calls that were begun, or refused. */
  readonly calls: number;
  /** Those that run now. */
  readonly running: number;
  /** Those that were answered with an error, by its kind. */
  readonly errors: readonly ErrorCount[];
  /** How long they took. */
  readonly latency: LatencyStats;
}

/** Counts the calls of one method. What is done for every call allocates nothing. */
export class MethodCalls {
  readonly #interface: string;
  readonly #method: string;
  #begun = 0;
  #ended = 0;
  /** By code and outcome; kept small by {@link MAX_KINDS}, for codes may come from elsewhere. */
  #errors: Map<string, { readonly code: ErrorCode; readonly outcome: Outcome; count: number }> | undefined;
  #latency: Histogram | undefined;

  constructor(interfaceName: string, method: string) {
    this.#interface = interfaceName;
    this.#method = method;
  }

  /** A call begins. */
  begun(): void {
    this.#begun++;
  }

  /** It was answered, and took so many milliseconds; `undefined` when it was not timed. */
  ended(tookMs: number | undefined): void {
    this.#ended++;
    if (tookMs === undefined) return;
    this.#latency ??= new Histogram();
    this.#latency.add(tookMs);
  }

  /** It was answered with an error; {@link MethodCalls.ended} is called as well. */
  failed({ code, outcome }: { readonly code: ErrorCode; readonly outcome: Outcome }): void {
    this.#errors ??= new Map();
    const kind = `${code} ${outcome}`;
    const known = this.#errors.get(kind);
    if (known) known.count++;
    else if (this.#errors.size < MAX_KINDS) this.#errors.set(kind, { code, outcome, count: 1 });
  }

  /** A call was answered with an error, and never begun. */
  refused(answer: { readonly code: ErrorCode; readonly outcome: Outcome }): void {
    this.begun();
    this.failed(answer);
    this.ended(undefined);
  }

  /** Was none of its calls timed yet? Then the next one is. */
  get isUntimed(): boolean {
    return this.#latency === undefined;
  }

  /** Was it called at all? */
  get isUsed(): boolean {
    return this.#begun > 0;
  }

  /** The counters as they are now. */
  read(): MethodStats {
    return {
      interface: this.#interface,
      method: this.#method,
      calls: this.#begun,
      running: this.#begun - this.#ended,
      errors: [...(this.#errors?.values() ?? [])].map((error) => ({ ...error })),
      latency: {
        timed: this.#latency?.count ?? 0,
        totalMs: this.#latency?.totalMs ?? 0,
        counts: this.#latency?.counts() ?? [],
      },
    };
  }
}

/** All codes with all outcomes that there are. */
const MAX_KINDS = 64;

import type { CallOptions } from "lamplighter";

/** The providers' interface, as the client sees it. */
export interface Work {
  /** Idempotent. */
  get(id: string): string;
  /** Not idempotent. */
  put(id: string): string;
  /** Not idempotent; is executed, then throws. */
  fail(id: string): string;
}

/** One call to make. */
export interface PlannedCall {
  readonly method: keyof Work;
  readonly idempotent: boolean;
  readonly options: CallOptions;
  /** Has the call settled? Then nothing of the plan goes on. */
  readonly done: () => void;
}

const nothing = (): void => undefined;

/** What users do: three idempotent calls to one that is not, and the client tries again where that is safe. */
export function patient(number: number): PlannedCall {
  const idempotent = number % 4 !== 0;
  return { method: idempotent ? "get" : "put", idempotent, options: {}, done: nothing };
}

/**
 * What brings every outcome to light: one try only, of calls that must not run twice; many are cancelled or have next to no
 * time, some throw.
 */
export function impatient(number: number): PlannedCall {
  const call = { method: number % 8 === 0 ? "fail" : "put", idempotent: false, done: nothing } as const;
  switch (number % 3) {
    case 0:
      return { ...call, options: { retry: false, timeoutMs: 1 + Math.random() * 40 } };
    case 1: {
      const giveUp = new AbortController();
      const timer = setTimeout(() => {
        giveUp.abort();
      }, Math.random() * 10);
      const done = (): void => {
        clearTimeout(timer);
      };
      return { ...call, options: { retry: false, signal: giveUp.signal }, done };
    }
    default:
      return { ...call, options: { retry: false } };
  }
}

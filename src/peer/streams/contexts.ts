import { AsyncLocalStorage } from "node:async_hooks";
import { runInCall, type ServerCall } from "../call-context.js";
import type { StreamContext } from "./outgoing-stream.js";

/** Streams among items of other streams: nobody's call. */
export const OUTSIDE: StreamContext = {
  run: (step) => step(),
  started: () => undefined,
  stopped: () => undefined,
  ended: () => undefined,
};

/** Streams among arguments: what a generator does, it does where the call was made. */
export class ArgumentContext implements StreamContext {
  readonly #onEnded: () => void;
  readonly #inside = AsyncLocalStorage.snapshot();
  #open = 0;

  /** @param onEnded - called when all of them are over */
  constructor(onEnded: () => void) {
    this.#onEnded = onEnded;
  }

  run<T>(step: () => T): T {
    return this.#inside(step);
  }

  started(count: number): void {
    this.#open = count;
  }

  ended(): void {
    if (--this.#open === 0) this.#onEnded();
  }

  stopped(): void {
    // The receiver may have read as much as it wants.
  }
}

/** Streams among results: what a generator does, it does as part of the call that it answers. */
export class CallContext implements StreamContext {
  readonly #call: ServerCall;
  readonly #onEnded: (() => void) | undefined;
  #open = 0;

  /** @param onEnded - called when all of them are over */
  constructor(call: ServerCall, onEnded: (() => void) | undefined) {
    this.#call = call;
    this.#onEnded = onEnded;
  }

  run<T>(step: () => T): T {
    return runInCall(this.#call, step);
  }

  started(count: number): void {
    this.#open = count;
    this.#call.outlive();
  }

  ended(): void {
    if (--this.#open !== 0) return;
    this.#onEnded?.();
    this.#call.over();
  }

  stopped(reason: unknown): void {
    this.#call.abort(reason);
  }
}

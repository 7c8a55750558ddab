import { type RpcError, rpcError } from "../errors.js";

/**
 * What a call on a proxy returns: a native promise that is an async iterable as well, for methods that stream.
 *
 * `constructor` is `Promise`, so that `await` takes the promise itself instead of wrapping it, and `then` gives plain ones:
 * a call costs no more than with a plain promise.
 */
export class CallPromise<T> extends Promise<T> implements AsyncIterable<unknown> {
  /** Waits for the answer, then for its items. */
  async *[Symbol.asyncIterator](): AsyncGenerator {
    const value: unknown = await this;
    if (typeof value === "object" && value !== null && Symbol.asyncIterator in value) {
      yield* value as AsyncIterable<unknown>;
    } else {
      throw rpcError("BAD_REQUEST", "The method does not stream: its result is no async iterable", {
        outcome: "executed",
      });
    }
  }
}

void Object.defineProperty(CallPromise.prototype, "constructor", {
  value: Promise,
  configurable: true,
  writable: true,
});

/** A call that fails before it begins. */
export function rejected(error: RpcError): CallPromise<never> {
  return new CallPromise((_resolve, reject) => {
    reject(error);
  });
}

import { rpcError } from "../../errors.js";
import { listenToAbort } from "../../util/signals.js";

/**
 * What is told as it happens, until its reader leaves, also while it waits for the next.
 *
 * @param open - begins; what it gives ends when the signal fires
 * @param left - fires when the reader has left
 * @param closing - fires when the service is closed; the reader learns that by an error
 */
export function followed<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  left: AbortSignal,
  closing: AbortSignal,
): AsyncIterableIterator<T> {
  const over = new AbortController();
  const end = (): void => {
    left.removeEventListener("abort", end);
    closing.removeEventListener("abort", end);
    over.abort(rpcError("CANCELLED", "Nobody follows any more", { outcome: "executed" }));
  };
  for (const signal of [left, closing]) {
    if (signal.aborted) end();
    else listenToAbort(signal, end);
  }
  const source = open(over.signal)[Symbol.asyncIterator]();
  return {
    async next() {
      try {
        const step = await source.next();
        if (!step.done) return step;
      } catch (error) {
        if (!over.signal.aborted) throw error;
      }
      end();
      if (!closing.aborted) return { done: true, value: undefined };
      throw rpcError("UNAVAILABLE", "The workflow service is being stopped; its runs go on when it is started again", {
        outcome: "executed",
      });
    },
    async return() {
      end();
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

import { setMaxListeners } from "node:events";

/** A signal that fires when either does; one alone as it is. */
export function joinSignals(one: AbortSignal, other: AbortSignal | undefined): AbortSignal;
export function joinSignals(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined;
export function joinSignals(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other);
}

/**
 * Calls a listener when the signal fires, as one of as many as there are calls with this signal: Node.js takes more than ten for
 * forgotten ones, and would warn.
 */
export function listenToAbort(signal: AbortSignal, listener: () => void): void {
  if (!shared.has(signal)) {
    shared.add(signal);
    if (signal instanceof EventTarget) setMaxListeners(0, signal);
  }
  signal.addEventListener("abort", listener, { once: true });
}

const shared = new WeakSet<AbortSignal>();

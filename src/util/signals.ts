/** A signal that fires when either does; one alone as it is. */
export function joinSignals(one: AbortSignal, other: AbortSignal | undefined): AbortSignal;
export function joinSignals(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined;
export function joinSignals(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one && other ? AbortSignal.any([one, other]) : (one ?? other);
}

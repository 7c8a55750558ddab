/** What {@link batch} gives: the same, with every promise settled. */
export type Settled<T> = { -readonly [K in keyof T]: Awaited<T[K]> };

/**
 * Makes several calls that travel together: those to one service in one message each way.
 *
 * ```ts
 * const { user, orders } = await batch(() => ({ user: users.get(1), orders: orders.of(1) }));
 * ```
 *
 * Everything that is called in one turn of the event loop travels together anyway; this says so, and waits for all of it.
 * When several fail, the first error is thrown; none of the others stays unhandled.
 *
 * @param body - makes the calls, without waiting, and returns their promises as an array or an object
 */
export async function batch<T extends object>(body: () => T): Promise<Settled<T>> {
  const promises = body();
  const entries = Object.entries(promises) as [string, unknown][];
  const values = await Promise.all(entries.map(([, promise]) => promise));
  const settled = Array.isArray(promises) ? values : Object.fromEntries(entries.map(([key], at) => [key, values[at]]));
  return settled as Settled<T>;
}

/**
 * Settles when `condition` holds; each look is a turn of the event loop.
 *
 * @throws Error after five minutes: benches, which nobody else ends, must say where they hang
 */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 300_000;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`It was waited for in vain: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

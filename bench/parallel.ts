/** A closed loop of so many callers, until all calls are made; each call gets its number, from 0. */
export async function parallel(total: number, inFlight: number, run: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(inFlight, total) }, async () => {
      while (next < total) await run(next++);
    }),
  );
}

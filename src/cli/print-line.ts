import { once } from "node:events";

/**
 * Prints a line; settles when there is room for the next, for what prints may be quicker than who reads. A reader that has gone,
 * such as `head`, is no fault: nothing more arrives there.
 */
export async function printLine(text: string): Promise<void> {
  if (process.stdout.write(`${text}\n`)) return;
  try {
    await once(process.stdout, "drain");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

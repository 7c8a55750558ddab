/** Fires when the command is to end: at `SIGINT` and `SIGTERM`, and when nobody reads its output any more. */
export function interrupted(): AbortSignal {
  const stop = new AbortController();
  const end = (): void => {
    stop.abort();
  };
  process.once("SIGINT", end).once("SIGTERM", end);
  process.stdout.once("error", end);
  return stop.signal;
}

/**
 * All bytes of a stream. The stream is ended when there are too many, and when nobody wants them any more.
 *
 * @param maxBytes - how many there may be
 * @param signal - nobody wants them any more
 * @returns `undefined` when there are more
 */
export async function collectBytes(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const reader = stream.getReader();
  const stop = (): void => {
    reader.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const step = await reader.read();
      signal.throwIfAborted();
      if (step.done) return Buffer.concat(chunks, bytes);
      bytes += step.value.byteLength;
      if (bytes > maxBytes) {
        stop();
        return undefined;
      }
      chunks.push(step.value);
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

import { type ItemIterator, isNodeStream, iterate, replaceSources, type StreamSource } from "./source.js";

/**
 * A value whose sources tell when they are over, for where they are handed over as they are, inside of a process. Generators
 * come out as what they are elsewhere: async iterables that are read once.
 *
 * @param onOver - called once, when all of them have ended or were given up by their readers
 */
export function watchSources(value: unknown, onOver: () => void): unknown {
  // One for this function, so that none ends it before the last was found.
  let open = 1;
  const ended = (): void => {
    if (--open === 0) onOver();
  };
  const watched = replaceSources(value, (source) => {
    open++;
    return watch(source, ended);
  });
  ended();
  return watched;
}

function watch(source: StreamSource, ended: () => void): unknown {
  if (isNodeStream(source)) {
    if (source.closed === true) ended();
    else source.on("close", ended);
    return source;
  }
  if (!(source instanceof ReadableStream)) return new WatchedIterator(source, ended);
  if (source.locked) {
    // Whoever gets it cannot read it.
    ended();
    return source;
  }
  const iterator = new WatchedIterator(source, ended);
  return new ReadableStream<unknown>(
    {
      async pull(controller) {
        const step = await iterator.next();
        if (step.done) controller.close();
        else controller.enqueue(step.value);
      },
      async cancel() {
        await iterator.return();
      },
    },
    { highWaterMark: 0 },
  );
}

class WatchedIterator implements AsyncIterableIterator<unknown> {
  readonly #iterator: ItemIterator;
  #ended: (() => void) | undefined;

  constructor(source: StreamSource, ended: () => void) {
    this.#iterator = iterate(source);
    this.#ended = ended;
  }

  async next(): Promise<IteratorResult<unknown>> {
    try {
      const step = await this.#iterator.next();
      if (step.done) this.#end();
      return step;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#end();
    await this.#iterator.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #end(): void {
    this.#ended?.();
    this.#ended = undefined;
  }
}

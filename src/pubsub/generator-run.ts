/** A value and what it is about; generators yield it where a topic is to be told. */
export class Topical<T> {
  /** What it is about. */
  readonly topic: string;
  /** The value. */
  readonly value: T;

  /** Use {@link onTopic}. */
  constructor(topic: string, value: T) {
    this.topic = topic;
    this.value = value;
  }
}

/** For generators of publishers: `yield onTopic("eu.de", value)`. */
export function onTopic<T>(topic: string, value: T): Topical<T> {
  return new Topical(topic, value);
}

/**
 * Makes what is to be published.
 *
 * @param signal - fires when nobody listens any more
 */
export type Generate<T> = (signal: AbortSignal) => AsyncIterable<T | Topical<T>>;

/** What a {@link GeneratorRun} works with. */
export interface GeneratorTask<T> {
  /** Publishes; settles when the next value may come. */
  publish(value: T, topic: string): Promise<void>;
  /** The generator has thrown, or made something that cannot be published. */
  failed(error: unknown): void;
}

/** One run of a publisher's generator: from the first subscriber to the last. */
export class GeneratorRun<T> {
  readonly #aborted = new AbortController();
  readonly #iterator: AsyncIterator<T | Topical<T>>;
  #isOver = false;

  constructor(generate: Generate<T>, task: GeneratorTask<T>) {
    this.#iterator = generate(this.#aborted.signal)[Symbol.asyncIterator]();
    void this.#work(task);
  }

  /** Nothing is published any more; the generator is ended at its next yield. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#aborted.abort();
    // It may stand before a promise that takes its time; nobody waits for that.
    this.#iterator.return?.().then(undefined, () => undefined);
  }

  async #work(task: GeneratorTask<T>): Promise<void> {
    try {
      for (;;) {
        const next: IteratorResult<T | Topical<T>, unknown> = await this.#iterator.next();
        if (next.done === true || this.#isOver) break;
        const { value } = next;
        if (value instanceof Topical) await task.publish(value.value, value.topic);
        else await task.publish(value, "");
      }
    } catch (error) {
      if (this.#isOver) return;
      this.stop();
      task.failed(error);
    }
    this.#isOver = true;
  }
}

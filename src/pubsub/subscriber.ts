import { EventEmitter } from "node:events";
import type { Client } from "../client/client.js";
import { defaultClient } from "../client/default-client.js";
import { ConfigurationError, ProtocolError, RpcError, rpcError } from "../errors.js";
import { listenToAbort } from "../util/signals.js";
import type { Gap } from "./gap.js";
import { ItemBuffer, type Segment } from "./item-buffer.js";
import { Items } from "./items.js";
import type { Wanted } from "./publisher-link.js";
import { Publishers } from "./publishers.js";
import { type Published, readWanted, type SubscriberEvents, type SubscriberOptions } from "./subscriber-options.js";

/**
 * What is published under the name of an interface, by all its publishers, as they come and go:
 *
 * ```ts
 * await using numbers = subscriber<number>("demo.interface.name");
 * await numbers.ready; // nothing that is published from now on is missed, unless a gap says so
 * for await (const n of numbers) total += n;
 * ```
 *
 * It begins at once, and goes on until {@link Subscriber.close}, its signal, or a loop over it that is left early. Values wait in a
 * buffer of limited size until they are taken.
 */
export class Subscriber<T = unknown> extends Items<T> {
  /**
   * Settles when all publishers that are known at the beginning have acknowledged the subscription, or could not be reached, and one
   * has.
   *
   * @throws ServiceNotFoundError when there is none within `timeoutMs`; the subscriber goes on waiting for one
   * @throws UnavailableError likewise, when the nameserver or a publisher cannot be reached; its cause says why
   * @throws RpcError with whatever ended the subscriber
   */
  readonly ready: Promise<void>;
  /** Dotted name. */
  readonly name: string;
  readonly #options: SubscriberOptions;
  readonly #client: Client;
  readonly #wanted: Wanted;
  readonly #events = new EventEmitter<SubscriberEvents>();
  readonly #buffer: ItemBuffer;
  readonly #publishers: Publishers;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;
  #failure: RpcError | undefined;
  /** What keeps values from coming at the beginning. */
  #hindered: RpcError | undefined;
  #rejectReady!: (reason: RpcError) => void;

  /** Use {@link subscriber}. @throws ConfigurationError for a name or an option that makes no sense */
  constructor(name: string, options: SubscriberOptions = {}) {
    super();
    if (typeof name !== "string" || name === "")
      throw new ConfigurationError("A subscriber needs the interface's name");
    this.name = name;
    this.#options = options;
    this.#wanted = readWanted(name, options);
    this.#client = options.client ?? defaultClient();
    this.#buffer = new ItemBuffer({
      limit: this.#wanted.buffer,
      limitBytes: options.bufferBytes ?? 64 * 1024 * 1024,
      policy: this.#wanted.policy,
      gap: (gap) => {
        this.#emit("gap", gap);
      },
      overflown: () => {
        const limit = `${this.#wanted.buffer} values of ${name} wait to be taken, for which there is no more room`;
        this.#fail(rpcError("OVERLOADED", `${limit} (policy disconnect)`, { interface: name, outcome: "executed" }));
      },
    });
    let isReady: () => void = () => undefined;
    this.ready = new Promise((resolve, reject) => {
      isReady = resolve;
      this.#rejectReady = reject;
    });
    this.#publishers = new Publishers(this.#client, this.#wanted, options, options.resume, {
      ready: isReady,
      hindered: (reason) => {
        this.#hindered = reason;
      },
      items: (segment) => {
        if (this.#isClosed) return;
        this.#buffer.push(segment);
        this.#wake();
      },
      gap: (gap) => {
        if (this.#isClosed) return;
        this.#buffer.pushGap(gap);
        this.#emit("gap", gap);
        this.#wake();
      },
      joined: (service) => {
        this.#emit("joined", service);
      },
      lost: (service, reason) => {
        this.#emit("lost", service, reason);
      },
      failed: (reason) => {
        this.#fail(reason);
      },
    });
    // Whoever does not wait for it learns from the loop.
    this.ready.catch(() => undefined);
    this.#limitReady();
    const { signal } = options;
    if (signal?.aborted) void this.close();
    else {
      if (signal) {
        listenToAbort(signal, () => {
          void this.close();
        });
      }
      // Listeners are added first.
      queueMicrotask(() => {
        if (!this.#isClosed) void this.#publishers.begin();
      });
    }
  }

  /** Values that wait to be taken. */
  get waiting(): number {
    return this.#buffer.size;
  }

  /** Service paths of the publishers whose values come, now. */
  get publishers(): readonly string[] {
    return this.#publishers.live;
  }

  /** Has it ended? */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Tells of something from now on. */
  on<E extends keyof SubscriberEvents>(event: E, listener: (...args: SubscriberEvents[E]) => void): this {
    this.#events.on(event, listener as never);
    return this;
  }

  /** Not any more. */
  off<E extends keyof SubscriberEvents>(event: E, listener: (...args: SubscriberEvents[E]) => void): this {
    this.#events.off(event, listener as never);
    return this;
  }

  /** Leaving the loop early closes the subscriber. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return this.#iterate(() => {
      for (let { first } = this.#buffer; first; first = this.#buffer.first) {
        const read = this.#read(first);
        if (read) return read;
      }
      return undefined;
    });
  }

  /**
   * The same values with all that is known of them, and the gaps between them, in order.
   */
  publications(): Items<Published<T> | Gap> {
    const next = (): { value: Published<T> | Gap } | undefined => {
      for (;;) {
        const gap = this.#buffer.shiftGap();
        if (gap) return { value: gap };
        const { first } = this.#buffer;
        if (!first) return undefined;
        const { topic, next: sequence } = first.reader;
        const { service, incarnation } = first.origin;
        const read = this.#read(first);
        if (read) return { value: { value: read.value, topic, sequence, service, incarnation } };
      }
    };
    const iterate = (): AsyncIterator<Published<T> | Gap, undefined> => this.#iterate(next);
    return new (class extends Items<Published<T> | Gap> {
      [Symbol.asyncIterator](): AsyncIterator<Published<T> | Gap, undefined> {
        return iterate();
      }
    })();
  }

  /**
   * Hands each value to a function, until the subscriber ends. The fastest way to take many: all that has come is handed over without
   * a pause, unless the function gives a promise, which is then waited for.
   *
   * @throws whatever the function throws; the subscriber is closed then
   */
  async forEach(take: (value: T) => unknown): Promise<void> {
    try {
      for (;;) {
        for (let { first } = this.#buffer; first; first = this.#buffer.first) {
          const taken = this.#takeAll(first, take);
          if (taken) await taken;
        }
        if (this.isClosed) break;
        await this.#more();
      }
      if (this.#failure) throw this.#failure;
    } finally {
      void this.close();
    }
  }

  /** Hands over the items of one segment, until the function gives a promise. */
  #takeAll(first: Segment, take: (value: T) => unknown): Promise<unknown> | undefined {
    const { reader } = first;
    let { left } = reader;
    try {
      while (reader.left > 0) {
        const before = reader.left;
        let value: T;
        try {
          value = reader.read() as T;
        } catch (error) {
          this.#spoilt(first, left - before, before - reader.left, error);
          left = reader.left;
          continue;
        }
        const taken = take(value);
        if (taken instanceof Promise) return taken;
        if (this.#isClosed) return undefined;
      }
      return undefined;
    } finally {
      this.#buffer.taken(first, left - reader.left);
    }
  }

  /** Ends it; values that wait are dropped. Idempotent. */
  close(): Promise<void> {
    this.#end();
    this.#buffer.clear();
    return Promise.resolve();
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Takes the next item; `undefined` where that cannot be read, and was passed over. */
  #read(first: Segment): { value: T } | undefined {
    const { left } = first.reader;
    try {
      const value = first.reader.read() as T;
      this.#buffer.taken(first, 1);
      return { value };
    } catch (error) {
      this.#spoilt(first, 0, left - first.reader.left, error);
      return undefined;
    }
  }

  /** What a publisher sent cannot be read. That says nothing about the others, nor about what else it sent. */
  #spoilt(segment: Segment, good: number, bad: number, error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error;
    const { origin } = segment;
    this.#client.subscribing.log.warn(
      `${origin.service} published something under ${this.name} that is malformed: ${error.message}`,
    );
    this.#buffer.spoilt(segment, good, bad);
  }

  #iterate<V>(take: () => { value: V } | undefined): AsyncIterator<V, undefined> {
    const next = (): Promise<IteratorResult<V, undefined>> => {
      try {
        const taken = take();
        if (taken) return Promise.resolve({ done: false, value: taken.value });
      } catch (error) {
        return Promise.reject(RpcError.from(error));
      }
      if (this.#failure) return Promise.reject(this.#failure);
      if (this.isClosed) return Promise.resolve({ done: true, value: undefined });
      return this.#more().then(next);
    };
    return {
      next,
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Waits until there is something to take, or nothing more to wait for. */
  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  #wake(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  #limitReady(): void {
    const timeoutMs = this.#options.timeoutMs ?? 30_000;
    const timer = setTimeout(() => {
      const cause = this.#hindered;
      const why = cause ? `: ${cause.message}` : '; "lamplighter list" shows what is there';
      const text = `Nobody published ${this.name} within ${timeoutMs} ms${why}`;
      this.#rejectReady(rpcError(cause ? "UNAVAILABLE" : "SERVICE_NOT_FOUND", text, { interface: this.name, cause }));
    }, timeoutMs).unref();
    const clear = (): void => {
      clearTimeout(timer);
    };
    this.ready.then(clear, clear);
  }

  #fail(reason: RpcError): void {
    if (this.isClosed) return;
    this.#failure = reason;
    this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rejectReady(this.#failure ?? rpcError("CLOSED", `The subscriber of ${this.name} was closed`));
    this.#publishers.close();
    this.#wake();
  }

  #emit<E extends keyof SubscriberEvents>(event: E, ...args: SubscriberEvents[E]): void {
    try {
      this.#events.emit(event, ...(args as never));
    } catch (error) {
      this.#client.subscribing.log.error(
        `A listener for ${event} of ${this.name} failed: ${String((error as Error).stack)}`,
      );
    }
  }
}

/**
 * Subscribes to what is published under the name of an interface, by whoever does. Returns at once.
 *
 * @throws ConfigurationError for a name or an option that makes no sense
 */
export function subscriber<T = unknown>(name: string, options?: SubscriberOptions): Subscriber<T> {
  return new Subscriber<T>(name, options);
}

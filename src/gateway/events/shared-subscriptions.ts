import { rpcError } from "../../errors.js";
import type { Logger } from "../../util/log.js";
import type { BridgedEvent, EventBridge } from "./event-bridge.js";

/** An event as its readers get it. */
export interface SharedEvent {
  /** Name of the event that was subscribed to. */
  readonly event: string;
  /** As it was published. */
  readonly uri: string;
  /** Its visible attributes, on one line. */
  readonly json: string;
}

/** What one of those who want an event has of the subscription. */
export interface JoinedSubscription {
  /** Settles when the bridge has subscribed; rejects when it cannot, or this one has left. */
  readonly begun: Promise<void>;
  /** Leaves it, whether it has begun or not. Idempotent. */
  readonly leave: () => void;
}

/** Told of each event, in order. */
export type SharedListener = (event: SharedEvent) => void;

/** One subscription at the bridge for however many requests want the same events. It ends with the last of them. */
export class SharedSubscriptions {
  readonly #bridge: EventBridge;
  readonly #log: Logger;
  readonly #byUri = new Map<string, Upstream>();

  /** @param log - told of what fails when nobody waits for it */
  constructor(bridge: EventBridge, log: Logger) {
    this.#bridge = bridge;
    this.#log = log;
  }

  /** Subscriptions at the bridge. */
  get size(): number {
    return this.#byUri.size;
  }

  /**
   * Joins a subscription, or begins one.
   *
   * @param uri - in whichever spelling
   * @throws RpcError when the address is none
   */
  join(uri: string, listener: SharedListener): JoinedSubscription {
    const name = this.#bridge.parse(uri);
    let upstream = this.#byUri.get(name.uri);
    if (!upstream || upstream.isEnding) {
      // What is being ended is ended first: at the bridge the two are one.
      upstream = new Upstream(this.#bridge, name.uri, name.event, upstream?.ended);
      this.#byUri.set(name.uri, upstream);
    }
    const joined = upstream;
    return {
      begun: joined.add(listener),
      leave: () => {
        this.#leave(name.uri, joined, listener);
      },
    };
  }

  #leave(uri: string, upstream: Upstream, listener: SharedListener): void {
    if (!upstream.remove(listener) || upstream.isWanted) return;
    upstream.end().then(
      () => {
        if (this.#byUri.get(uri) === upstream) this.#byUri.delete(uri);
      },
      (error: unknown) => {
        if (this.#byUri.get(uri) === upstream) this.#byUri.delete(uri);
        this.#log.warn(`The subscription to ${uri} could not be ended: ${String(error)}`);
      },
    );
  }
}

/** A subscription at the bridge. */
class Upstream {
  isEnding = false;
  ended: Promise<void> | undefined;
  readonly #listeners = new Set<SharedListener>();
  /** Those that wait until it has begun. They are forgotten when they leave, however long that may take. */
  readonly #waiting = new Map<SharedListener, { resolve: () => void; reject: (reason: unknown) => void }>();
  readonly #begun: Promise<void>;
  readonly #ending = new AbortController();
  #hasBegun = false;
  #unsubscribe: (() => Promise<void>) | undefined;

  constructor(bridge: EventBridge, uri: string, event: string, after: Promise<void> | undefined) {
    this.#begun = this.#begin(bridge, uri, event, after);
    this.#begun.then(
      () => {
        this.#hasBegun = true;
        this.#settle(({ resolve }) => {
          resolve();
        });
      },
      (error: unknown) => {
        this.#settle(({ reject }) => {
          reject(error);
        });
      },
    );
  }

  /** Does anybody want it? */
  get isWanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** @returns settles when it has begun */
  add(listener: SharedListener): Promise<void> {
    this.#listeners.add(listener);
    if (this.#hasBegun) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.set(listener, { resolve, reject });
    });
  }

  /** @returns whether it was there */
  remove(listener: SharedListener): boolean {
    this.#waiting.get(listener)?.reject(rpcError("CANCELLED", "Whoever asked has gone"));
    this.#waiting.delete(listener);
    return this.#listeners.delete(listener);
  }

  #settle(tell: (waiting: { resolve: () => void; reject: (reason: unknown) => void }) => void): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) tell(one);
  }

  async #begin(bridge: EventBridge, uri: string, event: string, after: Promise<void> | undefined): Promise<void> {
    await after?.catch(() => undefined);
    const { signal } = this.#ending;
    // Nobody wants it any more, and the one before has only just ended.
    if (signal.aborted) throw rpcError("CANCELLED", "Whoever asked has gone");
    const tell = (published: BridgedEvent): void => {
      const shared: SharedEvent = { event, uri: published.uri, json: published.json() };
      for (const listener of this.#listeners) listener(shared);
    };
    this.#unsubscribe = await bridge.subscribe(uri, tell, signal);
  }

  end(): Promise<void> {
    this.isEnding = true;
    this.#ending.abort();
    this.ended ??= this.#begun.then(
      () => this.#unsubscribe?.(),
      () => undefined,
    );
    return this.ended;
  }
}

import { rpcError } from "../errors.js";
import { Ring } from "../util/ring.js";
import type { TopicChannel } from "./topic-channel.js";

/** Values that wait because a subscriber with the policy `block` has no room, in their order. Each has a deadline. */
export class HeldValues {
  readonly #interface: string;
  readonly #limit: number;
  readonly #timeoutMs: number;
  readonly #channels = new Map<TopicChannel, Ring<Held>>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param limit - values that may wait
   * @param timeoutMs - how long each may wait
   */
  constructor(interfaceName: string, limit: number, timeoutMs: number) {
    this.#interface = interfaceName;
    this.#limit = limit;
    this.#timeoutMs = timeoutMs;
  }

  /** Do values of this topic wait? Then the next has to wait behind them. */
  has(channel: TopicChannel): boolean {
    return this.#count > 0 && this.#channels.has(channel);
  }

  /** Keeps a value. @returns settles when it was published, or was not */
  hold(channel: TopicChannel, value: unknown): Promise<void> {
    if (this.#count >= this.#limit) {
      return Promise.reject(
        rpcError(
          "OVERLOADED",
          `${this.#limit} values of ${this.#interface} wait already for a subscriber that holds back (policy block); await publish()`,
          { service: this.#interface },
        ),
      );
    }
    return new Promise((resolve, reject) => {
      let ring = this.#channels.get(channel);
      if (!ring) {
        ring = new Ring();
        this.#channels.set(channel, ring);
      }
      ring.push({ value, resolve, reject, endsAt: performance.now() + this.#timeoutMs });
      this.#count++;
      this.#timer ??= setInterval(
        () => {
          this.#expire();
        },
        Math.min(1_000, this.#timeoutMs),
      ).unref();
    });
  }

  /** Publishes what need not wait any more. */
  release(
    publish: (channel: TopicChannel, value: unknown) => void,
    isBlocked: (channel: TopicChannel) => boolean,
  ): void {
    for (const [channel, ring] of this.#channels) {
      while (ring.size > 0 && !isBlocked(channel)) {
        const held = this.#take(channel, ring);
        if (!held) break;
        try {
          publish(channel, held.value);
          held.resolve();
        } catch (error) {
          held.reject(error);
        }
      }
    }
  }

  /** Nothing that waits is published any more. */
  close(): void {
    const reason = rpcError("CLOSED", `${this.#interface} is published no more here`, { service: this.#interface });
    for (const [channel, ring] of this.#channels) while (ring.size > 0) this.#take(channel, ring)?.reject(reason);
  }

  #expire(): void {
    const now = performance.now();
    for (const [channel, ring] of this.#channels) {
      while ((ring.first?.endsAt ?? Infinity) <= now) {
        this.#take(channel, ring)?.reject(
          rpcError(
            "TIMEOUT",
            `A subscriber of ${this.#interface} holds back (policy block) and had no room within ${this.#timeoutMs} ms; the value was ` +
              "published to nobody",
            { service: this.#interface },
          ),
        );
      }
    }
  }

  #take(channel: TopicChannel, ring: Ring<Held>): Held | undefined {
    const held = ring.shift();
    if (held) this.#count--;
    if (ring.size === 0) this.#channels.delete(channel);
    if (this.#count === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return held;
  }
}

interface Held {
  readonly value: unknown;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  readonly endsAt: number;
}

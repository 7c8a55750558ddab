import type { Subscription } from "./subscription.js";

/**
 * The subscriptions of a publication by the prefixes that they want, so that choosing those of a topic costs what they are, and not
 * what all others are.
 */
export class SubscriptionIndex {
  readonly #byPrefix = new Map<string, Set<Subscription>>();
  /** How many prefixes there are of each length. */
  readonly #lengths = new Map<number, number>();

  /** Adds one. */
  add(subscription: Subscription): void {
    for (const prefix of subscription.request.topics) {
      let wanting = this.#byPrefix.get(prefix);
      if (!wanting) {
        wanting = new Set();
        this.#byPrefix.set(prefix, wanting);
        this.#count(prefix.length, 1);
      }
      wanting.add(subscription);
    }
  }

  /** Takes one out that was added. */
  remove(subscription: Subscription): void {
    for (const prefix of subscription.request.topics) {
      const wanting = this.#byPrefix.get(prefix);
      if (!wanting?.delete(subscription) || wanting.size > 0) continue;
      this.#byPrefix.delete(prefix);
      this.#count(prefix.length, -1);
    }
  }

  /** Those that want what is published under a topic, each once. */
  of(topic: string): readonly Subscription[] {
    const found: Set<Subscription>[] = [];
    for (const length of this.#lengths.keys()) {
      const wanting = length <= topic.length && this.#byPrefix.get(topic.slice(0, length));
      if (wanting) found.push(wanting);
    }
    const [only = []] = found;
    return found.length <= 1 ? [...only] : [...new Set(found.flatMap((wanting) => [...wanting]))];
  }

  #count(length: number, by: number): void {
    const count = (this.#lengths.get(length) ?? 0) + by;
    if (count === 0) this.#lengths.delete(length);
    else this.#lengths.set(length, count);
  }
}

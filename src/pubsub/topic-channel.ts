import type { ItemBatch, ItemWriter } from "../wire/lamp/publication.js";
import type { Subscription } from "./subscription.js";
import type { SubscriptionIndex } from "./subscription-index.js";

/** What a publication keeps of one topic. */
export class TopicChannel {
  /** Its name; the empty one is that of publications without topics. */
  readonly topic: string;
  /** Who wants it, as of {@link TopicChannel.version}. */
  listeners: readonly Subscription[] = [];
  /** Those of them that can hold back whoever publishes. */
  blockers: readonly Subscription[] = [];
  /** Of the set of subscriptions that {@link TopicChannel.listeners} were chosen from. */
  version = -1;
  /** What was published in this turn of the event loop. */
  writer: ItemWriter | undefined;
  /** The last value, where that is kept. */
  last: ItemBatch | undefined;
  /** Items that were ever published. */
  published = 0;

  constructor(topic: string) {
    this.topic = topic;
  }

  /** Chooses the listeners anew. */
  match(subscriptions: SubscriptionIndex, version: number): void {
    this.listeners = subscriptions.of(this.topic);
    this.blockers = this.listeners.filter(({ request }) => request.policy === "block");
    this.version = version;
  }

  /** Does somebody hold it back? */
  get isBlocked(): boolean {
    for (const blocker of this.blockers) if (blocker.blocks) return true;
    return false;
  }
}

import { BadRequestError } from "../errors.js";
import type { SubscriberSocket } from "../service/subscriber-endpoint.js";
import { Ring } from "../util/ring.js";
import { type ItemBatch, PublicationKind, writeBeginning, writeHead, writeLast } from "../wire/lamp/publication.js";
import type { PastItems } from "./history.js";
import type { OverflowPolicy, SubscriptionRequest } from "./subscription-request.js";

/** What a publication knows of one of its subscribers, for whoever watches it. */
export interface SubscriberInfo {
  /** Printable, unique within the host. */
  readonly id: string;
  /** Who it is; `undefined`: nobody knows. */
  readonly user: string | undefined;
  /** Prefixes of the topics that it wants. */
  readonly topics: readonly string[];
  /** What becomes of items for which there is no room. */
  readonly policy: OverflowPolicy;
  /** Items that were sent. */
  readonly delivered: number;
  /** Items that it did not get because it was too slow. */
  readonly dropped: number;
  /** Items that wait for it. */
  readonly queued: number;
}

/** Options of {@link Subscription}. */
export interface SubscriptionOptions {
  /** Where it is sent to. */
  readonly socket: SubscriberSocket;
  /** Bytes that may wait here for it. */
  readonly maxQueuedBytes: number;
  /** Asks for one call of {@link Subscription.drained}. */
  readonly wait: () => void;
  /** Its policy is `disconnect`, and there is no room: it is to be told, and forgotten. */
  readonly overflown: () => void;
}

/**
 * One subscriber, as its publication sees it: what it wants, what waits for it, how much it takes. Items that are meant for it are
 * numbered, and whatever is not sent leaves a hole in the numbers.
 */
export class Subscription {
  /** What it asked for. */
  readonly request: SubscriptionRequest;
  /** For `block`: items that it takes before it says that it takes more. */
  #credit: number;
  /** Items of which it has said that it took them. */
  #taken = 0;
  readonly #token: Buffer;
  readonly #socket: SubscriberSocket;
  readonly #maxQueuedBytes: number;
  readonly #wait: () => void;
  readonly #overflown: () => void;
  readonly #queue = new Ring<Queued>();
  #queuedItems = 0;
  #queuedBytes = 0;
  /** Items that were meant for it. */
  #meant = 0;
  /** Number of the last of them. */
  #last = 0;
  #dropped = 0;
  /** Was something dropped since it was told something? */
  #isBehind = false;

  /** @param token - stands before everything that is sent to it */
  constructor(
    token: string,
    request: SubscriptionRequest,
    { socket, maxQueuedBytes, wait, overflown }: SubscriptionOptions,
  ) {
    this.#token = Buffer.from(token, "latin1");
    this.request = request;
    this.#credit = request.room;
    this.#socket = socket;
    this.#maxQueuedBytes = maxQueuedBytes;
    this.#wait = wait;
    this.#overflown = overflown;
  }

  /** Does it hold back whoever publishes? */
  get blocks(): boolean {
    return this.#credit <= 0 || this.#queuedBytes >= this.#maxQueuedBytes;
  }

  /** An item is about to be published to it. */
  use(): void {
    this.#credit--;
  }

  /**
   * It has taken so many items, all together.
   *
   * @throws BadRequestError for more than it can have
   */
  grant(taken: number): void {
    const { buffer, room } = this.request;
    const most = this.#meant + buffer - room;
    if (!Number.isSafeInteger(taken) || taken < 0 || taken > most) {
      throw new BadRequestError(`args.taken must be a whole number from 0 to ${most}, as many as there were`);
    }
    if (taken <= this.#taken) return;
    this.#credit += taken - this.#taken;
    this.#taken = taken;
  }

  /** How it does. */
  get info(): SubscriberInfo {
    const { topics, policy } = this.request;
    const { id, identity } = this.#socket;
    return {
      id: `${id}/${this.#token.toString("latin1", 0, 4)}`,
      user: identity.user,
      topics,
      policy,
      delivered: this.#meant - this.#dropped - this.#queuedItems,
      dropped: this.#dropped,
      queued: this.#queuedItems,
    };
  }

  /**
   * Begins it.
   *
   * @param from - it gets everything with a higher number
   * @param past - items that it gets before all others
   */
  begin(from: number, past: readonly PastItems[]): void {
    const isPast = ({ batch, skip }: PastItems): boolean => batch.first + skip <= from;
    const count = past.filter(isPast).reduce((sum, { batch, skip }) => sum + batch.count - skip, 0);
    this.#tell(PublicationKind.ready, writeBeginning({ from, past: count }));
    for (const { batch, skip } of past) {
      this.#credit -= batch.count - skip;
      this.deliver(batch, skip);
    }
  }

  /** Tells it that nothing comes any more, and why. */
  end(code: string): void {
    this.#tell(PublicationKind.end, writeLast(this.#last), Buffer.from(code, "latin1"));
  }

  /** Sends items, or keeps them until there is room, or does what the policy says. @param skip - those at the beginning that are not meant */
  deliver(batch: ItemBatch, skip = 0): void {
    const before = this.#meant;
    this.#meant += batch.count - skip;
    this.#last = batch.first + batch.count - 1;
    if (this.#queue.size === 0 && this.#socket.queuedBytes < SOCKET_BYTES) {
      this.#send(batch, before, skip);
      return;
    }
    this.#enqueue({ batch, before, skip });
    this.#wait();
  }

  /** The network has taken what was sent. */
  drained(): void {
    while (this.#socket.queuedBytes < SOCKET_BYTES) {
      const queued = this.#queue.shift();
      if (!queued) break;
      this.#release(queued);
      this.#send(queued.batch, queued.before, queued.skip);
    }
    if (this.#queue.size > 0) this.#wait();
    else if (this.#isBehind) this.#tell(PublicationKind.tally, writeLast(this.#last));
  }

  #tell(kind: PublicationKind, ...content: Uint8Array[]): void {
    this.#socket.send([this.#token, writeHead(kind, this.#meant), ...content]);
    this.#isBehind = false;
  }

  #send(batch: ItemBatch, before: number, skip: number): void {
    this.#socket.send([this.#token, writeHead(PublicationKind.items, before, skip), ...batch.frames]);
    this.#isBehind = before + batch.count - skip < this.#meant;
  }

  #enqueue(queued: Queued): void {
    const { policy, buffer } = this.request;
    const count = queued.batch.count - queued.skip;
    const fits = (): boolean =>
      this.#queuedItems + count <= buffer && this.#queuedBytes + queued.batch.bytes <= this.#maxQueuedBytes;
    if (policy === "drop-oldest") {
      while (!fits()) {
        const oldest = this.#queue.shift();
        if (!oldest) break;
        this.#release(oldest);
        this.#dropped += oldest.batch.count - oldest.skip;
        this.#isBehind = true;
      }
    }
    // Whoever grants credit has room for it.
    if (policy === "block" || fits() || (policy === "drop-oldest" && this.#queue.size === 0)) {
      this.#queue.push(queued);
      this.#queuedItems += count;
      this.#queuedBytes += queued.batch.bytes;
      return;
    }
    this.#dropped += count;
    this.#isBehind = true;
    if (policy === "disconnect") this.#overflown();
  }

  #release({ batch, skip }: Queued): void {
    this.#queuedItems -= batch.count - skip;
    this.#queuedBytes -= batch.bytes;
  }
}

interface Queued {
  readonly batch: ItemBatch;
  readonly before: number;
  readonly skip: number;
}

/** Bytes that may wait in a socket; more waits here, where it can still be dropped. */
const SOCKET_BYTES = 256 * 1024;

import type { EventUri } from "./event-uri.js";
import { keyOf } from "./sequence.js";

/** Events that a node was to get and has not got. */
export interface NodeGap {
  /** The address under which they were published, as it was written. */
  readonly uri: string;
  /** The run of the node that has published them. */
  readonly publisher: string;
  /** How many. */
  readonly missed: number;
  /**
   * Are they surely lost? If not, it is so many at most: the connection was away meanwhile, and nobody knows whether they were for
   * this node, which goes for events that are delivered to one node in turn, and for publishers that had not been heard before.
   */
  readonly isCertain: boolean;
}

/** An event, as far as its number goes. */
export interface HeardEvent {
  /** As it was published. */
  readonly uri: string;
  /** The run of the node. */
  readonly publisher: string;
  /** Its number. */
  readonly number: number;
  /** Does it go to all who match? */
  readonly isForAll: boolean;
}

/** What came last of a publisher, of one address and mode. */
interface Heard {
  number: number;
  outage: number;
}

/** Finds holes in what a node gets. */
export class GapDetector {
  /** By event, so that all of one can be forgotten; `since` is the number of outages when it was wanted first. */
  readonly #events = new Map<string, { readonly since: number; readonly heard: Map<string, Heard> }>();
  readonly #onGap: (gap: NodeGap) => void;
  /** How often the connection was lost. */
  #outage = 0;
  #size = 0;

  /** @param onGap - told of each hole, before the event behind it */
  constructor(onGap: (gap: NodeGap) => void) {
    this.#onGap = onGap;
  }

  /** The connection was lost. */
  interrupted(): void {
    this.#outage++;
  }

  /** The node wants events of this name from now on. */
  wanted(event: string): void {
    if (!this.#events.has(event)) this.#events.set(event, { since: this.#outage, heard: new Map() });
  }

  /**
   * The node wants events of this name no more, or not all that it wanted: what is not sent to it from now on is no hole.
   *
   * @param isStill - does it want some?
   */
  unwanted(event: string, isStill: boolean): void {
    this.#size -= this.#events.get(event)?.heard.size ?? 0;
    this.#events.delete(event);
    if (isStill) this.wanted(event);
  }

  /** An event came. */
  heard(parsed: EventUri, { uri, publisher, number, isForAll }: HeardEvent): void {
    const event = this.#events.get(parsed.event);
    if (!event) return;
    const key = `${publisher} ${keyOf(parsed, isForAll)}`;
    const last = event.heard.get(key);
    if (!last) {
      this.#remember(event.heard, key, number);
      if (event.since < this.#outage && number > 1) this.#tell(uri, publisher, number - 1, false);
      return;
    }
    const missed = number - last.number - 1;
    const wasAway = last.outage < this.#outage;
    last.number = Math.max(last.number, number);
    last.outage = this.#outage;
    if (missed > 0 && (isForAll || wasAway)) this.#tell(uri, publisher, missed, isForAll);
  }

  /** The dispatcher had to leave events out; `number` is that of the last of `count`. */
  leftOut(
    parsed: EventUri,
    { uri, publisher, number, isForAll, count }: HeardEvent & { readonly count: number },
  ): void {
    const event = this.#events.get(parsed.event);
    if (!event) return;
    const key = `${publisher} ${keyOf(parsed, isForAll)}`;
    const last = event.heard.get(key);
    if (!isForAll || !last) {
      this.#tell(uri, publisher, count, true);
      if (isForAll) this.#remember(event.heard, key, number);
      return;
    }
    // Holes that others came behind have told of themselves.
    const missed = number - last.number;
    if (missed <= 0) return;
    last.number = number;
    this.#tell(uri, publisher, missed, true);
  }

  #remember(heard: Map<string, Heard>, key: string, number: number): void {
    if (this.#size >= MAX_HEARD) {
      // Far more publishers than anybody can tell apart: all are new again.
      for (const event of this.#events.values()) event.heard.clear();
      this.#size = 0;
    }
    heard.set(key, { number, outage: this.#outage });
    this.#size++;
  }

  #tell(uri: string, publisher: string, missed: number, isCertain: boolean): void {
    this.#onGap({ uri, publisher, missed, isCertain });
  }
}

/** Addresses of publishers that a node keeps in mind. */
const MAX_HEARD = 100_000;

import { type EventUri, formatEventUri } from "./event-uri.js";

/** The place of an event in what its node has published. */
export interface SequencePlace {
  /** The run of the node, or of a part of it. */
  readonly publisher: string;
  /** From 1 on, without holes for what never left. */
  readonly number: number;
}

/**
 * Numbers what a node publishes: for each address and mode by itself, so that everybody who gets the events of an address gets all of
 * its numbers. What was surely not delivered, for it was refused or never left, gives its number back.
 */
export class PublishNumbers {
  readonly #incarnation: string;
  readonly #last = new Map<string, number>();
  /** Numbers that were given back, and stand behind none that was not. */
  readonly #refused = new Map<string, Set<number>>();
  #part = 0;

  /** @param incarnation - of the node */
  constructor(incarnation: string) {
    this.#incarnation = incarnation;
  }

  /** The number of the next event of an address. */
  next(parsed: EventUri, isForAll: boolean): SequencePlace {
    const key = keyOf(parsed, isForAll);
    this.#takeBack(key);
    if (this.#last.size >= MAX_ADDRESSES && !this.#last.has(key)) this.#beginAnew();
    const number = (this.#last.get(key) ?? 0) + 1;
    this.#last.set(key, number);
    return { publisher: this.#publisher, number };
  }

  /** An event was surely not delivered. */
  refused(parsed: EventUri, isForAll: boolean, { publisher, number }: SequencePlace): void {
    if (publisher !== this.#publisher) return;
    const key = keyOf(parsed, isForAll);
    const refused = this.#refused.get(key) ?? new Set();
    refused.add(number);
    this.#refused.set(key, refused);
  }

  get #publisher(): string {
    return this.#part === 0 ? this.#incarnation : `${this.#incarnation}.${this.#part}`;
  }

  #takeBack(key: string): void {
    const refused = this.#refused.get(key);
    if (!refused) return;
    let last = this.#last.get(key) ?? 0;
    while (refused.delete(last)) last--;
    this.#last.set(key, last);
    this.#refused.delete(key);
    // Others that were sent later have come through: the hole is none that anybody has to know of.
    if (refused.size > 0) this.#beginAnew();
  }

  /** As another publisher, of whom nobody misses anything. */
  #beginAnew(): void {
    this.#part++;
    this.#last.clear();
    this.#refused.clear();
  }
}

/** Addresses of which numbers are kept. */
export const MAX_ADDRESSES = 100_000;

/** One sequence of numbers of a publisher, whichever way its address is written. */
export function keyOf(parsed: EventUri, isForAll: boolean): string {
  return `${isForAll ? "all" : "one"} ${formatEventUri(parsed)}`;
}

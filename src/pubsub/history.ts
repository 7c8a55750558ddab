import { Ring } from "../util/ring.js";
import type { ItemBatch } from "../wire/lamp/publication.js";

/** A batch, and from which of its items on. */
export interface PastItems {
  /** The batch. */
  readonly batch: ItemBatch;
  /** Items at its beginning that do not count. */
  readonly skip: number;
}

/** The last items of a publication, for those who come later or come back. */
export class History {
  readonly #limit: number;
  readonly #batches = new Ring<ItemBatch>();
  #items = 0;
  /** Number of the last item that was let go, or was never kept. */
  #lost = 0;
  #newest = 0;

  /** @param limit - items to keep */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes the next items. */
  add(batch: ItemBatch): void {
    this.#batches.push(batch);
    this.#items += batch.count;
    this.#newest = batch.first + batch.count - 1;
    for (let oldest = this.#batches.first; oldest && this.#items - oldest.count >= this.#limit; ) {
      this.#batches.shift();
      this.#items -= oldest.count;
      this.#lost = oldest.first + oldest.count - 1;
      oldest = this.#batches.first;
    }
  }

  /** Items after a number, as far as they are kept, oldest first, and the number after which nothing is left out. */
  since(number: number, wants: (topic: string) => boolean): { items: readonly PastItems[]; from: number } {
    const from = Math.max(number, this.#lost);
    const items = [...this.#batches]
      .filter(({ first, count, topic }) => first + count - 1 > from && wants(topic))
      .map((batch) => ({ batch, skip: Math.max(0, from + 1 - batch.first) }));
    return { items, from };
  }

  /** The last items, at most so many, oldest first, and the number after which nothing is left out. */
  last(count: number, wants: (topic: string) => boolean): { items: readonly PastItems[]; from: number } {
    const items: PastItems[] = [];
    let missing = Math.min(count, this.#limit);
    let from = this.#newest;
    for (const batch of [...this.#batches].reverse()) {
      if (missing <= 0) break;
      const skip = wants(batch.topic) ? Math.max(0, batch.count - missing) : 0;
      from = batch.first + skip - 1;
      if (!wants(batch.topic)) continue;
      items.unshift({ batch, skip });
      missing -= batch.count - skip;
    }
    return { items, from };
  }
}

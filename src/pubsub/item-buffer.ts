import { Ring } from "../util/ring.js";
import type { ItemReader } from "../wire/lamp/publication.js";
import { Gap } from "./gap.js";
import type { OverflowPolicy } from "./subscription-request.js";

/** Where items come from. */
export interface ItemOrigin {
  /** Service path of the publisher. */
  readonly service: string;
  /** Its run. */
  readonly incarnation: string | undefined;
  /** An item of it was taken, or dropped: there is room for another. */
  taken(count: number): void;
}

/** Items that came together, and were not all taken. */
export interface Segment {
  /** Reads them. */
  readonly reader: ItemReader;
  /** Who published them. */
  readonly origin: ItemOrigin;
  /** What is missing before them. */
  gaps: Gap[] | undefined;
}

/** Options of {@link ItemBuffer}. */
export interface ItemBufferOptions {
  /** Items that have room. */
  readonly limit: number;
  /** Octets that have room. */
  readonly limitBytes: number;
  /** What becomes of more. */
  readonly policy: OverflowPolicy;
  /** Something was dropped. */
  gap(gap: Gap): void;
  /** There is no room, and the policy is `disconnect`. */
  overflown(): void;
}

/** What has come and was not taken yet: items as they came, unread, and gaps between them. Bounded in items and octets. */
export class ItemBuffer {
  readonly #options: ItemBufferOptions;
  readonly #segments = new Ring<Segment>();
  #size = 0;
  #bytes = 0;
  /** What is missing before the first item … */
  #leading: Gap[] = [];
  /** … and after the last. */
  #trailing: Gap[] = [];

  constructor(options: ItemBufferOptions) {
    this.#options = options;
  }

  /** Items that wait. */
  get size(): number {
    return this.#size;
  }

  /** Where the next item comes from. */
  get first(): Segment | undefined {
    return this.#segments.first;
  }

  /** Items came. */
  push(segment: Segment): void {
    const { limit, limitBytes, policy } = this.#options;
    const { reader } = segment;
    const over = this.#size + reader.left - limit;
    const isHeavy = this.#size > 0 && this.#bytes + reader.bytes > limitBytes;
    if (over <= 0 && !isHeavy) {
      this.#add(segment);
      return;
    }
    switch (policy) {
      case "block":
        // It has been granted.
        this.#add(segment);
        break;
      case "disconnect":
        this.#options.overflown();
        break;
      case "drop-newest":
        this.#dropNewest(segment, isHeavy ? reader.left : over);
        break;
      default:
        this.#add(segment);
        this.#dropOldest();
    }
  }

  /** Something is missing after all that has come. */
  pushGap(gap: Gap): void {
    merge(this.#trailing, gap);
  }

  /** Takes what is missing before the next item, if something is. */
  shiftGap(): Gap | undefined {
    this.#lead();
    return this.#leading.shift();
  }

  /** So many items were read from {@link ItemBuffer.first}. Nothing is to be done when everything was dropped meanwhile. */
  taken(segment: Segment, count: number): void {
    if (this.#segments.first !== segment) return;
    if (this.#leading.length > 0) this.#leading = [];
    if (segment.gaps) segment.gaps = undefined;
    this.#size -= count;
    if (segment.reader.left === 0) this.#drop(segment);
    segment.origin.taken(count);
  }

  /** Items of {@link ItemBuffer.first} were read; those behind the good ones could not be. */
  spoilt(segment: Segment, good: number, bad: number): void {
    this.taken(segment, good + bad);
    const { service, incarnation } = segment.origin;
    const gap = new Gap("malformed", bad, service, incarnation);
    this.#options.gap(gap);
    merge(this.#leading, gap);
  }

  /** Nothing is kept any more. */
  clear(): void {
    while (this.#segments.shift()) continue;
    this.#leading = [];
    this.#trailing = [];
    this.#size = 0;
    this.#bytes = 0;
  }

  #add(segment: Segment): void {
    if (this.#trailing.length > 0) {
      segment.gaps = this.#trailing;
      this.#trailing = [];
    }
    this.#segments.push(segment);
    this.#size += segment.reader.left;
    this.#bytes += segment.reader.bytes;
  }

  #drop({ reader }: Segment): void {
    this.#segments.shift();
    this.#bytes -= reader.bytes;
  }

  /** What is missing before the first segment is missing before the first item. */
  #lead(): void {
    const { first } = this.#segments;
    if (first?.gaps) {
      for (const gap of first.gaps) merge(this.#leading, gap);
      first.gaps = undefined;
    } else if (!first) {
      for (const gap of this.#trailing) merge(this.#leading, gap);
      this.#trailing.length = 0;
    }
  }

  #dropNewest(segment: Segment, count: number): void {
    const { reader, origin } = segment;
    const missed = Math.min(count, reader.left);
    reader.cut(missed);
    if (reader.left > 0) this.#add(segment);
    const gap = this.#tell(missed, origin);
    this.pushGap(gap);
  }

  #dropOldest(): void {
    const { limit, limitBytes } = this.#options;
    while (this.#size > limit || (this.#bytes > limitBytes && this.#segments.size > 1)) {
      const { first } = this.#segments;
      if (!first) break;
      const { reader, origin } = first;
      const { left } = reader;
      reader.skip(this.#bytes > limitBytes ? left : Math.min(this.#size - limit, left));
      const missed = left - reader.left;
      this.#lead();
      this.#size -= missed;
      if (reader.left === 0) this.#drop(first);
      merge(this.#leading, this.#tell(missed, origin));
    }
  }

  #tell(missed: number, origin: ItemOrigin): Gap {
    const gap = new Gap("buffer", missed, origin.service, origin.incarnation);
    this.#options.gap(gap);
    origin.taken(missed);
    return gap;
  }
}

/** Adds a gap; those of one kind are one, and those of all runs of one publisher where there are too many. */
function merge(gaps: Gap[], { reason, missed, service, incarnation }: Gap): void {
  const isCrowded = gaps.length >= MAX_GAPS;
  const at = gaps.findLastIndex(
    (gap) => gap.reason === reason && gap.service === service && (isCrowded || gap.incarnation === incarnation),
  );
  const same = gaps[at];
  if (!same) {
    gaps.push(new Gap(reason, missed, service, incarnation));
    return;
  }
  const sum = same.missed === undefined || missed === undefined ? undefined : same.missed + missed;
  gaps[at] = new Gap(reason, sum, service, same.incarnation === incarnation ? incarnation : undefined);
}

/** Gaps without a value between them that are told apart. */
const MAX_GAPS = 100;

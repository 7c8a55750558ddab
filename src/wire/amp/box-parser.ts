import type { Box } from "./box.js";
import { type BoxLimits, DEFAULT_BOX_LIMITS, MAX_KEY_BYTES } from "./format.js";
import { KeyTable } from "./key-table.js";
import { MalformedBoxError } from "./malformed-box.js";

/**
 * Boxes of one direction of a connection, out of pieces that are cut anywhere (docs/amp-wire.md, section 1).
 *
 * ```ts
 * parser.push(chunk);
 * for (let box = parser.next(); box; box = parser.next()) …
 * ```
 *
 * A box is read when it is asked for and not before, so that one after which the connection is something else (StartTLS, a
 * protocol switch) can be the last: {@link BoxParser.takeRest} has what came behind it.
 *
 * What it holds is the box that is being read, which the limits bound, and what was pushed and not asked for. However small the
 * pieces, the work is in proportion to what comes.
 */
export class BoxParser {
  readonly #limits: BoxLimits;
  /** What was pushed, and how far it is read. */
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** The beginning of a part (a length, a key or a value) whose rest has not come, and how much of it is there. */
  #part: Buffer = NOTHING;
  #partSize = 0;
  /** What comes next, and how many octets it has. */
  #state: "key-size" | "key" | "value-size" | "value" = "key-size";
  #size = 2;
  #key = "";
  /** The box that is being read: its pairs, how many there were, and its octets as far as their lengths are known. */
  #box = new Map<string, Uint8Array>();
  #pairs = 0;
  #bytes = 2;
  #error: MalformedBoxError | undefined;

  /**
   * Makes one, at the beginning of a box.
   *
   * @param limits - of boxes that come; default 64 MiB and 10,000 pairs
   */
  constructor(limits: Partial<BoxLimits> = {}) {
    this.#limits = { ...DEFAULT_BOX_LIMITS, ...limits };
  }

  /** Is a box begun that has not ended? At the end of the stream it is dropped. */
  get isInBox(): boolean {
    return this.#state !== "key-size" || this.#partSize > 0 || this.#pairs > 0;
  }

  /**
   * Takes the next octets of the stream; they are the parser's from then on. Boxes that came before are to be asked for first, as
   * these octets wait behind them. After an error they are dropped.
   */
  push(chunk: Uint8Array): void {
    if (this.#error) return;
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#chunk = this.#at === this.#chunk.length ? octets : Buffer.concat([this.#chunk.subarray(this.#at), octets]);
    this.#at = 0;
  }

  /**
   * The next box, `undefined` until all of it is there.
   *
   * @throws MalformedBoxError for what is no box and for one beyond the limits, as soon as that shows; and again from then on
   */
  next(): Box | undefined {
    if (this.#error) throw this.#error;
    for (;;) {
      if (this.#state === "key-size" && this.#partSize === 0) {
        const ended = this.#readPairs();
        if (ended) return ended;
      }
      const part = this.#take(this.#size);
      if (!part) return undefined;
      const box = this.#read(part);
      if (box) return box;
    }
  }

  /** What was pushed and is of no box that was asked for; the parser has it no more. To be called between boxes. */
  takeRest(): Buffer {
    const rest = Buffer.concat([this.#part.subarray(0, this.#partSize), this.#chunk.subarray(this.#at)]);
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#part = NOTHING;
    this.#partSize = 0;
    return rest;
  }

  /**
   * Reads pairs of which all is there, as of nearly all boxes; gives the box if it ends with them. What is cut, and what is wrong, is
   * left to be read part by part.
   */
  #readPairs(): Box | undefined {
    const chunk = this.#chunk;
    const { maxMessageBytes, maxPairs } = this.#limits;
    for (let at = this.#at; ; ) {
      const valueAt = endOfKey(chunk, at);
      if (valueAt === at + 2) {
        this.#at = valueAt;
        return this.#end();
      }
      const end = valueAt && valueAt + 2 <= chunk.length ? valueAt + 2 + sizeAt(chunk, valueAt) : 0;
      const bytes = this.#bytes + end - at;
      if (valueAt === 0 || end === 0 || end > chunk.length || bytes > maxMessageBytes || this.#pairs >= maxPairs) {
        return undefined;
      }
      this.#pairs++;
      this.#bytes = bytes;
      this.#box.set(KEYS.textAt(chunk, at + 2, valueAt - at - 2), chunk.subarray(valueAt + 2, end));
      at = end;
      this.#at = end;
    }
  }

  /** Goes on by one part; gives the box if it ends there. */
  #read(part: Buffer): Box | undefined {
    switch (this.#state) {
      case "key-size": {
        const size = part.readUInt16BE();
        if (size === 0) return this.#end();
        if (size > MAX_KEY_BYTES) {
          throw this.#fail("key-too-long", `A key has ${size} octets, and ${MAX_KEY_BYTES} at most are possible`);
        }
        if (++this.#pairs > this.#limits.maxPairs) {
          throw this.#fail("too-many-pairs", `A box has more than ${this.#limits.maxPairs} pairs`);
        }
        this.#expect("key", size);
        break;
      }
      case "key":
        this.#key = KEYS.textAt(part, 0, part.length);
        this.#expect("value-size", 2);
        break;
      case "value-size":
        this.#expect("value", part.readUInt16BE());
        break;
      default:
        this.#box.set(this.#key, part);
        this.#expect("key-size", 2);
    }
    return undefined;
  }

  #expect(state: "key-size" | "key" | "value-size" | "value", size: number): void {
    this.#state = state;
    this.#size = size;
    this.#bytes += size;
    const { maxMessageBytes } = this.#limits;
    if (this.#bytes > maxMessageBytes) {
      throw this.#fail("box-too-large", `A box has ${this.#bytes} octets or more, the limit is ${maxMessageBytes}`);
    }
  }

  #end(): Box {
    const box = this.#box;
    this.#box = new Map();
    this.#pairs = 0;
    this.#bytes = 2;
    return box;
  }

  /** The next octets, as many as are asked for; `undefined`, and what there is of them is kept, when that is less. */
  #take(size: number): Buffer | undefined {
    const there = this.#chunk.length - this.#at;
    const missing = size - this.#partSize;
    if (this.#partSize === 0 && there >= size) {
      this.#at += size;
      return this.#chunk.subarray(this.#at - size, this.#at);
    }
    const more = Math.min(missing, there);
    // A length alone takes no memory: room is made for what is there, twice, so that it is not copied again for each piece.
    if (this.#part.length < this.#partSize + more) {
      const grown = Buffer.allocUnsafeSlow(Math.min(size, Math.max(64, 2 * (this.#partSize + more))));
      this.#part.copy(grown, 0, 0, this.#partSize);
      this.#part = grown;
    }
    this.#chunk.copy(this.#part, this.#partSize, this.#at, this.#at + more);
    this.#partSize += more;
    this.#at += more;
    if (this.#at === this.#chunk.length) {
      this.#chunk = NOTHING;
      this.#at = 0;
    }
    if (this.#partSize < size) return undefined;
    const part = this.#part.subarray(0, size);
    this.#part = NOTHING;
    this.#partSize = 0;
    return part;
  }

  #fail(fault: MalformedBoxError["fault"], message: string): MalformedBoxError {
    this.#error = new MalformedBoxError(fault, message);
    this.#chunk = NOTHING;
    this.#at = 0;
    this.#box = new Map();
    return this.#error;
  }
}

/**
 * All boxes that octets hold, one after the other; what follows the last whole one is dropped, as Twisted does.
 *
 * @param limits - default none, as the octets are there already
 * @throws MalformedBoxError for what is no box
 */
export function parseBoxes(octets: Uint8Array, limits: Partial<BoxLimits> = UNLIMITED): Box[] {
  const parser = new BoxParser(limits);
  parser.push(octets);
  const boxes: Box[] = [];
  for (let box = parser.next(); box; box = parser.next()) boxes.push(box);
  return boxes;
}

/** Where a key ends, which is all there and not too long; 0 otherwise. */
function endOfKey(chunk: Buffer, at: number): number {
  if (at + 2 > chunk.length) return 0;
  const size = sizeAt(chunk, at);
  return size > MAX_KEY_BYTES || at + 2 + size > chunk.length ? 0 : at + 2 + size;
}

function sizeAt(chunk: Buffer, at: number): number {
  return ((chunk[at] ?? 0) << 8) | (chunk[at + 1] ?? 0);
}

const NOTHING = Buffer.alloc(0);
/** One for all: they have much the same keys. */
const KEYS = new KeyTable();
const UNLIMITED: BoxLimits = { maxMessageBytes: Infinity, maxPairs: Infinity };

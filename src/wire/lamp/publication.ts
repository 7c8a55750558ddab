import { BadRequestError, ProtocolError, rpcError } from "../../errors.js";
import type { Frames } from "../message.js";
import { Reader } from "../messagepack/reader.js";
import { Writer } from "../messagepack/writer.js";
import { decodeValue, type ValueSource } from "./decode-value.js";
import { encodeValue, findUntransportable, Untransportable, type ValueSink } from "./encode-value.js";

/** What publishers send (docs/pubsub-wire.md, section 3). */
export const PublicationKind = { ready: 0, items: 1, tally: 2, end: 3 } as const;

/** Values of {@link PublicationKind}. */
export type PublicationKind = (typeof PublicationKind)[keyof typeof PublicationKind];

/** Items of one topic, as they travel to each subscriber. */
export interface ItemBatch {
  /** What they were published under. */
  readonly topic: string;
  /** The publisher's number of the first. */
  readonly first: number;
  /** How many there are; at least one. */
  readonly count: number;
  /** Octets of everything. */
  readonly bytes: number;
  /** The body, and the frames of large binary values. */
  readonly frames: Frames;
}

/** Gathers items of one topic. Used again for the next batch, whatever its topic. */
export class ItemWriter {
  readonly #writer = new Writer(1024);
  readonly #sink: ValueSink = { writer: this.#writer, frames: [], referrer: undefined };
  readonly #maxItemBytes: number;
  #topic = "";
  #numbersAt = 0;
  #count = 0;
  #lastAt = 0;
  #frameBytes = 0;

  /** @param maxItemBytes - size of the largest item that may be added */
  constructor(maxItemBytes: number) {
    this.#maxItemBytes = maxItemBytes;
  }

  /** Items so far. */
  get count(): number {
    return this.#count;
  }

  /** Has it become so large that nothing should be added? */
  get isFull(): boolean {
    return this.#count >= MAX_ITEMS || this.#writer.written >= FULL_BYTES || this.#frameBytes > 0;
  }

  /** Begins a batch. */
  begin(topic: string): void {
    const writer = this.#writer;
    writer.begin();
    writer.text(topic);
    this.#topic = topic;
    this.#numbersAt = writer.blank();
    writer.blank();
    writer.blank();
    this.#count = 0;
  }

  /**
   * Adds an item, as it is now: what becomes of the value afterwards does not matter.
   *
   * @throws BadRequestError for a value that cannot travel; nothing is added then
   * @throws RpcError with code `TOO_LARGE`
   */
  add(value: unknown): void {
    const writer = this.#writer;
    const at = writer.blank();
    const { frames } = this.#sink;
    let size: number;
    try {
      encodeValue(this.#sink, value);
      size = writer.at - at - 4;
      for (const frame of frames) size += frame.byteLength;
      if (size > this.#maxItemBytes) throw tooLarge(this.#topic, size, this.#maxItemBytes);
    } catch (error) {
      writer.at = at;
      frames.length = 0;
      if (!(error instanceof Untransportable)) throw error;
      const what = findUntransportable(value, "the value", undefined) ?? "the value cannot travel";
      throw new BadRequestError(`This cannot be published: ${what}`);
    }
    writer.fill(at, writer.at - at - 4);
    this.#frameBytes = size - (writer.at - at - 4);
    this.#lastAt = at;
    this.#count++;
  }

  /** Hands out what was added since {@link ItemWriter.begin}; at least one item. @param first - number of the first */
  take(first: number): ItemBatch {
    const writer = this.#writer;
    writer.fill(this.#numbersAt, Math.floor(first / 2 ** 32));
    writer.fill(this.#numbersAt + 4, first >>> 0);
    writer.fill(this.#numbersAt + 8, this.#count);
    const body = writer.take();
    // Large binary values are their publisher's, who may change them as soon as this turn is over.
    const frames = [body, ...this.#sink.frames.map((frame) => Uint8Array.prototype.slice.call(frame))];
    const bytes = body.length + this.#frameBytes;
    this.#sink.frames.length = 0;
    this.#frameBytes = 0;
    return { topic: this.#topic, first, count: this.#count, bytes, frames };
  }

  /** The last item of a batch that was just taken, alone and without holding the memory of the others. */
  lastOf(batch: ItemBatch): ItemBatch {
    if (batch.count === 1 && batch.bytes > FULL_BYTES) return batch;
    const [body, ...large] = batch.frames as [Buffer, ...Uint8Array[]];
    const start = body.length - (this.#writer.at - this.#lastAt);
    const head = this.#numbersAt + 12 - (this.#writer.at - body.length);
    const own = Buffer.concat([body.subarray(0, head), body.subarray(start)]);
    const first = batch.first + batch.count - 1;
    putNumber(own, first, head - 12);
    own.writeUInt32BE(1, head - 4);
    return {
      topic: batch.topic,
      first,
      count: 1,
      bytes: own.length + batch.bytes - body.length,
      frames: [own, ...large],
    };
  }
}

/** Reads the items of a batch one by one, when they are wanted. */
export class ItemReader {
  /** What they were published under. */
  readonly topic: string;
  /** The publisher's number of the next item. */
  next: number;
  /** Items that were not read yet. */
  left: number;
  /** Octets that it holds, whatever was read. */
  readonly bytes: number;
  readonly #reader = new Reader();
  readonly #source: ValueSource;

  /** @throws ProtocolError for frames that are no batch */
  constructor(frames: Frames) {
    const [head] = frames;
    if (!head) throw new ProtocolError("A publication has no body");
    const body = bufferOf(head);
    const reader = this.#reader;
    reader.open(body);
    this.#source = { reader, frames, outOfBand: 0, referrer: undefined };
    const topic = decodeValue(this.#source);
    if (typeof topic !== "string") throw new ProtocolError("The topic of a publication is no text");
    this.topic = topic;
    this.next = checked(reader.unsigned(4) * 2 ** 32 + reader.unsigned(4));
    this.left = reader.unsigned(4);
    let bytes = 0;
    for (const frame of frames) bytes += frame.byteLength;
    this.bytes = bytes;
    // Each item takes 5 octets at least.
    if (this.left === 0 || this.left * 5 > body.length)
      throw new ProtocolError("A publication counts its items wrongly");
  }

  /**
   * The next item.
   *
   * @throws ProtocolError when it is malformed; those behind it can be read all the same, unless {@link ItemReader.left} is 0 then
   */
  read(): unknown {
    const reader = this.#reader;
    const size = this.#sizeOfNext();
    const start = reader.at;
    this.left--;
    this.next++;
    const end = start + size;
    try {
      const value = decodeValue(this.#source);
      if (reader.at === end) return value;
    } catch (error) {
      reader.at = end;
      throw error;
    }
    reader.at = end;
    throw new ProtocolError("A published item has another size than it says");
  }

  /** Passes over items; where they cannot be told apart, over all. */
  skip(count: number): void {
    const reader = this.#reader;
    try {
      for (let skipped = 0; skipped < count; skipped++) {
        const size = this.#sizeOfNext();
        reader.at += size;
        this.left--;
        this.next++;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  /** @throws ProtocolError when nothing more can be found in this batch; nothing is left then */
  #sizeOfNext(): number {
    const reader = this.#reader;
    try {
      const size = reader.unsigned(4);
      reader.need(size);
      return size;
    } catch (error) {
      this.next += this.left;
      this.left = 0;
      throw error;
    }
  }

  /** Leaves the last ones out. */
  cut(count: number): void {
    this.left -= count;
  }
}

/** What stands before each message to one subscriber: what it is, how many items were for this subscriber before, how many to leave out. */
export interface PublicationHead {
  /** What follows. */
  readonly kind: PublicationKind;
  /** Items that were meant for this subscriber before those that follow, whether they were sent or not. */
  readonly before: number;
  /** Items at the beginning of the batch that are not for this subscriber. */
  readonly skip: number;
}

/** Writes a {@link PublicationHead}. */
export function writeHead(kind: PublicationKind, before: number, skip = 0): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head[0] = kind;
  putNumber(head, before, 1);
  head.writeUInt32BE(skip, 9);
  return head;
}

/** Reads a {@link PublicationHead}. @throws ProtocolError when it is none */
export function readHead(frame: Uint8Array | undefined): PublicationHead {
  if (frame?.length !== HEAD_BYTES) throw new ProtocolError("A publication has no head");
  const head = bufferOf(frame);
  const kind = head[0] ?? 0;
  if (kind > PublicationKind.end) throw new ProtocolError(`A publication is of the unknown kind ${kind}`);
  return {
    kind: kind as PublicationKind,
    before: getNumber(head, 1),
    skip: head.readUInt32BE(9),
  };
}

/** What a subscriber is told when its subscription begins. */
export interface Beginning {
  /** It gets everything with a higher number that it wants. */
  readonly from: number;
  /** Items with lower numbers, or with this one, that it gets before. */
  readonly past: number;
}

/** Writes a {@link Beginning} (docs/pubsub-wire.md, section 4). */
export function writeBeginning({ from, past }: Beginning): Buffer {
  const body = Buffer.allocUnsafe(12);
  putNumber(body, from, 0);
  body.writeUInt32BE(past, 8);
  return body;
}

/** Reads a {@link Beginning}. @throws ProtocolError when it is something else */
export function readBeginning(frame: Uint8Array | undefined): Beginning {
  if (frame?.length !== 12) throw new ProtocolError("A subscription begins without its numbers");
  const body = bufferOf(frame);
  return { from: getNumber(body, 0), past: body.readUInt32BE(8) };
}

/** Writes the number of the last item that was meant for a subscriber, for tallies and ends. */
export function writeLast(number: number): Buffer {
  const body = Buffer.allocUnsafe(8);
  putNumber(body, number, 0);
  return body;
}

/** Reads what {@link writeLast} writes. @throws ProtocolError when it is something else */
export function readLast(frame: Uint8Array | undefined): number {
  if (frame?.length !== 8) throw new ProtocolError("A publication says that items are missing, but not up to which");
  return getNumber(bufferOf(frame), 0);
}

function bufferOf(frame: Uint8Array): Buffer {
  return Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
}

function putNumber(body: Buffer, number: number, at: number): void {
  body.writeUInt32BE(Math.floor(number / 2 ** 32), at);
  body.writeUInt32BE(number >>> 0, at + 4);
}

function getNumber(body: Buffer, at: number): number {
  return checked(body.readUInt32BE(at) * 2 ** 32 + body.readUInt32BE(at + 4));
}

/** @throws ProtocolError for a number that no publisher comes to */
function checked(number: number): number {
  if (number <= MAX_NUMBER) return number;
  throw new ProtocolError(`A publication has the number ${number}, the highest is 2^52`);
}

function tooLarge(topic: string, size: number, limit: number): Error {
  const where = topic === "" ? "" : ` under ${JSON.stringify(topic)}`;
  return rpcError(
    "TOO_LARGE",
    `What is published${where} has ${size} bytes, the limit is ${limit} (option maxMessageBytes)`,
  );
}

const HEAD_BYTES = 13;
/** So that sums with it are exact. */
const MAX_NUMBER = 2 ** 52;
/** What is larger is sent before the turn is over. */
const FULL_BYTES = 64 * 1024;
const MAX_ITEMS = 1_000;

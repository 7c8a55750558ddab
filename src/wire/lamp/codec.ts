import { BadRequestError, ProtocolError, type RpcError, rpcError } from "../../errors.js";
import type { Frames, Message } from "../message.js";
import { Reader } from "../messagepack/reader.js";
import { Writer } from "../messagepack/writer.js";
import { type BatchingCodec, MalformedMessageError, type Referrer, type WireLimits } from "../wire.js";
import { decodeRecord } from "./decode-record.js";
import type { ValueSource } from "./decode-value.js";
import { encodeRecord } from "./encode-record.js";
import { findUntransportable, Untransportable, type ValueSink } from "./encode-value.js";
import { FLAG_PROMISED, HEADER_BYTES, MAGIC } from "./format.js";
import { MethodNames, MethodNumbers } from "./methods.js";

/** The codec of one connection (docs/lamp-wire.md). */
export class LampCodec implements BatchingCodec {
  readonly #limits: WireLimits;
  readonly #writer = new Writer();
  readonly #reader = new Reader();
  readonly #sink: ValueSink;
  readonly #source: ValueSource;
  readonly #numbers = new MethodNumbers();
  readonly #names = new MethodNames();
  keepsResults = false;
  taken = 0;
  acknowledged = 0;
  #read = 0;
  #flags = 0;
  #isEmpty = true;
  #isAdding = false;
  /** Bytes of the batch's frames of their own. */
  #outOfBand = 0;

  constructor(limits: WireLimits, referrer: Referrer | undefined) {
    this.#limits = limits;
    this.#sink = { writer: this.#writer, frames: [], referrer };
    this.#source = { reader: this.#reader, frames: [], outOfBand: 0, referrer };
  }

  get waiting(): number {
    return this.#isEmpty ? 0 : this.#writer.written + this.#outOfBand;
  }

  add(message: Message, maxBytes?: number): number {
    // A getter or toJSON in what is being encoded may make a call of its own: it would end up in the middle of this one.
    if (this.#isAdding) throw new BadRequestError("A call was made from within a value that is being sent");
    this.#isAdding = true;
    const writer = this.#writer;
    const { frames } = this.#sink;
    if (this.#isEmpty) this.#begin();
    const { at } = writer;
    const frameCount = frames.length;
    try {
      const fresh = encodeRecord(message, this.#sink, this.#numbers);
      let size = writer.at - at;
      let outOfBand = 0;
      for (let index = frameCount; index < frames.length; index++) outOfBand += frames[index]?.byteLength ?? 0;
      size += outOfBand;
      const limit = Math.min(this.#limits.maxMessageBytes, maxBytes ?? Infinity);
      if (size > limit) throw tooLarge(message, size, limit);
      if (message.kind === "call" && message.promised !== undefined) this.#flags |= FLAG_PROMISED;
      if (fresh) this.#numbers.add(fresh.interface, fresh.method);
      this.#outOfBand += outOfBand;
      return size;
    } catch (error) {
      writer.at = at;
      frames.length = frameCount;
      throw error instanceof Untransportable ? this.#explain(message) : error;
    } finally {
      this.#isAdding = false;
    }
  }

  take(sentAt: number): Frames {
    if (this.#isEmpty) return [];
    const head = this.#writer.take();
    head[MAGIC.length] = this.#flags;
    this.#flags = 0;
    head.writeUInt32BE(Math.round(sentAt) >>> 0, MAGIC.length + 1);
    head.writeUInt32BE(this.#read, MAGIC.length + 5);
    this.taken = (this.taken + 1) >>> 0;
    const taken = [head, ...this.#sink.frames];
    this.#sink.frames.length = 0;
    this.#outOfBand = 0;
    this.#isEmpty = true;
    return taken;
  }

  decodeAll(frames: Frames, each: (message: Message) => void): void {
    const [head] = frames;
    if (!head || !isBatch(head))
      throw new MalformedMessageError("A message does not begin as those of the lamp wire do");
    const reader = this.#reader;
    reader.open(
      Buffer.isBuffer(head) ? head : Buffer.from(head.buffer, head.byteOffset, head.byteLength),
      MAGIC.length + 1,
    );
    const sentAt = reader.unsigned(4);
    this.acknowledged = reader.unsigned(4);
    this.#read = (this.#read + 1) >>> 0;
    this.keepsResults = ((head[MAGIC.length] ?? 0) & FLAG_PROMISED) !== 0;
    this.#source.frames = frames;
    try {
      while (reader.at < reader.end) {
        const message = decodeRecord(this.#source, this.#names, sentAt);
        if (message) each(message);
      }
    } catch (error) {
      if (error instanceof ProtocolError) throw new MalformedMessageError(error.message, undefined, { cause: error });
      throw error;
    } finally {
      this.#source.frames = [];
    }
  }

  #begin(): void {
    const writer = this.#writer;
    writer.begin();
    writer.reserve(HEADER_BYTES);
    for (const octet of MAGIC) writer.octet(octet);
    // Places for the flags, the sender's clock and the count.
    for (let index = MAGIC.length; index < HEADER_BYTES; index++) writer.octet(0);
    this.#isEmpty = false;
  }

  #explain(message: Message): RpcError {
    const { referrer } = this.#sink;
    if (message.kind === "call") {
      const where = { interface: message.interface, method: message.method };
      const found = findUntransportable(message.args, "args", referrer) ?? "a value in it is of no kind that can";
      return new BadRequestError(
        `The arguments of ${message.interface}.${message.method} cannot travel: ${found}`,
        where,
      );
    }
    const isItem = message.kind === "item";
    const value = isItem ? message.value : message.kind === "result" ? message.result : message;
    const found = findUntransportable(value, isItem ? "item" : "result", referrer);
    return new BadRequestError(
      `${isItem ? "An item of a stream" : "The result"} cannot travel: ${found ?? "a value in it is of no kind that can"}`,
    );
  }
}

/** Does a message of this wire begin so? */
export function isBatch(head: Uint8Array): boolean {
  return head.length >= HEADER_BYTES && MAGIC.every((octet, index) => head[index] === octet);
}

function tooLarge(message: Message, size: number, limit: number): RpcError {
  const isCall = message.kind === "call";
  const what = message.kind === "item" ? "An item of a stream" : "The answer";
  return rpcError(
    "TOO_LARGE",
    `${isCall ? `The call of ${message.interface}.${message.method}` : what} has ${size} bytes, ` +
      `the limit is ${limit} (option maxMessageBytes, on both sides)`,
    isCall ? { interface: message.interface, method: message.method } : {},
  );
}

import { BadRequestError } from "../../errors.js";
import { discardSource, holdSources, type ItemIterator, isStreamSource, iterate } from "./source.js";

/**
 * Bytes of any number, from wherever: in memory, a `Blob` or `File`, a web stream, a `stream.Readable` of Node's, or any async
 * iterable. Who takes one ends it, however it is done with. Chunks must not change once they were handed out.
 */
export type ByteSource = Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Chunks are no larger, so that a window's room is what bounds memory. */
export const MAX_CHUNK_BYTES: number = 256 * 1024;

/** Is this something that bytes come from? */
export function isByteSource(value: unknown): value is ByteSource {
  return (
    typeof value === "object" &&
    value !== null &&
    (value instanceof Uint8Array || value instanceof ArrayBuffer || value instanceof Blob || isStreamSource(value))
  );
}

/** The bytes of a source that are in memory already; `undefined` for others. */
export function bytesInMemory(source: ByteSource): Uint8Array | undefined {
  if (source instanceof Uint8Array) return plain(source);
  return source instanceof ArrayBuffer ? new Uint8Array(source) : undefined;
}

/** A stream of bytes that can be ended by whom it was made. */
export interface OpenByteStream {
  /** To be read by somebody else. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Ends the source; who reads on gets the error. Does nothing when the stream is over. */
  end(reason: unknown): void;
}

/**
 * Any source as a web stream of chunks. The source is not touched before somebody reads, gives no chunk that nobody has
 * asked for, and is ended when reading is given up.
 *
 * What is no bytes makes the stream fail with `BAD_REQUEST`.
 *
 * @param maxChunkBytes - larger chunks are cut; default: {@link MAX_CHUNK_BYTES}
 */
export function openByteStream(source: ByteSource, maxChunkBytes: number = MAX_CHUNK_BYTES): OpenByteStream {
  const chunks = new Chunks(source, maxChunkBytes);
  return {
    // A queue of its own would only hide how far the reader is.
    stream: new ReadableStream<Uint8Array>(chunks, { highWaterMark: 0 }),
    end: (reason) => {
      chunks.end(reason);
    },
  };
}

/** As {@link openByteStream}, where only its reader ends it. */
export function toByteStream(source: ByteSource, maxChunkBytes?: number): ReadableStream<Uint8Array> {
  return openByteStream(source, maxChunkBytes).stream;
}

class Chunks {
  readonly #maxChunkBytes: number;
  #source: ByteSource | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #iterator: ItemIterator | undefined;
  /** What is left of a chunk that was cut. */
  #rest: Uint8Array | undefined;
  #isOver = false;

  constructor(source: ByteSource, maxChunkBytes: number) {
    this.#maxChunkBytes = maxChunkBytes;
    this.#rest = bytesInMemory(source);
    if (this.#rest) return;
    this.#source = source;
    holdSources(source);
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      const chunk = await this.#next();
      if (this.#isEnded()) return;
      if (chunk) controller.enqueue(chunk);
      else {
        this.#isOver = true;
        controller.close();
      }
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  cancel(): void {
    this.#close();
  }

  end(reason: unknown): void {
    if (this.#isOver) return;
    this.#close();
    this.#controller?.error(reason);
  }

  async #next(): Promise<Uint8Array | undefined> {
    while (!this.#rest || this.#rest.byteLength === 0) {
      this.#rest = undefined;
      this.#iterator ??= this.#begin();
      const step = await this.#iterator?.next();
      if (!step || step.done) return undefined;
      this.#rest = toChunk(step.value);
    }
    const rest = this.#rest;
    const max = this.#maxChunkBytes;
    this.#rest = rest.byteLength > max ? rest.subarray(max) : undefined;
    return this.#rest ? rest.subarray(0, max) : rest;
  }

  /** A blob makes a new stream each time: it is asked for one when reading begins. */
  #begin(): ItemIterator | undefined {
    const source = this.#source;
    if (source instanceof Blob) return iterate(source.stream());
    return source && isStreamSource(source) ? iterate(source) : undefined;
  }

  #isEnded(): boolean {
    return this.#isOver;
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#rest = undefined;
    if (this.#iterator) Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
    else if (this.#source && isStreamSource(this.#source)) discardSource(this.#source);
    this.#source = undefined;
  }
}

function toChunk(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return plain(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new BadRequestError(`A stream of bytes must give chunks of type Uint8Array, got ${typeof value}`);
}

/** A `Buffer` arrives as what it is; here it counts for the bytes that it is a view of. */
function plain(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
}

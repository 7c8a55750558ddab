/** Gives chunks, and counts what was taken of it and how often it was ended. */
export class CountedSource {
  readonly #chunks: number;
  readonly #chunkBytes: number;
  readonly #stalls: boolean;
  /** Bytes that were taken. */
  taken = 0;
  /** How often it came to its end, or was brought to it. */
  ended = 0;
  /** Told of each chunk. */
  onTaken: () => void = () => undefined;

  /** @param options - `stalls`: after the last chunk comes neither another one nor the end */
  constructor(chunks: number, chunkBytes: number, options: { readonly stalls?: boolean } = {}) {
    this.#chunks = chunks;
    this.#chunkBytes = chunkBytes;
    this.#stalls = options.stalls ?? false;
  }

  /** As a web stream. */
  stream(): ReadableStream<Uint8Array> {
    let given = 0;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          if (given < this.#chunks) {
            given++;
            controller.enqueue(this.#chunk());
          } else if (this.#stalls) await new Promise(() => undefined);
          else {
            this.ended++;
            controller.close();
          }
        },
        cancel: () => {
          this.ended++;
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** As a generator. */
  async *generate(): AsyncGenerator<Uint8Array> {
    try {
      for (let given = 0; given < this.#chunks; given++) yield this.#chunk();
    } finally {
      this.ended++;
    }
  }

  #chunk(): Uint8Array {
    this.taken += this.#chunkBytes;
    this.onTaken();
    return new Uint8Array(this.#chunkBytes);
  }
}

/** All bytes of a stream. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

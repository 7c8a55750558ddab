/**
 * What came while a stream's owner reads nothing. A little is read on, because Node.js sees the other end go only while it reads;
 * then the other end has to wait.
 */
export class Unread {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** Is there nothing? */
  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Is there so much that no more is to be read? */
  get isFull(): boolean {
    return this.#bytes >= MAX_BYTES || this.#chunks.length >= MAX_CHUNKS;
  }

  /** Keeps octets. */
  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Takes everything, as one piece. */
  take(): Buffer {
    const [first = NOTHING, ...others] = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    return others.length === 0 ? first : Buffer.concat([first, ...others]);
  }
}

const NOTHING = Buffer.alloc(0);
/** What `StreamHandlers.gone` promises. */
const MAX_BYTES = 64 * 1024;
/** Each costs memory of its own, however short it is. */
const MAX_CHUNKS = 1_024;

import { ProtocolError } from "../../errors.js";

/** Flag of a frame that another one of the same message follows. */
export const MORE = 1;
/** Flag of a frame whose length takes 8 octets. */
const LONG = 2;
/** Flag of a command. */
export const COMMAND = 4;

/** Gets the frames of one connection, in order. */
export type FrameHandler = (flags: number, body: Buffer) => void;

/**
 * Cuts a stream of bytes into frames (ZMTP 3.1, RFC 37, "Framing").
 *
 * Bodies that lie within one chunk are views of it, not copies. What a frame claims to hold is never allocated before it
 * has come.
 */
export class FrameParser {
  readonly #maxBytes: number;
  readonly #handler: FrameHandler;
  /** An unfinished header. */
  #head: Buffer | undefined;
  /** Pieces of an unfinished body. */
  #pieces: Buffer[] = [];
  #missing = 0;
  #flags = 0;

  /** @param maxBytes - largest body; a larger one is an error */
  constructor(maxBytes: number, handler: FrameHandler) {
    this.#maxBytes = maxBytes;
    this.#handler = handler;
  }

  /**
   * Takes the next bytes; calls the handler for each frame that is complete.
   *
   * @throws ProtocolError when they can be no frame, or one that is too large. The parser is of no use afterwards
   */
  push(input: Buffer): void {
    let chunk = input;
    let at = 0;
    if (this.#missing > 0) {
      if (chunk.length < this.#missing) {
        this.#pieces.push(chunk);
        this.#missing -= chunk.length;
        return;
      }
      at = this.#missing;
      this.#pieces.push(chunk.subarray(0, at));
      const body = Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#missing = 0;
      this.#handler(this.#flags, body);
    } else if (this.#head) {
      chunk = Buffer.concat([this.#head, chunk]);
      this.#head = undefined;
    }
    const end = chunk.length;
    while (at < end) {
      const flags = chunk[at] ?? 0;
      if (flags > 7 || (flags & (COMMAND | MORE)) === (COMMAND | MORE)) {
        throw new ProtocolError(`The peer sent a frame with the flags 0x${flags.toString(16)}, which do not exist`);
      }
      const long = (flags & LONG) !== 0;
      const bodyAt = at + (long ? 9 : 2);
      if (bodyAt > end) break;
      const size = long ? chunk.readUInt32BE(at + 1) * 2 ** 32 + chunk.readUInt32BE(at + 5) : (chunk[at + 1] ?? 0);
      if (size > this.#maxBytes) {
        throw new ProtocolError(`The peer sent a frame of ${size} bytes; the limit is ${this.#maxBytes}`);
      }
      const bodyEnd = bodyAt + size;
      if (bodyEnd > end) {
        this.#flags = flags;
        this.#missing = bodyEnd - end;
        this.#pieces = [chunk.subarray(bodyAt)];
        return;
      }
      at = bodyEnd;
      this.#handler(flags, chunk.subarray(bodyAt, bodyEnd));
    }
    if (at < end) this.#head = chunk.subarray(at);
  }
}

/**
 * Frames and other octets on their way to a socket. Small ones are copied side by side into one buffer, so that everything written in one
 * turn of the event loop leaves in one system call; large ones go as they are, without a copy.
 */
export class OutBuffer {
  #slab: Buffer = EMPTY;
  #room = 256;
  /** Where the bytes begin that were not taken yet, and where the next ones go. */
  #start = 0;
  #end = 0;
  #ready: Uint8Array[] = [];
  #bytes = 0;

  /** Bytes that wait to be taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds bytes that are no frame; many must not change until they are written. */
  add(bytes: Uint8Array): void {
    const size = bytes.length;
    this.#bytes += size;
    if (size >= COPY_BELOW) {
      this.#cut();
      this.#ready.push(bytes);
      return;
    }
    this.#reserve(size);
    this.#slab.set(bytes, this.#end);
    this.#end += size;
  }

  /** Adds a frame. A large body must not change until it is written. */
  addFrame(flags: number, body: Uint8Array): void {
    const size = body.length;
    const copied = size < COPY_BELOW;
    this.#reserve(copied ? size + MAX_HEADER : MAX_HEADER);
    const slab = this.#slab;
    let at = this.#end;
    if (size < 256) {
      slab[at++] = flags;
      slab[at++] = size;
    } else {
      slab[at++] = flags | LONG;
      slab.writeUInt32BE(Math.floor(size / 2 ** 32), at);
      slab.writeUInt32BE(size >>> 0, at + 4);
      at += 8;
    }
    if (copied) {
      slab.set(body, at);
      at += size;
    }
    this.#bytes += at - this.#end + (copied ? 0 : size);
    this.#end = at;
    if (!copied) {
      this.#cut();
      this.#ready.push(body);
    }
  }

  /** Takes everything; whoever takes it writes it. */
  take(): readonly Uint8Array[] {
    this.#cut();
    const taken = this.#ready;
    this.#ready = [];
    this.#bytes = 0;
    return taken;
  }

  #cut(): void {
    if (this.#end > this.#start) this.#ready.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  /** Bytes once handed out are never written again: what is full is left to those who still read it. */
  #reserve(size: number): void {
    if (this.#end + size <= this.#slab.length) return;
    this.#cut();
    // Many connections say little: room grows with use.
    this.#room = Math.min(this.#room * 2, MAX_SLAB_BYTES);
    this.#slab = Buffer.allocUnsafeSlow(Math.max(this.#room, size));
    this.#start = 0;
    this.#end = 0;
  }
}

const EMPTY = Buffer.alloc(0);
/** Flag of a frame whose length takes 8 octets. */
const LONG = 2;
/** Flags and length at their longest. */
const MAX_HEADER = 9;
/** What is of this size or larger is not copied. */
const COPY_BELOW = 32 * 1024;
const MAX_SLAB_BYTES = 64 * 1024;

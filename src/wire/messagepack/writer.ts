/**
 * Writes msgpack into one growing buffer. Numbers take their shortest form; texts and containers whose size is not known
 * beforehand may take a longer header than they need, which msgpack allows.
 */
export class Writer {
  /** The octets; only up to {@link Writer.at} they mean something. */
  bytes: Buffer;
  /** Where the next octet goes. */
  at = 0;
  #view: DataView;
  #limit: number;
  #start = 0;

  /** @param room - octets to begin with */
  constructor(room = 256) {
    this.bytes = Buffer.allocUnsafeSlow(room);
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.#limit = room;
  }

  /** Octets since {@link Writer.begin}. */
  get written(): number {
    return this.at - this.#start;
  }

  /** Begins anew, behind what was handed out. */
  begin(): void {
    if (this.#limit - this.at < this.#limit / 4) {
      // Many connections say little: room grows with use.
      this.#limit = Math.min(this.#limit * 2, MAX_ROOM);
      this.bytes = Buffer.allocUnsafeSlow(this.#limit);
      this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
      this.at = 0;
    }
    this.#start = this.at;
  }

  /** Hands out what was written since {@link Writer.begin}. It is never written again. */
  take(): Buffer {
    return this.bytes.subarray(this.#start, this.at);
  }

  /** Makes room for `size` octets. */
  reserve(size: number): void {
    if (this.at + size > this.#limit) this.#grow(size);
  }

  /** `nil`. */
  nil(): void {
    this.reserve(1);
    this.bytes[this.at++] = 0xc0;
  }

  /** `true` or `false`. */
  boolean(value: boolean): void {
    this.reserve(1);
    this.bytes[this.at++] = value ? 0xc3 : 0xc2;
  }

  /** An integer from 0 to 2⁵³ − 1. */
  unsigned(value: number): void {
    this.reserve(9);
    const { bytes } = this;
    if (value < 0x80) bytes[this.at++] = value;
    else if (value < 0x100) {
      bytes[this.at] = 0xcc;
      bytes[this.at + 1] = value;
      this.at += 2;
    } else if (value < 0x10000) {
      bytes[this.at] = 0xcd;
      bytes[this.at + 1] = value >> 8;
      bytes[this.at + 2] = value;
      this.at += 3;
    } else if (value < 0x100000000) {
      bytes[this.at] = 0xce;
      this.#view.setUint32(this.at + 1, value);
      this.at += 5;
    } else {
      bytes[this.at] = 0xcf;
      this.#view.setUint32(this.at + 1, Math.floor(value / 0x100000000));
      this.#view.setUint32(this.at + 5, value >>> 0);
      this.at += 9;
    }
  }

  /** Any number: integers as such, everything else, -0 included, as a double. */
  number(value: number): void {
    if (value >= 0 && Number.isSafeInteger(value)) {
      // -0 equals 0 and is told apart by its reciprocal.
      if (value > 0 || 1 / value > 0) this.unsigned(value);
      else this.double(value);
    } else if (value < 0 && Number.isSafeInteger(value)) this.#negative(value);
    else this.double(value);
  }

  /** A double. */
  double(value: number): void {
    this.reserve(9);
    this.bytes[this.at] = 0xcb;
    this.#view.setFloat64(this.at + 1, value);
    this.at += 9;
  }

  /** A text, in UTF-8; lone surrogates become U+FFFD. */
  text(value: string): void {
    const { length } = value;
    this.reserve(length * 3 + 5);
    if (length < SHORT) {
      // Short texts are mostly ASCII: a loop is faster than the way into native code.
      const { bytes } = this;
      let at = this.at + 1;
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 0x7f) break;
        bytes[at++] = code;
      }
      if (index === length) {
        bytes[this.at] = 0xa0 | length;
        this.at = at;
        return;
      }
    }
    this.#longText(value);
  }

  /** Octets. */
  binary(value: Uint8Array): void {
    const size = value.byteLength;
    this.reserve(size + 5);
    this.#header(size, 0xc4, 0xc5, 0xc6);
    this.raw(value);
  }

  /** Octets without a header. */
  raw(value: Uint8Array): void {
    const size = value.byteLength;
    this.reserve(size);
    const { bytes, at } = this;
    this.at = at + size;
    // The way into native code costs more than a few octets do.
    if (size <= 64) for (let index = 0; index < size; index++) bytes[at + index] = value[index] ?? 0;
    else bytes.set(value, at);
  }

  /** One octet without a header. */
  octet(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  /** The header of an array. */
  array(length: number): void {
    this.reserve(5);
    if (length < 16) this.bytes[this.at++] = 0x90 | length;
    else this.#header(length, undefined, 0xdc, 0xdd);
  }

  /** The header of a map. */
  map(length: number): void {
    this.reserve(5);
    if (length < 16) this.bytes[this.at++] = 0x80 | length;
    else this.#header(length, undefined, 0xde, 0xdf);
  }

  /**
   * The header of an extension whose size is not known yet; {@link Writer.endExtension} fills it in.
   *
   * @returns what to end it with
   */
  beginExtension(type: number): number {
    this.reserve(6);
    this.bytes[this.at] = 0xc9;
    this.bytes[this.at + 5] = type;
    this.at += 6;
    return this.at;
  }

  /** Everything since `begun` is the extension's. */
  endExtension(begun: number): void {
    this.#view.setUint32(begun - 5, this.at - begun);
  }

  /**
   * A place for a number of 4 octets that is known later; {@link Writer.fill} fills it in.
   *
   * @returns where it stands
   */
  blank(): number {
    this.reserve(4);
    const { at } = this;
    this.at += 4;
    return at;
  }

  /** Fills in a number of 4 octets without a sign. */
  fill(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** An extension without content beyond a few octets. */
  smallExtension(type: number, size: number): void {
    this.reserve(3 + size);
    this.bytes[this.at] = 0xc7;
    this.bytes[this.at + 1] = size;
    this.bytes[this.at + 2] = type;
    this.at += 3;
  }

  #negative(value: number): void {
    this.reserve(9);
    const { bytes } = this;
    if (value >= -32) bytes[this.at++] = value & 0xff;
    else if (value >= -0x80000000) {
      bytes[this.at] = 0xd2;
      this.#view.setInt32(this.at + 1, value);
      this.at += 5;
    } else {
      bytes[this.at] = 0xd3;
      this.#view.setBigInt64(this.at + 1, BigInt(value));
      this.at += 9;
    }
  }

  #longText(value: string): void {
    // The size in octets is known only afterwards: the header has room for the largest that it can be.
    const most = value.length * 3;
    const head = most < 0x100 ? 2 : most < 0x10000 ? 3 : 5;
    const size = this.bytes.write(value, this.at + head);
    if (head === 2) {
      this.bytes[this.at] = 0xd9;
      this.bytes[this.at + 1] = size;
    } else if (head === 3) {
      this.bytes[this.at] = 0xda;
      this.#view.setUint16(this.at + 1, size);
    } else {
      this.bytes[this.at] = 0xdb;
      this.#view.setUint32(this.at + 1, size);
    }
    this.at += head + size;
  }

  #header(size: number, one: number | undefined, two: number, four: number): void {
    const { bytes } = this;
    if (one !== undefined && size < 0x100) {
      bytes[this.at] = one;
      bytes[this.at + 1] = size;
      this.at += 2;
    } else if (size < 0x10000) {
      bytes[this.at] = two;
      this.#view.setUint16(this.at + 1, size);
      this.at += 3;
    } else {
      bytes[this.at] = four;
      this.#view.setUint32(this.at + 1, size);
      this.at += 5;
    }
  }

  #grow(size: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + size));
    // At the same places, for callers remember some of them.
    this.bytes.copy(grown, this.#start, this.#start, this.at);
    this.bytes = grown;
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.byteLength);
    this.#limit = grown.length;
  }
}

/** Texts below this many characters have a header of one octet when they are ASCII. */
const SHORT = 32;
/** Octets of the largest buffer that is kept for batches to come. */
const MAX_ROOM = 64 * 1024;

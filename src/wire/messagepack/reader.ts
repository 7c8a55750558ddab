import { ProtocolError } from "../../errors.js";

/**
 * Reads what msgpack consists of from bytes that nobody has vouched for: nothing is read beyond the end, and nothing is
 * allocated that could not be there.
 */
export class Reader {
  /** The octets. */
  bytes: Buffer = EMPTY;
  /** The octet to be read next. */
  at = 0;
  /** Where the octets end. */
  end = 0;
  #view: DataView = new DataView(EMPTY.buffer, EMPTY.byteOffset, 0);

  /** Begins to read. */
  open(bytes: Buffer, at = 0, end: number = bytes.length): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws ProtocolError when fewer than `size` octets are left */
  need(size: number): void {
    if (this.end - this.at < size) throw truncated();
  }

  /** The next octet. */
  octet(): number {
    if (this.at >= this.end) throw truncated();
    return this.bytes[this.at++] ?? 0;
  }

  /** An integer of 1, 2 or 4 octets without a sign. */
  unsigned(size: 1 | 2 | 4): number {
    this.need(size);
    const { at } = this;
    this.at = at + size;
    if (size === 1) return this.bytes[at] ?? 0;
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  /** An integer of 1, 2 or 4 octets with a sign. */
  signed(size: 1 | 2 | 4): number {
    this.need(size);
    const { at } = this;
    this.at = at + size;
    if (size === 1) return this.#view.getInt8(at);
    return size === 2 ? this.#view.getInt16(at) : this.#view.getInt32(at);
  }

  /** An integer of 8 octets: a number where that is exact, else a bigint. */
  long(hasSign: boolean): number | bigint {
    this.need(8);
    const value = hasSign ? this.#view.getBigInt64(this.at) : this.#view.getBigUint64(this.at);
    this.at += 8;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  /** A double. */
  double(): number {
    this.need(8);
    const value = this.#view.getFloat64(this.at);
    this.at += 8;
    return value;
  }

  /** A float of 4 octets. */
  float(): number {
    this.need(4);
    const value = this.#view.getFloat32(this.at);
    this.at += 4;
    return value;
  }

  /** A view of `size` octets. */
  take(size: number): Buffer {
    this.need(size);
    const taken = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return taken;
  }

  /** A copy of `size` octets: a view would keep everything alive that came along. */
  copy(size: number): Uint8Array {
    this.need(size);
    const { bytes, at } = this;
    this.at = at + size;
    const copy = new Uint8Array(size);
    // A view costs more than a few octets do.
    if (size <= 64) for (let index = 0; index < size; index++) copy[index] = bytes[at + index] ?? 0;
    else copy.set(bytes.subarray(at, at + size));
    return copy;
  }

  /** A text of `size` octets. */
  text(size: number): string {
    this.need(size);
    const { bytes, at } = this;
    const end = at + size;
    this.at = end;
    if (size > SHORT) return bytes.toString("utf8", at, end);
    for (let index = at; index < end; index++) if ((bytes[index] ?? 0) > 0x7f) return bytes.toString("utf8", at, end);
    const b = bytes;
    switch (size) {
      case 0:
        return "";
      case 1:
        return String.fromCharCode(b[at] ?? 0);
      case 2:
        return String.fromCharCode(b[at] ?? 0, b[at + 1] ?? 0);
      case 3:
        return String.fromCharCode(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0);
      case 4:
        return String.fromCharCode(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0, b[at + 3] ?? 0);
      case 5:
        return String.fromCharCode(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0, b[at + 3] ?? 0, b[at + 4] ?? 0);
      default:
        return bytes.toString("latin1", at, end);
    }
  }

  /**
   * A text that is likely to come again, such as the name of a member: known ones are found by their octets, without
   * making a new text.
   */
  name(size: number): string {
    if (size > MAX_NAME) return this.text(size);
    this.need(size);
    const { bytes, at } = this;
    let hash = size;
    for (let index = at; index < at + size; index++) hash = (hash * 31 + (bytes[index] ?? 0)) | 0;
    const slot = (hash ^ (hash >>> 15)) & (NAMES - 1);
    const known = names[slot];
    if (known?.octets.length === size) {
      let index = 0;
      while (index < size && known.octets[index] === bytes[at + index]) index++;
      if (index === size) {
        this.at = at + size;
        return known.text;
      }
    }
    const octets = Uint8Array.prototype.slice.call(bytes, at, at + size);
    const text = this.text(size);
    names[slot] = { octets, text };
    return text;
  }
}

const EMPTY = Buffer.alloc(0);
/** Longer texts are not worth the loops. */
const SHORT = 24;
const MAX_NAME = 32;

/** Names that were met, by hash; what does not fit in displaces what was there. Shared by all connections, and bounded. */
const NAMES = 2048;
const names: ({ readonly octets: Uint8Array; readonly text: string } | undefined)[] = new Array<undefined>(NAMES).fill(
  undefined,
);

function truncated(): ProtocolError {
  return new ProtocolError("The message breaks off before its end");
}

import { randomBytes } from "node:crypto";

/** Octets of a uid. */
const SIZE = 16;
const NAME_AT = 0;
const RANDOM_AT = 4;
const NUMBER_AT = 10;

/**
 * The uids of one connection's calls: what looks like a random UUID of version 4 holds the number of the call, so that nothing
 * has to be kept to find it again, and a check of the name that is called:
 *
 * | octets | content |
 * |---|---|
 * | 0 to 3 | check of the name |
 * | 4 to 9 | random, the same for the connection; version and variant of a UUID are in octets 6 and 8 |
 * | 10 to 15 | number |
 */
export class CallUids {
  readonly #random = randomBytes(NUMBER_AT - RANDOM_AT);

  constructor() {
    const random = this.#random;
    random[6 - RANDOM_AT] = ((random[6 - RANDOM_AT] ?? 0) & 0x0f) | 0x40;
    random[8 - RANDOM_AT] = ((random[8 - RANDOM_AT] ?? 0) & 0x3f) | 0x80;
  }

  /** The uid of a call. */
  make(number: number, name: string): Buffer {
    const uid = Buffer.allocUnsafe(SIZE);
    uid.writeUInt32BE(checkOf(name), NAME_AT);
    this.#random.copy(uid, RANDOM_AT);
    uid.writeUIntBE(number, NUMBER_AT, SIZE - NUMBER_AT);
    return uid;
  }

  /** The number of the call that a uid belongs to; `undefined` for one that was not made here. */
  numberIn(uid: Uint8Array): number | undefined {
    const octets = Buffer.from(uid.buffer, uid.byteOffset, uid.byteLength);
    if (octets.length !== SIZE || this.#random.compare(octets, RANDOM_AT, NUMBER_AT) !== 0) return undefined;
    return octets.readUIntBE(NUMBER_AT, SIZE - NUMBER_AT);
  }
}

/** Was it this name that the call of a uid was for? Never wrong about the name itself; about others once in 4,000,000,000 times. */
export function isCallOf(uid: Uint8Array, name: string): boolean {
  return Buffer.from(uid.buffer, uid.byteOffset, uid.byteLength).readUInt32BE(NAME_AT) === checkOf(name);
}

/** FNV-1a over UTF-16 units, 32 bits. */
function checkOf(name: string): number {
  let check = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    check = Math.imul(check ^ name.charCodeAt(index), 0x01000193);
  }
  return check >>> 0;
}

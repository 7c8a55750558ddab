/**
 * Keys as texts. The same few come in every box, and a text that is there already costs less than a new one, which would have to be
 * made, and hashed again for every `Map` that it goes into. Of a fixed size, whatever comes.
 */
export class KeyTable {
  readonly #texts = new Array<string>(SLOTS).fill("");

  /** The text of the octets from `at` on, one character for each. */
  textAt(octets: Buffer, at: number, size: number): string {
    if (size > LONGEST) return octets.toString("latin1", at, at + size);
    let hash = size;
    for (let index = 0; index < size; index++) hash = (hash * 31 + (octets[at + index] ?? 0)) | 0;
    const slot = hash & (SLOTS - 1);
    const known = this.#texts[slot] ?? "";
    if (known.length === size && isText(known, octets, at)) return known;
    const text = octets.toString("latin1", at, at + size);
    this.#texts[slot] = text;
    return text;
  }
}

function isText(text: string, octets: Buffer, at: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== octets[at + index]) return false;
  }
  return true;
}

const SLOTS = 256;
/** Longer ones are hardly those that come all the time. */
const LONGEST = 32;

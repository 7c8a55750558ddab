/*
 * Texts and octets of AMP are mostly shorter than what a call into native code costs, so short ones are copied here, octet by octet.
 */

/**
 * The octets of a text with one character for each; `undefined` where a character is beyond U+00FF and so no octet.
 */
export function octetsOfText(text: string): Buffer | undefined {
  const octets = Buffer.allocUnsafe(text.length);
  return writeText(octets, text, 0) ? octets : undefined;
}

/** Writes such a text; `false` where it has characters that are no octets, and what was written means nothing. */
export function writeText(to: Buffer, text: string, at: number): boolean {
  if (text.length > SHORT) {
    if (NO_OCTETS.test(text)) return false;
    to.write(text, at, "latin1");
    return true;
  }
  let all = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    to[at + index] = code;
    all |= code;
  }
  return all <= 0xff;
}

/** Copies octets. */
export function writeOctets(to: Buffer, octets: Uint8Array, at: number): void {
  if (octets.length > SHORT) to.set(octets, at);
  else for (let index = 0; index < octets.length; index++) to[at + index] = octets[index] ?? 0;
}

/** Octets as a text with one character for each. */
export function textOfOctets(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
}

/** Octets up to which a copy here is faster. */
const SHORT = 32;
const NO_OCTETS = /[^\0-\xff]/;

import { ConfigurationError } from "../errors.js";

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/**
 * Writes octets as printable text (ZeroMQ RFC 32): four octets in five digits; a key of 32 octets has 40.
 *
 * @throws ConfigurationError when the number of octets is no multiple of 4
 */
export function encodeZ85(bytes: Uint8Array): string {
  if (bytes.length % 4 !== 0) throw new ConfigurationError(`Z85 needs a multiple of 4 octets, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const value = view.getUint32(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += DIGITS[Math.floor(value / power) % 85] ?? "";
  }
  return text;
}

/**
 * Reads what {@link encodeZ85} wrote. Its errors do not repeat the text, which may be a secret.
 *
 * @throws ConfigurationError when the text is no Z85
 */
export function decodeZ85(text: string): Uint8Array {
  if (text.length % 5 !== 0) throw new ConfigurationError(`Z85 needs a multiple of 5 characters, got ${text.length}`);
  const bytes = new Uint8Array((text.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let group = 0; group < text.length / 5; group++) {
    let value = 0;
    for (let index = 0; index < 5; index++) {
      const digit = DIGITS.indexOf(text.charAt(group * 5 + index));
      if (digit < 0) throw new ConfigurationError(`Character ${group * 5 + index + 1} is none of Z85`);
      value = value * 85 + digit;
    }
    if (value > 0xffffffff) throw new ConfigurationError(`Characters ${group * 5 + 1} to ${group * 5 + 5} are no Z85`);
    view.setUint32(group * 4, value);
  }
  return bytes;
}

import { createPrivateKey, createPublicKey, timingSafeEqual } from "node:crypto";
import { ConfigurationError } from "../errors.js";
import type { KeyPair } from "../transport/index.js";
import { decodeZ85, encodeZ85 } from "../util/z85.js";

/**
 * The pair of a secret key.
 *
 * @throws ConfigurationError when it does not have 32 octets
 */
export function keysOf(secretKey: Uint8Array): KeyPair {
  if (secretKey.byteLength !== KEY_BYTES) throw wrongKey("A secret key", secretKey.byteLength);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, secretKey]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-KEY_BYTES);
  return { publicKey, secretKey };
}

/** A key as 40 characters of Z85 (ZeroMQ RFC 32), as people hand it on. */
export function keyText(key: Uint8Array): string {
  return encodeZ85(key);
}

/**
 * Reads a key: 40 characters of Z85, or its 32 octets.
 *
 * @param what - names the key in errors, which never repeat it
 * @throws ConfigurationError when it is none
 */
export function readKey(key: string | Uint8Array, what: string): Uint8Array {
  if (typeof key !== "string") {
    if (key.byteLength === KEY_BYTES) return key;
    throw wrongKey(what, key.byteLength);
  }
  const text = key.trim();
  if (text.length !== KEY_CHARACTERS) {
    throw new ConfigurationError(`${what} has ${text.length} characters; a key has ${KEY_CHARACTERS} (Z85)`);
  }
  try {
    return decodeZ85(text);
  } catch (error) {
    throw new ConfigurationError(`${what} is no key: ${(error as Error).message}`);
  }
}

/** Are two keys the same? Takes as long wherever they differ. */
export function isSameKey(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && timingSafeEqual(one, other);
}

function wrongKey(what: string, bytes: number): ConfigurationError {
  return new ConfigurationError(`${what} has ${bytes} octets; a key has ${KEY_BYTES}`);
}

const KEY_BYTES = 32;
const KEY_CHARACTERS = 40;
/** What stands before the octets of an X25519 key in PKCS #8. */
const PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");

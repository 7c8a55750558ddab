import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { ConfigurationError, ProtocolError } from "../../errors.js";
import { lazily } from "../../util/lazily.js";
import type { KeyPair } from "../security.js";

const salsa = lazily("@noble/ciphers/salsa.js") as () => typeof import("@noble/ciphers/salsa.js");

/**
 * `crypto_box` of NaCl, which CURVE is made of: X25519 from Node.js (30 times faster than in JavaScript), XSalsa20 and
 * Poly1305 from noble-ciphers.
 */
export class Box {
  readonly #key: Uint8Array;

  /** @throws ProtocolError when the keys lead to no secret: the peer's is one of the few that nobody may use */
  constructor(theirPublicKey: Uint8Array, ourSecretKey: Uint8Array) {
    let shared: Buffer;
    try {
      shared = diffieHellman({ privateKey: secretKeyObject(ourSecretKey), publicKey: publicKeyObject(theirPublicKey) });
    } catch (error) {
      throw new ProtocolError("The peer's key cannot be used", { cause: error });
    }
    this.#key = deriveKey(shared);
  }

  /** Encrypts; 16 octets longer than what goes in. */
  seal(nonce: Uint8Array, plain: Uint8Array): Uint8Array {
    return salsa().xsalsa20poly1305(this.#key, nonce).encrypt(plain);
  }

  /** @throws ProtocolError when the box was made with other keys or has been changed */
  open(nonce: Uint8Array, box: Uint8Array): Buffer {
    try {
      const plain = salsa().xsalsa20poly1305(this.#key, nonce).decrypt(box);
      return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
    } catch (error) {
      throw new ProtocolError("The peer sent what does not decrypt: it has other keys, or somebody changed it", {
        cause: error,
      });
    }
  }
}

/** A new pair of X25519 keys. */
export function generateKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return {
    publicKey: publicKey.export({ type: "spki", format: "der" }).subarray(-KEY_BYTES),
    secretKey: privateKey.export({ type: "pkcs8", format: "der" }).subarray(-KEY_BYTES),
  };
}

/** @throws ConfigurationError when a key has not 32 octets */
export function requireKey(key: Uint8Array, what: string): Uint8Array {
  if (key instanceof Uint8Array && key.length === KEY_BYTES) return key;
  throw new ConfigurationError(`The ${what} must have ${KEY_BYTES} octets`);
}

/** Octets of a key. */
export const KEY_BYTES = 32;

// What stands before the 32 octets of a key in DER (RFC 8410).
const SECRET_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

function secretKeyObject(key: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([SECRET_PREFIX, key]), format: "der", type: "pkcs8" });
}

function publicKeyObject(key: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, key]), format: "der", type: "spki" });
}

const SIGMA = words(Buffer.from("expand 32-byte k"));

/** The key that NaCl derives from the shared point: HSalsa20 with a nonce of zeros. */
function deriveKey(shared: Uint8Array): Uint8Array {
  const out = new Uint32Array(8);
  salsa().hsalsa(SIGMA, words(shared), new Uint32Array(4), out);
  const key = new Uint8Array(KEY_BYTES);
  const view = new DataView(key.buffer);
  for (const [index, word] of out.entries()) view.setUint32(index * 4, word, true);
  return key;
}

/** Little-endian words, whatever the machine's order is. */
function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
}

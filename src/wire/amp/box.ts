import { BadRequestError, rpcError } from "../../errors.js";
import { type AmpDialect, MAX_KEY_BYTES, MAX_VALUE_BYTES } from "./format.js";

/**
 * A box: pairs of key and value in any order (docs/amp-wire.md, section 1).
 *
 * A key is any 1 to 255 octets, here as a text with one character for each (U+0000 to U+00FF), so that no two keys become one.
 * Values of a box that came are views of what was read: copy one to keep it for long.
 */
export type Box = ReadonlyMap<string, Uint8Array>;

/**
 * The octets of a box: its pairs in the order of their keys' octets, which is how Twisted writes them.
 *
 * ```
 * pair  key length (2 octets, 1 to 255), key, value length (2 octets), value
 * box   pairs, 00 00
 * ```
 *
 * Nothing is written unless all of it can be.
 *
 * @param dialect - of the peer; default `twisted`
 * @throws BadRequestError, `not-sent`, for a key that is empty or no octets, and for what the dialect has not
 * @throws RpcError, code `TOO_LARGE`, `not-sent`, for a key of more than 255 octets and a value of more than 65,535; its text has
 * size, limit and key
 */
export function encodeBox(box: Box, dialect: AmpDialect = "twisted"): Buffer {
  // Texts of characters up to U+00FF have the order of their octets.
  const keys = [...box.keys()].sort(byOctets);
  let size = 2;
  for (const key of keys) {
    const value = box.get(key) ?? NOTHING;
    requireKey(key, dialect);
    const complaint = complaintAbout(value, dialect);
    if (complaint) throw rpcError(complaint.code, `The value of ${JSON.stringify(key)} ${complaint.text}`);
    size += 4 + key.length + value.byteLength;
  }
  const octets = Buffer.allocUnsafe(size);
  let at = 0;
  for (const key of keys) {
    const value = box.get(key) ?? NOTHING;
    at = octets.writeUInt16BE(key.length, at);
    at += octets.write(key, at, "latin1");
    at = octets.writeUInt16BE(value.byteLength, at);
    octets.set(value, at);
    at += value.byteLength;
  }
  octets.writeUInt16BE(0, at);
  return octets;
}

/** Why a value cannot be sent, in words that go on from its name; `undefined` when it can. */
export function complaintAbout(
  value: Uint8Array,
  dialect: AmpDialect,
): { readonly code: "TOO_LARGE" | "BAD_REQUEST"; readonly text: string } | undefined {
  const size = value.byteLength;
  if (size > MAX_VALUE_BYTES) {
    return { code: "TOO_LARGE", text: `has ${size} octets, the limit is ${MAX_VALUE_BYTES}` };
  }
  if (size === 0 && dialect === "asyncio-amp") {
    return { code: "BAD_REQUEST", text: "is empty, and peers of asyncio-amp lose step at empty values" };
  }
  return undefined;
}

/**
 * Nothing for a key that can be sent.
 *
 * @throws as {@link encodeBox}
 */
export function requireKey(key: string, dialect: AmpDialect = "twisted"): void {
  const name = key.length > 100 ? `${key.slice(0, 100)}…` : key;
  if (key === "") throw new BadRequestError("A key is empty, which would end the box");
  if (NO_OCTETS.test(key)) {
    throw new BadRequestError(`The key ${JSON.stringify(name)} has characters beyond U+00FF, which are no octets`);
  }
  if (key.length > MAX_KEY_BYTES) {
    throw rpcError(
      "TOO_LARGE",
      `The key ${JSON.stringify(name)} has ${key.length} octets, the limit is ${MAX_KEY_BYTES}`,
    );
  }
  if (dialect === "asyncio-amp" && NO_ASCII.test(key)) {
    throw new BadRequestError(`The key ${JSON.stringify(name)} is not in ASCII, which peers of asyncio-amp need`);
  }
}

const NOTHING = new Uint8Array(0);
const NO_OCTETS = /[^\0-\xff]/;
const NO_ASCII = /[^\0-\x7f]/;

function byOctets(one: string, other: string): number {
  return one < other ? -1 : 1;
}

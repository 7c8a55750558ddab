import { types } from "node:util";
import { BadRequestError, rpcError } from "../../errors.js";
import { type AmpDialect, MAX_KEY_BYTES, MAX_VALUE_BYTES } from "./format.js";
import { writeOctets, writeText } from "./octets.js";
import { kindOf } from "./wrong-value.js";

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
  const pairs = inOrder(box);
  let size = 2;
  for (const [key, value] of pairs) {
    if (key.length === 0 || key.length > MAX_KEY_BYTES || dialect !== "twisted") requireKey(key, dialect);
    const complaint = complaintAbout(value, dialect);
    if (complaint) throw rpcError(complaint.code, `The value of ${JSON.stringify(key)} ${complaint.text}`);
    size += 4 + key.length + value.byteLength;
  }
  const octets = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [key, value] of pairs) {
    at = writeSize(octets, key.length, at);
    // What is wrong is looked for where it shows that something is.
    if (!writeText(octets, key, at)) requireKey(key, dialect);
    at = writeSize(octets, value.byteLength, at + key.length);
    writeOctets(octets, value, at);
    at += value.byteLength;
  }
  writeSize(octets, 0, at);
  return octets;
}

/** The pairs in the order of their keys' octets. Whoever makes boxes puts them in so where that is easily done. */
function inOrder(box: Box): Iterable<readonly [string, Uint8Array]> {
  let last = "";
  for (const key of box.keys()) {
    // Texts of characters up to U+00FF have the order of their octets.
    if (key < last) return [...box].sort(([one], [other]) => (one < other ? -1 : 1));
    last = key;
  }
  return box;
}

function writeSize(octets: Buffer, size: number, at: number): number {
  octets[at] = size >> 8;
  octets[at + 1] = size & 0xff;
  return at + 2;
}

/** Why a value cannot be sent, in words that go on from its name; `undefined` when it can. */
export function complaintAbout(
  value: Uint8Array,
  dialect: AmpDialect,
): { readonly code: "TOO_LARGE" | "BAD_REQUEST"; readonly text: string } | undefined {
  // Room is made by its size, and what is no octets would leave in it what was there before.
  if (!(value instanceof Uint8Array) && !types.isUint8Array(value)) {
    return { code: "BAD_REQUEST", text: `is ${kindOf(value)}, not octets (a Uint8Array)` };
  }
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

const NO_OCTETS = /[^\0-\xff]/;
const NO_ASCII = /[^\0-\x7f]/;

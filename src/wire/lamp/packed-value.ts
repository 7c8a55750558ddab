import { BadRequestError, ProtocolError } from "../../errors.js";
import { Reader } from "../messagepack/reader.js";
import { Writer } from "../messagepack/writer.js";
import { decodeValue } from "./decode-value.js";
import { encodeValue, findUntransportable, Untransportable } from "./encode-value.js";

const writer = new Writer();

/**
 * Writes a value as the lamp wire does (docs/lamp-wire.md, "Values"), for whoever passes it on without looking into it. Functions and
 * streams cannot be passed on.
 *
 * @param what - what it is, for errors: such as `message`
 * @returns the value, and behind it the large binary values that stand in it
 * @throws BadRequestError, `not-sent`, for what cannot travel
 */
export function packValue(value: unknown, what: string): Uint8Array[] {
  const frames: Uint8Array[] = [];
  writer.begin();
  try {
    encodeValue({ writer, frames, referrer: undefined }, value);
  } catch (error) {
    if (!(error instanceof Untransportable)) throw error;
    const found = findUntransportable(value, what, undefined) ?? `${what} holds a value of no kind that can`;
    throw new BadRequestError(`This cannot travel: ${found}`);
  }
  const head = writer.take();
  return [new Uint8Array(head.buffer, head.byteOffset, head.byteLength), ...frames];
}

/**
 * Reads what {@link packValue} wrote.
 *
 * @throws ProtocolError for bytes that are none
 */
export function unpackValue(parts: readonly Uint8Array[]): unknown {
  const [head] = parts;
  if (!head) throw new ProtocolError("A packed value has no octets");
  const reader = new Reader();
  reader.open(Buffer.from(head.buffer, head.byteOffset, head.byteLength));
  const value = decodeValue({ reader, frames: parts, outOfBand: 0, referrer: undefined });
  if (reader.at !== reader.end) throw new ProtocolError("There is more behind a packed value");
  return value;
}

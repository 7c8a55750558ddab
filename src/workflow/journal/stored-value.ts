import { crc32 } from "node:zlib";
import { BadRequestError, ProtocolError, RpcError } from "../../errors.js";
import { unpackFrames } from "../../service/journal/pack-frames.js";
import { packValue, unpackValue } from "../../wire/lamp/packed-value.js";

/** A value as a database gives it back: rows that come alone hold a view, those of a list a buffer. */
export type StoredBytes = Uint8Array | ArrayBuffer;

/**
 * Packs a value behind a checksum of it: SQLite has none, and does not notice when the octets of a value have changed.
 *
 * @param what - what it is, for errors: such as `the input of run 5`
 * @param maxBytes - largest that is kept
 * @throws BadRequestError, `not-sent`, for what cannot be kept
 */
export function packStored(value: unknown, what: string, maxBytes: number): Buffer {
  const parts = packParts(value, what);
  let bytes = CHECKSUM_END;
  for (const part of parts) bytes += LENGTH_BYTES + part.byteLength;
  if (bytes > maxBytes) {
    throw new BadRequestError(
      `This cannot be kept: ${what} takes ${bytes} bytes, and the journal takes at most ${maxBytes} (maxRecordBytes)`,
    );
  }
  // As packFrames has it; but each line of a history comes through here, and this makes one buffer of it.
  const packed = Buffer.allocUnsafe(bytes);
  packed.writeUInt32BE(CHECKSUM_BYTES, 0);
  let at = CHECKSUM_END;
  for (const part of parts) {
    packed.writeUInt32BE(part.byteLength, at);
    packed.set(part, at + LENGTH_BYTES);
    at += LENGTH_BYTES + part.byteLength;
  }
  packed.writeUInt32BE(crc32(packed.subarray(CHECKSUM_END)), CHECKSUM_AT);
  return packed;
}

/**
 * Reads what {@link packStored} wrote.
 *
 * @throws ProtocolError when it is damaged
 */
export function unpackStored(stored: StoredBytes): unknown {
  return unpackValue(unpackFrames(requireUndamaged(stored)).slice(1));
}

/**
 * The octets of a value.
 *
 * @throws ProtocolError when it is not as it was written
 */
export function requireUndamaged(stored: StoredBytes): Buffer {
  const bytes =
    stored instanceof ArrayBuffer
      ? Buffer.from(stored)
      : Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (bytes.length < CHECKSUM_END || bytes.readUInt32BE(CHECKSUM_AT) !== crc32(bytes.subarray(CHECKSUM_END))) {
    throw new ProtocolError("a value in it is not as it was written");
  }
  return bytes;
}

/**
 * A text, as it is.
 *
 * @throws BadRequestError, `not-sent`, when a database would change it
 */
export function requireText(text: string, what: string): string {
  if (/[\0\p{Cs}]/u.test(text)) {
    throw new BadRequestError(`This cannot be kept: ${what} holds a character NUL or half a character`);
  }
  return text;
}

function packParts(value: unknown, what: string): Uint8Array[] {
  try {
    return packValue(value, what);
  } catch (error) {
    // Members of the value may be getters, which throw what they like.
    if (RpcError.isRpcError(error)) throw error;
    throw new BadRequestError(`This cannot be kept: ${what}: ${(error as Error).message}`, { cause: error });
  }
}

/** Frames stand behind their length. */
const LENGTH_BYTES = 4;
const CHECKSUM_BYTES = 4;
const CHECKSUM_AT = LENGTH_BYTES;
const CHECKSUM_END = LENGTH_BYTES + CHECKSUM_BYTES;

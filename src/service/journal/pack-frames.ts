import { ProtocolError } from "../../errors.js";
import type { Frames } from "../../wire/message.js";

/** Writes frames one after the other, each behind its length in four octets, big-endian. */
export function packFrames(frames: Frames): Buffer {
  const parts: Uint8Array[] = [];
  for (const frame of frames) {
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32BE(frame.byteLength);
    parts.push(length, frame);
  }
  return Buffer.concat(parts);
}

/**
 * Reads what {@link packFrames} wrote.
 *
 * @throws ProtocolError when it is cut off
 */
export function unpackFrames(packed: Uint8Array): Frames {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const start = at + LENGTH_BYTES;
    const end = start + (start <= bytes.byteLength ? bytes.readUInt32BE(at) : Infinity);
    if (end > bytes.byteLength) throw new ProtocolError("Frames are cut off");
    frames.push(bytes.subarray(start, end));
    at = end;
  }
  return frames;
}

const LENGTH_BYTES = 4;

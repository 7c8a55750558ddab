import type { Frames } from "../../wire/message.js";
import { Reader } from "../../wire/messagepack/reader.js";
import { Writer } from "../../wire/messagepack/writer.js";
import { MessageType, messageFrames } from "../../wire/pseud/format.js";

/**
 * The answer of an end that has no jobs: the one that is called is not found. It reads the name, and nothing else of the call.
 *
 * @returns `undefined` for what is no call: silence harms nobody
 */
export function refuseJob(call: Frames): Frames | undefined {
  const [, , uid = NOTHING, , body = NOTHING] = call;
  const name = nameIn(body);
  if (name === undefined) return undefined;
  const writer = new Writer();
  writer.array(3);
  writer.text("ServiceNotFoundError");
  writer.text(name);
  writer.text("");
  return messageFrames(MessageType.error, uid, writer.take());
}

/** The first item of three, if it is a text. */
function nameIn(body: Uint8Array): string | undefined {
  const reader = new Reader();
  reader.open(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  try {
    if (reader.octet() !== 0x93) return undefined;
    const head = reader.octet();
    if (head >= 0xa0 && head <= 0xbf) return reader.text(head & 0x1f);
    const size = TEXT_SIZES.get(head);
    return size && reader.text(reader.unsigned(size));
  } catch {
    return undefined;
  }
}

/** Octets of the size behind the head of a longer text. */
const TEXT_SIZES: ReadonlyMap<number, 1 | 2 | 4> = new Map([
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
]);
const NOTHING = Buffer.alloc(0);

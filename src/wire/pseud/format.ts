import type { Frames } from "../message.js";

/** What a message is, in its fourth frame (docs/pseud-wire.md, section 1). */
export const MessageType = {
  /** A job has succeeded. */
  ok: 0x01,
  /** Login and password of an end that was asked for them. */
  hello: 0x02,
  /** A call. */
  work: 0x03,
  /** The log-in was accepted. */
  authenticated: 0x04,
  /** A sign of life. */
  heartbeat: 0x06,
  /** A job has failed. */
  error: 0x10,
  /** The call was dropped, for nobody is logged in; or the log-in was refused. */
  unauthorized: 0x11,
} as const;

/** Frames of a message; a single one is a probe. */
export const FRAME_COUNT = 5;

const EMPTY = Buffer.alloc(0);
const VERSION = Buffer.from("v1");
const TYPES: ReadonlyMap<number, Buffer> = new Map(Object.values(MessageType).map((type) => [type, Buffer.of(type)]));

/** The frames of a message. */
export function messageFrames(type: number, uid: Uint8Array, body: Uint8Array): Frames {
  return [EMPTY, VERSION, uid, TYPES.get(type) ?? Buffer.of(type), body];
}

/** A sign of life: the same every time. */
export const HEARTBEAT: Frames = messageFrames(MessageType.heartbeat, EMPTY, EMPTY);

/** Do frames open a message of version `v1`? Cheap, for it is asked of each message. */
export function isMessage(frames: Frames): boolean {
  if (frames.length !== FRAME_COUNT) return false;
  const version = frames[1];
  return frames[3]?.length === 1 && version?.length === 2 && version[0] === 0x76 && version[1] === 0x31;
}

/** The type of a message that {@link isMessage} found to be one. */
export function typeOf(frames: Frames): number {
  return frames[3]?.[0] ?? 0;
}

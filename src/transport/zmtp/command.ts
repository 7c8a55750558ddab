import { ProtocolError } from "../../errors.js";

/** A command: its name, and what follows. */
export interface Command {
  /** Such as `READY`. */
  readonly name: string;
  /** Everything after the name. */
  readonly body: Buffer;
}

/** Properties that ends tell each other, by lower-case name; names are case-insensitive. */
export type Metadata = ReadonlyMap<string, Buffer>;

/**
 * What an end says of itself: always the same, or what depends on what the peer has said before.
 *
 * @internal
 */
export type OwnMetadata = Buffer | ((theirs: Metadata) => Buffer);

/** What an end says of itself to a peer that has spoken. */
export function metadataFor(own: OwnMetadata, theirs: Metadata): Buffer {
  return typeof own === "function" ? own(theirs) : own;
}

/** The body of a command's frame. */
export function encodeCommand(name: string, ...rest: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name, "latin1"), ...rest]);
}

/**
 * Reads the body of a command's frame.
 *
 * libzmq spells `ERROR` with its length octet and first letter fused (`^RRO…`, docs/zmtp.md); both spellings are read.
 *
 * @throws ProtocolError when there is no name
 */
export function decodeCommand(frame: Buffer): Command {
  if (frame.length >= 5 && frame.toString("latin1", 0, 5) === "^RROR")
    return { name: "ERROR", body: frame.subarray(5) };
  const length = frame[0] ?? 0;
  if (length === 0 || frame.length < length + 1) throw new ProtocolError("The peer sent a command without a name");
  return { name: frame.toString("latin1", 1, 1 + length), body: frame.subarray(1 + length) };
}

/** Properties in the form of `READY` and `INITIATE`. */
export function encodeMetadata(properties: Readonly<Record<string, Uint8Array | string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(properties)) {
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    const head = Buffer.alloc(1 + name.length + 4);
    head[0] = name.length;
    head.write(name, 1, "latin1");
    head.writeUInt32BE(bytes.length, 1 + name.length);
    parts.push(head, Buffer.from(bytes));
  }
  return Buffer.concat(parts);
}

/** @throws ProtocolError when the bytes are no list of properties */
export function decodeMetadata(bytes: Buffer): Metadata {
  const metadata = new Map<string, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] ?? 0);
    const valueAt = nameEnd + 4;
    if (nameEnd === at + 1 || valueAt > bytes.length) throw new ProtocolError("The peer's metadata breaks off");
    const name = bytes.toString("latin1", at + 1, nameEnd);
    const valueEnd = valueAt + bytes.readUInt32BE(nameEnd);
    if (valueEnd > bytes.length) throw new ProtocolError(`The peer's metadata breaks off in ${JSON.stringify(name)}`);
    metadata.set(name.toLowerCase(), Buffer.from(bytes.subarray(valueAt, valueEnd)));
    at = valueEnd;
  }
  return metadata;
}

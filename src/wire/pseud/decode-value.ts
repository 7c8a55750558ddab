import { isUtf8 } from "node:buffer";
import { BadRequestError, ProtocolError } from "../../errors.js";
import { Reader } from "../messagepack/reader.js";
import { ExtensionValue, MessagePackTimestamp } from "./foreign-values.js";
import type { TranslationTable } from "./translation-table.js";

/** Values nest no deeper when they are received; Python's own limit. */
export const MAX_RECEIVED_DEPTH = 1024;
/** Arrays and maps of one body: in memory each is a hundred times as large as it may be on the wire. */
export const MAX_RECEIVED_CONTAINERS = 4_000_000;

/**
 * Reads the one value that octets hold (docs/pseud-wire.md, section 2).
 *
 * @throws ProtocolError for octets that are no value, or more than one, and when an entry of the table fails
 */
export function decodeBody(octets: Uint8Array, table: TranslationTable): unknown {
  const reader = new Reader();
  reader.open(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength));
  const value = decode({ reader, table, containers: 0 }, 0);
  if (reader.at < reader.end) throw new ProtocolError("A body holds more than one value");
  return value;
}

/** A text as it is, or in UTF-8 as peers of Python 2 may send it; `undefined` for anything else. */
export function textIn(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array && isUtf8(value) ? Buffer.from(value).toString("utf8") : undefined;
}

interface Source {
  readonly reader: Reader;
  readonly table: TranslationTable;
  /** Arrays and maps so far. */
  containers: number;
}

function decode(source: Source, depth: number): unknown {
  const { reader } = source;
  const head = reader.octet();
  if (head < 0x80) return head;
  if (head >= 0xe0) return head - 0x100;
  if (head >= 0xa0 && head < 0xc0) return decodeText(reader, head & 0x1f);
  if (head < 0x90) return decodeMap(source, head & 0x0f, depth);
  if (head < 0xa0) return decodeArray(source, head & 0x0f, depth);
  switch (head) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return decodeOctets(reader, reader.unsigned(1));
    case 0xc5:
      return decodeOctets(reader, reader.unsigned(2));
    case 0xc6:
      return decodeOctets(reader, reader.unsigned(4));
    case 0xc7:
      return decodeExtension(source, reader.unsigned(1));
    case 0xc8:
      return decodeExtension(source, reader.unsigned(2));
    case 0xc9:
      return decodeExtension(source, reader.unsigned(4));
    case 0xca:
      return reader.float();
    case 0xcb:
      return reader.double();
    case 0xcc:
      return reader.unsigned(1);
    case 0xcd:
      return reader.unsigned(2);
    case 0xce:
      return reader.unsigned(4);
    case 0xcf:
      return reader.long(false);
    case 0xd0:
      return reader.signed(1);
    case 0xd1:
      return reader.signed(2);
    case 0xd2:
      return reader.signed(4);
    case 0xd3:
      return reader.long(true);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return decodeExtension(source, 1 << (head - 0xd4));
    case 0xd9:
      return decodeText(reader, reader.unsigned(1));
    case 0xda:
      return decodeText(reader, reader.unsigned(2));
    case 0xdb:
      return decodeText(reader, reader.unsigned(4));
    case 0xdc:
      return decodeArray(source, reader.unsigned(2), depth);
    case 0xdd:
      return decodeArray(source, reader.unsigned(4), depth);
    case 0xde:
      return decodeMap(source, reader.unsigned(2), depth);
    case 0xdf:
      return decodeMap(source, reader.unsigned(4), depth);
    default:
      throw new ProtocolError("A body holds the octet 0xc1, which msgpack does not use");
  }
}

function decodeText(reader: Reader, size: number): string {
  const { at } = reader;
  const text = reader.text(size);
  // What is no UTF-8 was replaced, and then shows.
  if (text.includes("\ufffd") && !isUtf8(reader.bytes.subarray(at, at + size))) {
    throw new ProtocolError("A text is not in UTF-8");
  }
  return text;
}

/** A copy: a view would keep everything alive that came along. */
function decodeOctets(reader: Reader, size: number): Uint8Array {
  return new Uint8Array(reader.take(size));
}

function decodeArray(source: Source, length: number, depth: number): unknown[] {
  requireRoom(source, length, depth);
  // It grows with what is there: arrays in arrays, each of which claims all the rest, would take memory for every one.
  const array: unknown[] = [];
  for (let index = 0; index < length; index++) array.push(decode(source, depth + 1));
  return array;
}

/** A plain object where all keys are texts, else a `Map`. */
function decodeMap(source: Source, length: number, depth: number): Record<string, unknown> | Map<unknown, unknown> {
  requireRoom(source, length * 2, depth);
  if (length === 0) return {};
  const keys: unknown[] = [];
  const values: unknown[] = [];
  let isObject = true;
  for (let index = 0; index < length; index++) {
    const key = decode(source, depth + 1);
    isObject &&= typeof key === "string";
    keys.push(key);
    values.push(decode(source, depth + 1));
  }
  if (!isObject) return new Map(keys.map((key, index) => [key, values[index]]));
  const object: Record<string, unknown> = {};
  for (const [index, name] of (keys as string[]).entries()) {
    const value = values[index];
    if (name === "__proto__") {
      // As a member like any other, not as what it means in JavaScript.
      Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    } else object[name] = value;
  }
  return object;
}

/** Each part takes an octet at least, so a length that cannot be there is found at once. */
function requireRoom(source: Source, parts: number, depth: number): void {
  if (depth >= MAX_RECEIVED_DEPTH) throw new ProtocolError(`A value nests deeper than ${MAX_RECEIVED_DEPTH} levels`);
  if (++source.containers > MAX_RECEIVED_CONTAINERS) {
    throw new ProtocolError(`A body holds more than ${MAX_RECEIVED_CONTAINERS} arrays and maps`);
  }
  source.reader.need(parts);
}

function decodeExtension({ reader, table }: Source, size: number): unknown {
  const code = reader.signed(1);
  const octets = decodeOctets(reader, size);
  if (code === -1) return decodeTimestamp(octets);
  if (code < 0) throw new ProtocolError(`There is no extension ${code}`);
  const translation = table.get(code);
  if (!translation) return new ExtensionValue(code, octets);
  try {
    return translation.unpack(octets, code);
  } catch (error) {
    throw new ProtocolError(`The translation of extension ${code} failed`, { cause: error });
  }
}

function decodeTimestamp(octets: Uint8Array): MessagePackTimestamp {
  const view = Buffer.from(octets.buffer);
  try {
    switch (view.length) {
      case 4:
        return new MessagePackTimestamp(view.readUInt32BE());
      case 8: {
        const both = view.readBigUInt64BE();
        return new MessagePackTimestamp(Number(both & (2n ** 34n - 1n)), Number(both >> 34n));
      }
      case 12: {
        const seconds = view.readBigInt64BE(4);
        const number = Number(seconds);
        return new MessagePackTimestamp(Number.isSafeInteger(number) ? number : seconds, view.readUInt32BE());
      }
      default:
        throw new BadRequestError(`A timestamp of ${view.length} octets is none`);
    }
  } catch (error) {
    if (error instanceof BadRequestError) throw new ProtocolError(error.message, { cause: error });
    throw error;
  }
}

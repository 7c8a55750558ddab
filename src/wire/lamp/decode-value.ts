import { ProtocolError } from "../../errors.js";
import { Reader } from "../messagepack/reader.js";
import type { Referral, Referrer } from "../wire.js";
import { BINARY_KINDS, type BinaryKind, Ext, MAX_DEPTH } from "./format.js";

/** Where values come from. */
export interface ValueSource {
  /** The records. */
  readonly reader: Reader;
  /** Frames of their own. */
  frames: readonly Uint8Array[];
  /** Bytes of those that were read so far; counted for ever. */
  outOfBand: number;
  /** Knows what references and streams stand for. */
  readonly referrer: Referrer | undefined;
}

/**
 * Reads a value (docs/lamp-wire.md, "Values").
 *
 * @throws ProtocolError for bytes that are none
 */
export function decodeValue(source: ValueSource, depth = 0): unknown {
  const { reader } = source;
  const head = reader.octet();
  if (head < 0x80) return head;
  if (head >= 0xe0) return head - 0x100;
  if (head >= 0xa0 && head < 0xc0) return reader.text(head & 0x1f);
  if (head < 0x90) return decodeMembers(source, head & 0x0f, depth);
  if (head < 0xa0) return decodeArray(source, head & 0x0f, depth);
  switch (head) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return reader.copy(reader.unsigned(1));
    case 0xc5:
      return reader.copy(reader.unsigned(2));
    case 0xc6:
      return reader.copy(reader.unsigned(4));
    case 0xc7:
      return decodeExtension(source, reader.unsigned(1), depth);
    case 0xc8:
      return decodeExtension(source, reader.unsigned(2), depth);
    case 0xc9:
      return decodeExtension(source, reader.unsigned(4), depth);
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
      return decodeExtension(source, 1 << (head - 0xd4), depth);
    case 0xd9:
      return reader.text(reader.unsigned(1));
    case 0xda:
      return reader.text(reader.unsigned(2));
    case 0xdb:
      return reader.text(reader.unsigned(4));
    case 0xdc:
      return decodeArray(source, reader.unsigned(2), depth);
    case 0xdd:
      return decodeArray(source, reader.unsigned(4), depth);
    case 0xde:
      return decodeMembers(source, reader.unsigned(2), depth);
    case 0xdf:
      return decodeMembers(source, reader.unsigned(4), depth);
    default:
      throw new ProtocolError("A record holds the octet 0xc1, which msgpack does not use");
  }
}

function decodeArray(source: ValueSource, length: number, depth: number): unknown[] {
  requireDepth(depth);
  // Each element takes an octet at least, so a length that is not there is found before memory is taken for it. Lengths of
  // arrays inside of each other can all be there and mean the same octets: long ones grow with what is read.
  source.reader.need(length);
  const array = new Array<unknown>(length < MAX_PREPARED ? length : 0);
  for (let index = 0; index < length; index++) array[index] = decodeValue(source, depth + 1);
  return array;
}

/** Elements for which room is made beforehand. */
const MAX_PREPARED = 1_024;

function decodeMembers(source: ValueSource, length: number, depth: number): Record<string, unknown> {
  requireDepth(depth);
  source.reader.need(length * 2);
  const object: Record<string, unknown> = {};
  for (let index = 0; index < length; index++) {
    const name = decodeName(source.reader);
    const value = decodeValue(source, depth + 1);
    if (name === "__proto__") {
      // As a member like any other, not as what it means in JavaScript.
      Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
    } else object[name] = value;
  }
  return object;
}

function decodeName(reader: Reader): string {
  const head = reader.octet();
  if (head >= 0xa0 && head < 0xc0) return reader.name(head & 0x1f);
  if (head === 0xd9) return reader.name(reader.unsigned(1));
  if (head === 0xda) return reader.text(reader.unsigned(2));
  if (head === 0xdb) return reader.text(reader.unsigned(4));
  throw new ProtocolError("The name of a member is no text");
}

function decodeExtension(source: ValueSource, size: number, depth: number): unknown {
  requireDepth(depth);
  const { reader } = source;
  const type = reader.octet();
  reader.need(size);
  const outerEnd = reader.end;
  const end = reader.at + size;
  reader.end = end;
  const value = decodeContent(source, type, depth + 1);
  if (reader.at !== end) throw new ProtocolError(`An extension of type ${type} holds more than it should`);
  reader.end = outerEnd;
  return value;
}

function decodeContent(source: ValueSource, type: number, depth: number): unknown {
  const { reader } = source;
  switch (type) {
    case Ext.undefined:
      return undefined;
    case Ext.bigint:
      return toBigInt(textOf(source, depth));
    case Ext.date:
      return new Date(numberOf(source, depth));
    case Ext.map: {
      const map = new Map<unknown, unknown>();
      while (reader.at < reader.end) map.set(decodeValue(source, depth), decodeValue(source, depth));
      return map;
    }
    case Ext.set: {
      const set = new Set<unknown>();
      while (reader.at < reader.end) set.add(decodeValue(source, depth));
      return set;
    }
    case Ext.regexp:
      return toRegExp(textOf(source, depth), textOf(source, depth));
    case Ext.url:
      return toUrl(textOf(source, depth));
    case Ext.error:
      return toError(decodeValue(source, depth));
    case Ext.binary: {
      const kind = binaryKind(reader.octet());
      return toBinary(kind, reader.copy(reader.end - reader.at));
    }
    case Ext.outOfBand: {
      const kind = binaryKind(reader.octet());
      const frame = source.frames[numberOf(source, depth) + 1];
      if (!frame) throw new ProtocolError("A record names a frame that is not there");
      source.outOfBand += frame.byteLength;
      return toBinary(kind, frame);
    }
    case Ext.reference:
      return revive(source, "reference", depth);
    case Ext.stream:
      return revive(source, "stream", depth);
    case Ext.promised:
      return revive(source, "promised", depth);
    default:
      throw new ProtocolError(`There is no extension of type ${type}`);
  }
}

function revive(source: ValueSource, kind: Referral["kind"], depth: number): unknown {
  const { reader, referrer } = source;
  const content: unknown[] = [];
  while (reader.at < reader.end) content.push(decodeValue(source, depth));
  if (!referrer) throw new ProtocolError("A reference came where none is expected");
  return referrer.revive(kind, content);
}

function requireDepth(depth: number): void {
  if (depth >= MAX_DEPTH) throw new ProtocolError(`A value nests deeper than ${MAX_DEPTH} levels`);
}

function textOf(source: ValueSource, depth: number): string {
  const value = decodeValue(source, depth);
  if (typeof value === "string") return value;
  throw new ProtocolError("An extension holds no text where one is expected");
}

function numberOf(source: ValueSource, depth: number): number {
  const value = decodeValue(source, depth);
  if (typeof value === "number") return value;
  throw new ProtocolError("An extension holds no number where one is expected");
}

function toBigInt(text: string): bigint {
  const match = /^(-?)([0-9a-f]+)$/.exec(text);
  if (!match) throw new ProtocolError("A bigint is none");
  const value = BigInt(`0x${match[2] ?? ""}`);
  return match[1] === "-" ? -value : value;
}

function toRegExp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw new ProtocolError("A regular expression is none", { cause: error });
  }
}

function toUrl(href: string): URL {
  try {
    return new URL(href);
  } catch (error) {
    throw new ProtocolError("A URL is none", { cause: error });
  }
}

/** Errors of JavaScript itself come back as such; no other class is looked up by a name from outside. */
const ERROR_CLASSES: ReadonlyMap<string, new (message: string, options?: ErrorOptions) => Error> = new Map([
  ["EvalError", EvalError],
  ["RangeError", RangeError],
  ["ReferenceError", ReferenceError],
  ["SyntaxError", SyntaxError],
  ["TypeError", TypeError],
  ["URIError", URIError],
]);

function toError(told: unknown): Error {
  if (typeof told !== "object" || told === null) throw new ProtocolError("An error is none");
  const { name, message, cause, errors, data } = told as Record<string, unknown>;
  if (typeof name !== "string" || typeof message !== "string")
    throw new ProtocolError("An error has no name or message");
  const options = cause === undefined ? undefined : { cause };
  const Class = ERROR_CLASSES.get(name) ?? Error;
  const error = Array.isArray(errors) ? new AggregateError(errors, message, options) : new Class(message, options);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  // The stack of this process would lead astray.
  Object.defineProperty(error, "stack", { value: `${name}: ${message}`, configurable: true, writable: true });
  if (typeof data === "object" && data !== null) {
    for (const [key, value] of Object.entries(data)) {
      if (RESERVED.has(key)) continue;
      Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
    }
  }
  return error;
}

const RESERVED: ReadonlySet<string> = new Set([
  "name",
  "message",
  "stack",
  "cause",
  "errors",
  "constructor",
  "__proto__",
]);

function binaryKind(octet: number): BinaryKind {
  const kind = BINARY_KINDS[octet];
  if (!kind) throw new ProtocolError(`There is no binary value of kind ${octet}`);
  return kind;
}

type TypedArray = new (buffer: ArrayBufferLike, offset: number, length: number) => unknown;

const TYPED_ARRAYS: Partial<Record<BinaryKind, TypedArray & { readonly BYTES_PER_ELEMENT: number }>> = {
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};

/** @param octets - may be a view; it becomes the value's memory where alignment allows it */
function toBinary(kind: BinaryKind, octets: Uint8Array): unknown {
  const { buffer, byteOffset, byteLength } = octets;
  switch (kind) {
    case "Uint8Array":
      return new Uint8Array(buffer, byteOffset, byteLength);
    case "Buffer":
      return Buffer.from(buffer, byteOffset, byteLength);
    case "ArrayBuffer":
      return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
    case "DataView":
      return new DataView(buffer, byteOffset, byteLength);
    default: {
      const Class = TYPED_ARRAYS[kind];
      const size = Class?.BYTES_PER_ELEMENT ?? 1;
      if (!Class || byteLength % size !== 0) throw new ProtocolError(`A ${kind} of ${byteLength} octets is none`);
      if (byteOffset % size === 0) return new Class(buffer, byteOffset, byteLength / size);
      return new Class(buffer.slice(byteOffset, byteOffset + byteLength), 0, byteLength / size);
    }
  }
}

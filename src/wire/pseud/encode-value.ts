import { types } from "node:util";
import { BadRequestError } from "../../errors.js";
import { Writer } from "../messagepack/writer.js";
import { ExtensionValue, MessagePackTimestamp, PythonFloat } from "./foreign-values.js";
import type { TranslationTable } from "./translation-table.js";
import { nameOf, pathOf } from "./value-path.js";

/** Values nest no deeper when they are sent; Python's own limit, which it keeps when it sends them back. */
export const MAX_SENT_DEPTH = 512;

/**
 * The octets of one value (docs/pseud-wire.md, section 2).
 *
 * @param root - what the value is called in paths, such as `result`
 * @throws BadRequestError, `not-sent`, with the path of what cannot travel
 */
export function encodeBody(value: unknown, table: TranslationTable, root: string): Buffer {
  const writer = new Writer();
  encodeValue(writer, value, table, root);
  return writer.take();
}

/**
 * Writes one value (docs/pseud-wire.md, section 2).
 *
 * @param root - what the value is called in paths, such as `args`
 * @param depth - how many arrays and maps it stands in already
 * @throws BadRequestError, `not-sent`, with the path of what cannot travel; what was written up to there is of no use
 */
export function encodeValue(writer: Writer, value: unknown, table: TranslationTable, root: string, depth = 0): void {
  const sink: Sink = { writer, table, depth, above: [], steps: [] };
  try {
    encode(sink, value);
  } catch (error) {
    if (!(error instanceof Untransportable)) throw error;
    const { above, steps } = sink;
    throw new BadRequestError(`${pathOf(root, above, steps)} ${error.message}`, { cause: error.cause });
  }
}

interface Sink {
  readonly writer: Writer;
  readonly table: TranslationTable;
  /** Arrays and maps around the whole value. */
  readonly depth: number;
  /** The containers on the way to what is being written. */
  readonly above: object[];
  /** In each of them where the way goes on: the name of a member, or the position in an array or a Map. */
  readonly steps: (string | number)[];
}

/** Thrown for what cannot travel; the text goes on from its path. */
class Untransportable extends Error {}

/** Any half of a surrogate pair that stands alone. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const MIN_INTEGER = -(2n ** 63n);
const MAX_INTEGER = 2n ** 64n - 1n;

function encode(sink: Sink, value: unknown): void {
  const { writer } = sink;
  switch (typeof value) {
    case "string":
      encodeText(sink, value, "is a text with half of a surrogate pair");
      break;
    case "number":
      writer.number(value);
      break;
    case "boolean":
      writer.boolean(value);
      break;
    case "undefined":
      writer.nil();
      break;
    case "object":
      if (value === null) writer.nil();
      else encodeObject(sink, value);
      break;
    case "bigint":
      if (value >= MIN_INTEGER && value <= MAX_INTEGER) encodeBigInt(writer, value);
      else encodeByTable(sink, value);
      break;
    default:
      encodeByTable(sink, value);
  }
}

function encodeText(sink: Sink, value: string, complaint: string): void {
  if (LONE_SURROGATE.test(value)) throw new Untransportable(complaint);
  sink.writer.text(value);
}

function encodeBigInt(writer: Writer, value: bigint): void {
  const number = Number(value);
  if (Number.isSafeInteger(number)) {
    writer.number(number);
    return;
  }
  const octets = Buffer.alloc(9);
  octets[0] = value < 0n ? 0xd3 : 0xcf;
  octets.writeBigUInt64BE(BigInt.asUintN(64, value), 1);
  writer.raw(octets);
}

function encodeObject(sink: Sink, value: object): void {
  const { writer } = sink;
  if (Array.isArray(value)) {
    enter(sink, value);
    writer.array(value.length);
    for (let index = 0; index < value.length; index++) encodeMember(sink, index, value[index]);
    leave(sink);
  } else if (isPlain(value)) {
    enter(sink, value);
    const names = Object.keys(value);
    writer.map(names.length);
    for (const name of names) {
      sink.steps[sink.above.length - 1] = name;
      encodeText(sink, name, "has half of a surrogate pair in its name");
      encode(sink, (value as Record<string, unknown>)[name]);
    }
    leave(sink);
  } else if (types.isMap(value)) encodeMap(sink, value);
  else if (types.isUint8Array(value)) writer.binary(value);
  else if (types.isArrayBuffer(value)) writer.binary(new Uint8Array(value));
  else if (PythonFloat.is(value)) writer.double(value.value);
  else if (ExtensionValue.is(value)) encodeExtension(writer, value.code, value.data);
  else if (MessagePackTimestamp.is(value)) encodeTimestamp(writer, value);
  else encodeByTable(sink, value);
}

function encodeMap(sink: Sink, map: Map<unknown, unknown>): void {
  enter(sink, map);
  sink.writer.map(map.size);
  let index = 0;
  for (const [key, value] of map) {
    sink.steps[sink.above.length - 1] = index;
    if (typeof key === "string") encodeText(sink, key, "has half of a surrogate pair in its key");
    else if (types.isUint8Array(key)) sink.writer.binary(key);
    else throw new Untransportable("has a key that is neither a text nor octets, and Python takes no other");
    encode(sink, value);
    index++;
  }
  leave(sink);
}

function encodeMember(sink: Sink, step: number, value: unknown): void {
  sink.steps[sink.above.length - 1] = step;
  encode(sink, value);
}

function enter(sink: Sink, container: object): void {
  const { above, steps } = sink;
  if (above.length + sink.depth >= MAX_SENT_DEPTH) {
    const again = above.findIndex((one, index) => above.indexOf(one) < index);
    if (again < 0) {
      above.length = 0;
      throw new Untransportable(`nests deeper than ${MAX_SENT_DEPTH} levels`);
    }
    // The way to the second time that it came by: all that follows is the same again.
    above.length = again;
    throw new Untransportable("leads back to itself");
  }
  above.push(container);
  steps.length = above.length;
}

function leave(sink: Sink): void {
  sink.above.pop();
}

/**
 * Is it an object like those of a literal? Proxies of remote things have no prototype either, but a constructor, and are no
 * data.
 */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return !(Symbol.asyncIterator in value);
  const { constructor } = value as { readonly constructor?: unknown };
  return prototype === null && (constructor === undefined || Object.hasOwn(value, "constructor"));
}

/** What the wire itself has nothing for. */
function encodeByTable(sink: Sink, value: unknown): void {
  const { table, writer } = sink;
  const code = table.codeFor(value);
  const translation = code === undefined ? undefined : table.get(code);
  if (code === undefined || !translation) throw new Untransportable(`is ${nameOf(value)}`);
  let octets: unknown;
  try {
    octets = translation.pack(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "its packer failed";
    throw new Untransportable(`cannot be packed as extension ${code}: ${reason}`, { cause: error });
  }
  if (!types.isUint8Array(octets)) throw new Untransportable(`was not packed into octets for extension ${code}`);
  encodeExtension(writer, code, octets);
}

/** Sizes of extensions that need no octet to tell them, in the order of their headers from d4 on. */
const FIXED_SIZES: readonly number[] = [1, 2, 4, 8, 16];

function encodeExtension(writer: Writer, code: number, octets: Uint8Array): void {
  const size = octets.byteLength;
  const fixed = FIXED_SIZES.indexOf(size);
  if (fixed >= 0) {
    writer.octet(0xd4 + fixed);
    writer.octet(code);
    writer.raw(octets);
  } else if (size < 0x100) {
    writer.smallExtension(code, size);
    writer.raw(octets);
  } else {
    const begun = writer.beginExtension(code);
    writer.raw(octets);
    writer.endExtension(begun);
  }
}

/** Code of msgpack's own timestamp: −1. */
const TIMESTAMP = 0xff;

function encodeTimestamp(writer: Writer, { seconds, nanoseconds }: MessagePackTimestamp): void {
  const long = BigInt(seconds);
  if (long >= 0n && long < 2n ** 34n) {
    const both = (BigInt(nanoseconds) << 34n) | long;
    const octets = Buffer.alloc(8);
    octets.writeBigUInt64BE(both);
    encodeExtension(writer, TIMESTAMP, both < 2n ** 32n ? octets.subarray(4) : octets);
  } else {
    const octets = Buffer.alloc(12);
    octets.writeUInt32BE(nanoseconds);
    octets.writeBigInt64BE(long, 4);
    encodeExtension(writer, TIMESTAMP, octets);
  }
}

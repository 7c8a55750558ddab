import type { Writer } from "../messagepack/writer.js";
import type { Referrer } from "../wire.js";
import { BINARY_KINDS, type BinaryKind, Ext, MAX_DEPTH, OUT_OF_BAND_BYTES } from "./format.js";

/** Where a value is written to. */
export interface ValueSink {
  /** Takes everything but large binary values. */
  readonly writer: Writer;
  /** Takes those: they travel as frames of their own. */
  readonly frames: Uint8Array[];
  /** Stands for functions, streams and the like. */
  readonly referrer: Referrer | undefined;
}

/** Thrown for a value that cannot travel; the caller finds out where it stands. */
export class Untransportable extends Error {}

/**
 * Writes a value, whatever it is made of (docs/lamp-wire.md, "Values").
 *
 * @throws Untransportable for symbols, promises, cycles and the like
 */
export function encodeValue(sink: ValueSink, value: unknown, depth = 0): void {
  const { writer } = sink;
  switch (typeof value) {
    case "string":
      writer.text(value);
      break;
    case "number":
      writer.number(value);
      break;
    case "boolean":
      writer.boolean(value);
      break;
    case "object":
      if (value === null) writer.nil();
      else encodeObject(sink, value, depth);
      break;
    case "undefined":
      writer.smallExtension(Ext.undefined, 0);
      break;
    case "bigint":
      encodeText(writer, Ext.bigint, value.toString(16));
      break;
    case "function":
      if (!encodeReferral(sink, value)) throw new Untransportable();
      break;
    default:
      throw new Untransportable();
  }
}

function encodeObject(sink: ValueSink, value: object, depth: number): void {
  if (depth >= MAX_DEPTH) throw new Untransportable();
  const { writer } = sink;
  if (Array.isArray(value)) {
    const { length } = value;
    writer.array(length);
    for (let index = 0; index < length; index++) encodeValue(sink, value[index], depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // Proxies of remote things have no prototype, so that what has none is looked at as an instance is.
  const isPlain = prototype === Object.prototype && !(Symbol.asyncIterator in value);
  if (isPlain) encodeMembers(sink, value, depth);
  else encodeInstance(sink, value, depth);
}

function encodeMembers(sink: ValueSink, value: object, depth: number): void {
  const { writer } = sink;
  const names = Object.keys(value);
  writer.map(names.length);
  for (const name of names) {
    writer.text(name);
    encodeValue(sink, (value as Record<string, unknown>)[name], depth + 1);
  }
}

/** Anything that is neither array nor plain object. */
function encodeInstance(sink: ValueSink, value: object, depth: number): void {
  const { writer } = sink;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) encodeBinary(sink, value);
  else if (value instanceof Date) {
    writer.smallExtension(Ext.date, 9);
    writer.double(value.getTime());
  } else if (value instanceof Map) {
    const begun = writer.beginExtension(Ext.map);
    for (const [key, member] of value) {
      encodeValue(sink, key, depth + 1);
      encodeValue(sink, member, depth + 1);
    }
    writer.endExtension(begun);
  } else if (value instanceof Set) {
    const begun = writer.beginExtension(Ext.set);
    for (const member of value) encodeValue(sink, member, depth + 1);
    writer.endExtension(begun);
  } else if (value instanceof RegExp) encodeText(writer, Ext.regexp, value.source, value.flags);
  else if (value instanceof URL) encodeText(writer, Ext.url, value.href);
  else if (value instanceof Error) {
    const begun = writer.beginExtension(Ext.error);
    encodeValue(sink, describeError(value), depth + 1);
    writer.endExtension(begun);
  } else if (encodeReferral(sink, value)) return;
  else if (isBoxed(value)) encodeValue(sink, value.valueOf(), depth);
  else if (isOpaque(value)) throw new Untransportable();
  else encodeOwn(sink, value, depth);
}

/** An instance of a class: what it makes of itself for JSON, else its own members. The class does not travel. */
function encodeOwn(sink: ValueSink, value: object, depth: number): void {
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") {
    encodeValue(sink, (toJSON as () => unknown).call(value), depth + 1);
  } else encodeMembers(sink, value, depth);
}

/** What travels of an error: name, message, cause and its own enumerable members; its stack stays here. */
export function describeError(error: Error): Record<string, unknown> {
  const told: Record<string, unknown> = { name: error.name, message: error.message };
  if (error.cause !== undefined) told.cause = error.cause;
  if (error instanceof AggregateError) told.errors = error.errors;
  const data: Record<string, unknown> = {};
  let count = 0;
  for (const [name, member] of Object.entries(error)) {
    if (name === "name" || name === "message" || name === "stack" || name === "cause" || name === "errors") continue;
    data[name] = member;
    count++;
  }
  if (count > 0) told.data = data;
  return told;
}

function encodeBinary(sink: ValueSink, value: ArrayBufferView | ArrayBuffer): void {
  const { writer } = sink;
  const kind = binaryKind(value);
  const octets =
    value instanceof Uint8Array
      ? value
      : value instanceof ArrayBuffer
        ? new Uint8Array(value)
        : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (octets.byteLength >= OUT_OF_BAND_BYTES) {
    const begun = writer.beginExtension(Ext.outOfBand);
    writer.octet(kind);
    writer.unsigned(sink.frames.length);
    writer.endExtension(begun);
    sink.frames.push(octets);
  } else if (kind === 0) writer.binary(octets);
  else {
    const begun = writer.beginExtension(Ext.binary);
    writer.octet(kind);
    writer.raw(octets);
    writer.endExtension(begun);
  }
}

function binaryKind(value: ArrayBufferView | ArrayBuffer): number {
  // Most are these, and to ask by name costs more than to write them.
  if (Object.getPrototypeOf(value) === Uint8Array.prototype) return 0;
  if (Buffer.isBuffer(value)) return BINARY_KINDS.indexOf("Buffer");
  const kind = BINARY_KINDS.indexOf(Object.prototype.toString.call(value).slice(8, -1) as BinaryKind);
  if (kind < 0) throw new Untransportable();
  return kind;
}

function encodeReferral(sink: ValueSink, value: object): boolean {
  const referral = sink.referrer?.refer(value);
  if (!referral) return false;
  const begun = sink.writer.beginExtension(Ext[referral.kind]);
  for (const part of referral.content) encodeValue(sink, part, MAX_DEPTH - 2);
  sink.writer.endExtension(begun);
  return true;
}

function encodeText(writer: Writer, type: number, ...texts: readonly string[]): void {
  const begun = writer.beginExtension(type);
  for (const text of texts) writer.text(text);
  writer.endExtension(begun);
}

function isBoxed(value: object): boolean {
  return value instanceof Number || value instanceof String || value instanceof Boolean;
}

/** Things whose members say nothing of them. */
function isOpaque(value: object): boolean {
  return (
    Symbol.asyncIterator in value ||
    value instanceof Promise ||
    value instanceof WeakMap ||
    value instanceof WeakSet ||
    value instanceof WeakRef ||
    (typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer)
  );
}

/**
 * Where in a value something stands that cannot travel, and what it is. Only asked when {@link encodeValue} has failed.
 *
 * @returns `undefined` when there is nothing of the kind
 */
export function findUntransportable(
  value: unknown,
  path: string,
  referrer: ValueSink["referrer"],
  above: readonly object[] = [],
): string | undefined {
  if (typeof value === "symbol") return `${path} is a symbol`;
  if (typeof value === "function") return referrer?.refers(value) ? undefined : `${path} is a function`;
  if (typeof value !== "object" || value === null) return undefined;
  if (above.includes(value)) return `${path} leads back to itself`;
  if (above.length >= MAX_DEPTH) return `${path} nests deeper than ${MAX_DEPTH} levels`;
  if (referrer?.refers(value)) return undefined;
  if (value instanceof Promise) return `${path} is a Promise (await it first)`;
  if (Symbol.asyncIterator in value) return `${path} is a stream`;
  if (isOpaque(value)) return `${path} is a ${value.constructor.name}`;
  for (const [step, member] of membersOf(value)) {
    const found = findUntransportable(member, path + step, referrer, [...above, value]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function membersOf(value: object): [string, unknown][] {
  if (ArrayBuffer.isView(value)) return [];
  if (Array.isArray(value)) return value.map((member, index) => [`[${index}]`, member as unknown]);
  if (value instanceof Map) {
    return [...value].flatMap(([key, member], index): [string, unknown][] => [
      [`.keys()[${index}]`, key],
      [typeof key === "string" ? `.get(${JSON.stringify(key)})` : `.values()[${index}]`, member],
    ]);
  }
  if (value instanceof Set) return [...value].map((member, index) => [`.values()[${index}]`, member as unknown]);
  const members = value instanceof Error ? describeError(value) : value;
  return Object.entries(members).map(([name, member]) => [
    /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`,
    member as unknown,
  ]);
}

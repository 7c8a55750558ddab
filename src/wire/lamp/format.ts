/**
 * Numbers of the lamp wire, version 1 (docs/lamp-wire.md).
 */

/** First octets of each message's first frame. 0xc1 begins no msgpack value, and no other wire's message. */
export const MAGIC: readonly number[] = [0xc1, 0x4c, 0x50];
/** Octets before the first record: the magic, one octet of flags, the sender's clock, the number of messages it has read. */
export const HEADER_BYTES = 12;
/** Flag of a batch that holds calls of other calls' results. */
export const FLAG_PROMISED = 1;
/** The version that this implementation speaks, the only one by now. */
export const VERSION = 1;

/** First element of each record. */
export const Kind = {
  hello: 0,
  call: 1,
  result: 2,
  error: 3,
  cancel: 4,
  item: 5,
  end: 6,
  credit: 7,
  release: 8,
  ping: 9,
  pong: 10,
  goodbye: 11,
  stop: 12,
} as const;

/** Types of msgpack extensions: values that msgpack itself has not. */
export const Ext = {
  undefined: 1,
  bigint: 2,
  date: 3,
  map: 4,
  set: 5,
  regexp: 6,
  url: 7,
  error: 8,
  binary: 9,
  outOfBand: 10,
  reference: 11,
  stream: 12,
  promised: 13,
} as const;

/** Kinds of binary values. */
export type BinaryKind =
  | "Uint8Array"
  | "Buffer"
  | "ArrayBuffer"
  | "DataView"
  | "Int8Array"
  | "Uint8ClampedArray"
  | "Int16Array"
  | "Uint16Array"
  | "Int32Array"
  | "Uint32Array"
  | "Float32Array"
  | "Float64Array"
  | "BigInt64Array"
  | "BigUint64Array";

/** The same by position; the number travels. A `Uint8Array` is msgpack's own `bin`. */
export const BINARY_KINDS: readonly BinaryKind[] = [
  "Uint8Array",
  "Buffer",
  "ArrayBuffer",
  "DataView",
  "Int8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
];

/** Binary values from this size on travel as frames of their own, without a copy; in bytes. */
export const OUT_OF_BAND_BYTES: number = 16 * 1024;
/** Values nest no deeper. */
export const MAX_DEPTH = 128;

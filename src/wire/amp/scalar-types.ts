import { isUtf8 } from "node:buffer";
import { posix, resolve, win32 } from "node:path";
import { types } from "node:util";
import { AmpDateTime } from "./date-time.js";
import { AmpDecimal } from "./decimal.js";
import { floatOf, floatText } from "./float-text.js";
import { writeText } from "./octets.js";
import type { AmpType } from "./type.js";
import { kindOf, MalformedValueError, WrongValueError } from "./wrong-value.js";

/** Octets as they are (docs/amp-wire.md, section 3): Twisted's `String`, asyncio-amp's `Bytes`. Those received are a copy. */
export function bytes(): AmpType<Uint8Array | ArrayBuffer, Uint8Array> {
  return BYTES;
}

/** A text, in UTF-8 (docs/amp-wire.md, section 3): Twisted's `Unicode`, asyncio-amp's `String`. */
export function unicode(): AmpType<string> {
  return UNICODE;
}

/** `True` or `False` (docs/amp-wire.md, section 3). */
export function boolean(): AmpType<boolean> {
  return BOOLEAN;
}

/** As what integers are received. */
export interface IntegerOptions<As extends "number" | "bigint"> {
  /**
   * `number`: always, and what is beyond 2⁵³ − 1 either way cannot be read; `bigint`: always. Default: a number up to there and a
   * bigint beyond.
   */
  readonly as: As;
}

/**
 * A whole number of any size (docs/amp-wire.md, section 3). Sent are numbers that are whole and exact, and bigints; received are
 * numbers, and bigints beyond 2⁵³ − 1 either way, or what the options say.
 */
export function integer(): AmpType<number | bigint>;
/** As numbers only: an integer that is not exact as one cannot be read. */
export function integer(options: IntegerOptions<"number">): AmpType<number | bigint, number>;
/** As bigints only. */
export function integer(options: IntegerOptions<"bigint">): AmpType<number | bigint, bigint>;
export function integer(options?: IntegerOptions<"number" | "bigint">): AmpType<number | bigint> {
  return {
    encode: encodeInteger,
    decode(octets) {
      const short = shortInteger(octets);
      if (short !== undefined) return options?.as === "bigint" ? BigInt(short) : short;
      const value = decodeInteger(octets);
      if (options?.as === "bigint") return value;
      const number = Number(value);
      if (Number.isSafeInteger(number)) return number;
      if (options) throw new MalformedValueError("is beyond the integers that a number holds exactly");
      return value;
    },
  };
}

/** A number, always written with a point or an exponent (docs/amp-wire.md, section 3). NaN, the infinities and −0 travel. */
export function float(): AmpType<number> {
  return FLOAT;
}

/**
 * A decimal number of any precision (docs/amp-wire.md, section 3). Sent are {@link AmpDecimal}s, texts such as `1.10`, and bigints, but no
 * numbers, which are seldom the decimal number that they are meant to be.
 */
export function decimal(): AmpType<AmpDecimal | string | bigint, AmpDecimal> {
  return DECIMAL;
}

/** A point in time with its offset from UTC (docs/amp-wire.md, section 3). A `Date` is sent as one in UTC. */
export function dateTime(): AmpType<AmpDateTime | Date, AmpDateTime> {
  return DATE_TIME;
}

/**
 * The path of a file, absolute (docs/amp-wire.md, section 3). A relative one is made absolute by the current folder of this process, sent or
 * received; an absolute one is left as it is, be it of Windows or not.
 */
export function path(): AmpType<string> {
  return PATH;
}

/**
 * An open file that is passed over a unix socket: Twisted's `Descriptor`, which Node.js can neither send nor receive. For commands that
 * declare one: they can be defined, and called where it is optional and left out; anything else fails and says why.
 */
export function descriptor(): AmpType<never> {
  return DESCRIPTOR;
}

const DESCRIPTOR: AmpType<never> = {
  encode() {
    throw new WrongValueError(
      "is an open file, and Node.js cannot pass one to another process: send a path, or what is in it",
    );
  },
  decode() {
    throw new MalformedValueError("is the number of an open file, which Node.js cannot take over");
  },
};

const BYTES: AmpType<Uint8Array | ArrayBuffer, Uint8Array> = {
  encode(value) {
    if (types.isUint8Array(value)) return value;
    if (types.isArrayBuffer(value)) return new Uint8Array(value);
    throw new WrongValueError(`is ${kindOf(value)}, not octets (a Uint8Array)`);
  },
  decode: (octets) => new Uint8Array(octets),
};

const UNICODE: AmpType<string> = {
  encode(value: unknown) {
    if (typeof value !== "string") throw new WrongValueError(`is ${kindOf(value)}, not a text`);
    if (LONE_SURROGATE.test(value)) throw new WrongValueError("is a text with half of a surrogate pair");
    return Buffer.from(value);
  },
  decode(octets) {
    if (!isUtf8(octets)) throw new MalformedValueError("is not in UTF-8");
    return textOf(octets, "utf8");
  },
};

const BOOLEAN: AmpType<boolean> = {
  encode(value: unknown) {
    if (typeof value !== "boolean") throw new WrongValueError(`is ${kindOf(value)}, not a boolean`);
    return asciiOf(value ? "True" : "False");
  },
  decode(octets) {
    const text = textOf(octets, "latin1");
    if (text !== "True" && text !== "False") throw new MalformedValueError("is neither True nor False");
    return text === "True";
  },
};

const FLOAT: AmpType<number> = {
  encode(value: unknown) {
    if (typeof value !== "number") throw new WrongValueError(`is ${kindOf(value)}, not a number`);
    return asciiOf(floatText(value));
  },
  decode(octets) {
    const value = floatOf(textOf(octets, "latin1"));
    if (value === undefined) throw new MalformedValueError("is no float");
    return value;
  },
};

const DECIMAL: AmpType<AmpDecimal | string | bigint, AmpDecimal> = {
  encode(value: unknown) {
    if (AmpDecimal.is(value)) return Buffer.from(value.toString());
    if (typeof value === "number") throw new WrongValueError("is a number, not a decimal number: send a text");
    if (typeof value !== "string" && typeof value !== "bigint") {
      throw new WrongValueError(`is ${kindOf(value)}, not a decimal number`);
    }
    return Buffer.from(new AmpDecimal(value).toString());
  },
  decode: (octets) => new AmpDecimal(textOf(octets, "latin1")),
};

const DATE_TIME: AmpType<AmpDateTime | Date, AmpDateTime> = {
  encode(value: unknown) {
    if (AmpDateTime.is(value)) return Buffer.from(value.toString());
    if (types.isDate(value)) return Buffer.from(AmpDateTime.fromDate(value).toString());
    throw new WrongValueError(`is ${kindOf(value)}, not a Date or AmpDateTime`);
  },
  decode: (octets) => AmpDateTime.parse(textOf(octets, "latin1")),
};

const PATH: AmpType<string> = {
  encode(value: unknown) {
    if (typeof value !== "string") throw new WrongValueError(`is ${kindOf(value)}, not a path`);
    if (value === "") throw new WrongValueError("is an empty path");
    return UNICODE.encode(absolute(value));
  },
  decode: (octets) => absolute(UNICODE.decode(octets)),
};

function absolute(file: string): string {
  return posix.isAbsolute(file) || win32.isAbsolute(file) ? file : resolve(file);
}

function encodeInteger(value: unknown): Uint8Array {
  if (typeof value === "bigint") return asciiOf(String(value));
  if (typeof value !== "number") throw new WrongValueError(`is ${kindOf(value)}, not an integer`);
  if (!Number.isInteger(value)) throw new WrongValueError(`is ${value}, not an integer`);
  if (!Number.isSafeInteger(value)) {
    throw new WrongValueError("is a number beyond 2⁵³ − 1, which may be not the integer that was meant: send a bigint");
  }
  return asciiOf(String(value));
}

/** What nearly all integers are: digits, maybe after a minus, and few enough for a number. `undefined` for anything else. */
function shortInteger(octets: Uint8Array): number | undefined {
  const isNegative = octets[0] === MINUS;
  const begin = isNegative ? 1 : 0;
  if (octets.length === begin || octets.length > MAX_SHORT) return undefined;
  let value = 0;
  for (let at = begin; at < octets.length; at++) {
    const digit = (octets[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  // Zero has no sign.
  return isNegative && value > 0 ? -value : value;
}

function decodeInteger(octets: Uint8Array): bigint {
  const [, sign, digits] = INTEGER.exec(textOf(octets, "latin1")) ?? [];
  if (digits === undefined) throw new MalformedValueError("is no integer");
  const value = BigInt(digits.replaceAll("_", ""));
  return sign === "-" ? -value : value;
}

/** The octets of a text in ASCII. */
function asciiOf(text: string): Buffer {
  const octets = Buffer.allocUnsafe(text.length);
  writeText(octets, text, 0);
  return octets;
}

function textOf(octets: Uint8Array, encoding: "utf8" | "latin1"): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString(encoding);
}

const ZERO = 0x30;
const MINUS = 0x2d;
/** As many octets are exact as a number, whatever they are. */
const MAX_SHORT = 15;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** White space around, a sign, single `_` between digits. */
const INTEGER = /^[\t-\r ]*([+-])?(\d+(?:_\d+)*)[\t-\r ]*$/;

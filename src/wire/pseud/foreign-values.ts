import { BadRequestError } from "../../errors.js";
import { brand, brandOf, hasBrand } from "../../util/shared.js";

/**
 * A number that Python is to get as a `float` even when it is whole: `new PythonFloat(3)` arrives as `3.0`, where 3 arrives as
 * an `int` (docs/pseud-wire.md, section 2). Floats come back as plain numbers.
 */
export class PythonFloat {
  /** The number. */
  readonly value: number;

  /**
   * Marks a number.
   *
   * @throws BadRequestError for anything else
   */
  constructor(value: number) {
    if (typeof value !== "number") throw new BadRequestError("A PythonFloat is made of a number");
    this.value = value;
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is PythonFloat {
    return hasBrand(value, FLOAT);
  }

  /** The number itself, for arithmetic. */
  valueOf(): number {
    return this.value;
  }
}

const FLOAT = brandOf("PythonFloat");
brand(PythonFloat.prototype, FLOAT);

/**
 * A value of a type that nobody here knows: what a msgpack extension without an entry in the translation table comes as, and
 * dates whose pickle is not one of those that are read. It goes back as it came.
 */
export class ExtensionValue {
  /** The type, 0 to 127. */
  readonly code: number;
  /** The octets. */
  readonly data: Uint8Array;

  /**
   * Makes one.
   *
   * @throws BadRequestError for another code than 0 to 127
   */
  constructor(code: number, data: Uint8Array) {
    if (!Number.isInteger(code) || code < 0 || code > 127) {
      throw new BadRequestError(`The code of an extension is 0 to 127, not ${String(code)}`);
    }
    this.code = code;
    this.data = data;
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is ExtensionValue {
    return hasBrand(value, EXTENSION);
  }
}

const EXTENSION = brandOf("ExtensionValue");
brand(ExtensionValue.prototype, EXTENSION);

/**
 * msgpack's own timestamp, extension −1: a point in time in nanoseconds. Python peers have it as `msgpack.Timestamp`, not as a
 * datetime.
 */
export class MessagePackTimestamp {
  /** Seconds since 1970, with a sign, in 64 bits; a bigint beyond 2⁵³. */
  readonly seconds: number | bigint;
  /** Nanoseconds on top, 0 to 999999999. */
  readonly nanoseconds: number;

  /**
   * Makes one.
   *
   * @throws BadRequestError for numbers that are not whole, or out of range
   */
  constructor(seconds: number | bigint, nanoseconds = 0) {
    const isWhole =
      typeof seconds === "bigint" ? BigInt.asIntN(64, seconds) === seconds : Number.isSafeInteger(seconds);
    if (!isWhole) throw new BadRequestError("The seconds of a timestamp are a whole number of 64 bits");
    if (!Number.isInteger(nanoseconds) || nanoseconds < 0 || nanoseconds > 999_999_999) {
      throw new BadRequestError(`The nanoseconds of a timestamp are 0 to 999999999, not ${String(nanoseconds)}`);
    }
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is MessagePackTimestamp {
    return hasBrand(value, TIMESTAMP);
  }

  /** The same as a `Date`, rounded down to milliseconds; an invalid one beyond the years that a `Date` can hold. */
  toDate(): Date {
    return new Date(Number(this.seconds) * 1000 + Math.floor(this.nanoseconds / 1_000_000));
  }
}

const TIMESTAMP = brandOf("MessagePackTimestamp");
brand(MessagePackTimestamp.prototype, TIMESTAMP);

import { types } from "node:util";
import { ConfigurationError, ProtocolError } from "../../errors.js";
import { PythonDate, PythonDateTime } from "./dates.js";
import { ExtensionValue } from "./foreign-values.js";
import { readPickle } from "./pickle-reader.js";
import { writePickle } from "./pickle-writer.js";
import { PythonTimeDelta } from "./time-delta.js";
import { PythonTimeZone } from "./time-zone.js";

/**
 * How values of a type of the application's own travel; both ends have to agree on it. `type` or `test` says which values it is
 * for. That is asked only for values that the wire cannot carry otherwise, so never for numbers, texts, octets, arrays, Maps and
 * plain objects.
 */
export type Translation<T = unknown> = (ByType<T> | ByTest) & Packing<T>;

/** Any class whose objects are of a type. */
export type AnyClass<T> = abstract new (...args: never[]) => T;

/** For the instances of a class, and of those derived from it. */
export interface ByType<T> {
  /** The class. */
  readonly type: AnyClass<T>;
}

/** For what a test says. */
export interface ByTest {
  /** Is it one? */
  readonly test: (value: unknown) => boolean;
}

/** To octets and back. */
export interface Packing<T> {
  /** The octets that stand for a value. */
  pack(value: T): Uint8Array;
  /**
   * The value that octets stand for.
   *
   * @param octets - its own to keep
   * @param code - under which they came
   */
  unpack(octets: Uint8Array, code: number): unknown;
}

/** Highest code of an extension. */
const MAX_CODE = 127;
/** Codes of Python's dates. */
const Code = { timeZone: 123, timeDelta: 124, dateTime: 125, date: 126 } as const;

/**
 * Which types travel as which msgpack extension (docs/pseud-wire.md, section 2). Each endpoint has its own. One that has
 * everything for dates is what a new one begins with; entries of the application's own take their place where the codes are the same.
 */
export class TranslationTable {
  readonly #byCode = new Map<number, Translation>(DATES);
  /** In the order in which they are tried. */
  #codes: number[] = [];

  /**
   * Makes one.
   *
   * @param own - entries by code, 0 to 127, in place of those that are there by default
   * @throws ConfigurationError for another code
   */
  constructor(own: Readonly<Record<number, Translation>> = {}) {
    for (const [code, translation] of Object.entries(own)) this.#set(Number(code), translation);
    this.#sort();
  }

  /**
   * Adds an entry.
   *
   * @param code - 0 to 127
   * @throws ConfigurationError for another code, and for one that has an entry
   */
  add<T>(code: number, translation: Translation<T>): void {
    if (this.#byCode.has(code)) throw new ConfigurationError(`The extension ${code} has a translation already`);
    this.#set(code, translation);
    this.#sort();
  }

  /** The entry of a code, if it has one. */
  get(code: number): Translation | undefined {
    return this.#byCode.get(code);
  }

  /** The code of the first entry, in ascending order, that is for a value; `undefined` if there is none. */
  codeFor(value: unknown): number | undefined {
    return this.#codes.find((code) => {
      const translation = this.#byCode.get(code);
      if (!translation) return false;
      return "type" in translation ? value instanceof translation.type : translation.test(value);
    });
  }

  #set(code: number, translation: Translation): void {
    if (!Number.isInteger(code) || code < 0 || code > MAX_CODE) {
      throw new ConfigurationError(`The code of an extension is 0 to ${MAX_CODE}, not ${code}`);
    }
    this.#byCode.set(code, translation);
  }

  #sort(): void {
    this.#codes = [...this.#byCode.keys()].sort((one, other) => one - other);
  }
}

/**
 * A `Date` is an aware datetime in UTC, and such a datetime is a `Date`; every other comes as what it is. Pickles that are not
 * read come as they are, so that one strange value does not take its whole message with it.
 */
function unpackDate(octets: Uint8Array, code: number): unknown {
  try {
    const value = readPickle(octets);
    const isDate = value instanceof PythonDateTime && value.zone?.isUtc === true && value.fold === 0;
    return isDate ? value.toDate() : value;
  } catch (error) {
    if (error instanceof ProtocolError) return new ExtensionValue(code, octets);
    throw error;
  }
}

function packDateTime(value: Date | PythonDateTime): Uint8Array {
  return writePickle(types.isDate(value) ? PythonDateTime.fromDate(value) : value);
}

const DATES: readonly (readonly [number, Translation])[] = [
  [Code.timeZone, { test: (value) => PythonTimeZone.is(value), pack: writePickle, unpack: unpackDate }],
  [Code.timeDelta, { test: (value) => PythonTimeDelta.is(value), pack: writePickle, unpack: unpackDate }],
  [
    Code.dateTime,
    { test: (value) => types.isDate(value) || PythonDateTime.is(value), pack: packDateTime, unpack: unpackDate },
  ],
  [Code.date, { test: (value) => PythonDate.is(value), pack: writePickle, unpack: unpackDate }],
];

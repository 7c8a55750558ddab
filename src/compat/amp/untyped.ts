import { isUtf8 } from "node:buffer";
import {
  AmpDateTime,
  AmpDecimal,
  type AmpDialect,
  type AnyField,
  type Box,
  boolean,
  bytes,
  dateTime,
  decimal,
  encodeFields,
  float,
  integer,
  unicode,
} from "../../wire/amp/index.js";

/** What can be sent where nobody has said which types a command has. */
export type UntypedValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | AmpDecimal
  | AmpDateTime
  | null
  | undefined;

/** Arguments by name; `null` and `undefined` are not sent. */
export type UntypedArguments = Readonly<Record<string, UntypedValue>>;

/** Values of an answer by name: texts, and octets where they are no UTF-8. */
export type UntypedValues = Record<string, string | Uint8Array>;

/**
 * A box of values whose types nobody has said: texts as `unicode`, whole numbers as `integer`, others as `float`, `true` and
 * `false` as `boolean`, octets as they are.
 *
 * @throws BadRequestError, `not-sent`, for anything else, with its path
 */
export function untypedBox(values: object, dialect: AmpDialect): Map<string, Uint8Array> {
  const types = new Map<string, AnyField>();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined) types.set(name, typeOf(value));
  }
  return encodeFields(Object.fromEntries(types), values as never, { dialect, extras: "ignore" });
}

/** The values of a box whose types nobody has said. */
export function untypedValues(box: Box): UntypedValues {
  return Object.fromEntries([...box].map(([name, octets]) => [name, readable(octets)]));
}

function typeOf(value: unknown): AnyField {
  switch (typeof value) {
    case "boolean":
      return boolean();
    case "bigint":
      return integer();
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? integer() : float();
    case "object":
      if (value instanceof AmpDecimal) return decimal();
      if (value instanceof AmpDateTime) return dateTime();
      if (value instanceof Uint8Array) return bytes();
      break;
    default:
  }
  // Whatever else it is, the error of a text says so.
  return unicode();
}

function readable(octets: Uint8Array): string | Uint8Array {
  return isUtf8(octets) ? Buffer.from(octets).toString("utf8") : Uint8Array.from(octets);
}

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
  | Date
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
    if (value !== null && value !== undefined) types.set(name, guessedType(value));
  }
  return encodeFields(Object.fromEntries(types), values as never, { dialect, extras: "ignore" });
}

/** The values of a box whose types nobody has said. */
export function untypedValues(box: Box): UntypedValues {
  return Object.fromEntries([...box].map(([name, octets]) => [name, readable(octets)]));
}

/** The type that a value is sent by where nobody has said one; of what none fits, that of texts, whose error says so. */
export function guessedType(value: unknown): AnyField {
  switch (typeof value) {
    case "boolean":
      return boolean();
    case "bigint":
      return integer();
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? integer() : float();
    case "object":
      if (AmpDecimal.is(value)) return decimal();
      if (AmpDateTime.is(value) || value instanceof Date) return dateTime();
      if (value instanceof Uint8Array) return bytes();
      break;
    default:
  }
  return unicode();
}

function readable(octets: Uint8Array): string | Uint8Array {
  return isUtf8(octets) ? Buffer.from(octets).toString("utf8") : Uint8Array.from(octets);
}

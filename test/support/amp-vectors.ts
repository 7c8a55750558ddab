import { readFileSync } from "node:fs";
import { floatOf } from "../../src/wire/amp/float-text.js";
import {
  AmpDateTime,
  AmpDecimal,
  type AmpFields,
  type AmpType,
  ampList,
  boolean,
  bytes,
  dateTime,
  decimal,
  float,
  integer,
  listOf,
  optional,
  path,
  unicode,
} from "../../src/wire/amp/index.js";

/** What a peer of Twisted wrote, or makes of what it gets. */
export interface AmpVector {
  /** What it shows. */
  readonly name: string;
  /** What is to be done with it. */
  readonly kind: "argument" | "accepted" | "refused" | "box" | "call" | "exchange" | "malformed" | "reply";
  /** The octets. */
  readonly hex: string;
  /** What they mean; by kind. */
  readonly decoded?: Readonly<Record<string, unknown>>;
  /** What the peer answers, in hex. */
  readonly reply?: string;
  /** What that means: boxes. */
  readonly replyDecoded?: unknown;
  /** Does the peer close the connection? */
  readonly closes?: boolean;
  /** The command of the call that the octets are the answer to. */
  readonly call?: string;
}

/** All of a kind. */
export function ampVectors(...kinds: readonly AmpVector["kind"][]): AmpVector[] {
  const all = JSON.parse(readFileSync("test/fixtures/vectors/amp.json", "utf8")) as AmpVector[];
  return all.filter(({ kind }) => kinds.includes(kind)).map((one) => ({ ...one, hex: expanded(one.hex) }));
}

/** `(76*3)` stands for `767676`. */
function expanded(hex: string): string {
  return hex.replace(/\((..)\*(\d+)\)/, (_, octet: string, count: string) => octet.repeat(Number(count)));
}

/** What the name of a type stands for: `ListOf(Integer)`, `AmpList(x Integer, label Unicode optional)`. */
export function typeOf(name: string): AmpType<unknown> {
  const [, outer = name, inner = ""] = /^(\w+)\((.*)\)$/.exec(name) ?? [];
  if (outer === "ListOf") return listOf(typeOf(inner));
  if (outer === "AmpList") return ampList(fieldsOf(inner));
  const make = SCALARS[outer];
  if (!make) throw new Error(`There is no type ${name}`);
  return make() as AmpType<unknown>;
}

/** What the description of fields stands for: `x Integer, label Unicode optional`. */
export function fieldsOf(description: string): AmpFields {
  return Object.fromEntries(
    (description.match(/(?:\([^()]*\)|[^,(])+/g) ?? []).map((one) => {
      const [, name = "", type = "", isOptional] = /^ *(\S+) (.+?)( optional)?$/.exec(one) ?? [];
      return [name, isOptional === undefined ? typeOf(type) : optional(typeOf(type))];
    }),
  );
}

/** A descriptor is the number of one that came another way; without that, an integer. */
const SCALARS: Readonly<Record<string, () => unknown>> = {
  Integer: integer,
  String: bytes,
  Unicode: unicode,
  Boolean: boolean,
  Float: float,
  Decimal: decimal,
  DateTime: dateTime,
  Path: path,
  Descriptor: integer,
};

/** What the JSON of a value stands for, by the name of its type. */
export function valueOf(name: string, told: unknown): unknown {
  const [, outer = name, inner = ""] = /^(\w+)\((.*)\)$/.exec(name) ?? [];
  switch (outer) {
    case "Integer":
      return Number.isSafeInteger(Number(told)) ? Number(told) : BigInt(told as string);
    case "String":
      return new Uint8Array(Buffer.from((told as string).slice(4), "hex"));
    case "Float":
      return floatOf(told as string);
    case "Decimal":
      return new AmpDecimal(told as string);
    case "DateTime":
      return toDateTime(told);
    case "Descriptor":
      return Number((told as string).replace("ordinal ", ""));
    case "ListOf":
      return (told as unknown[]).map((one) => valueOf(inner, one));
    case "AmpList":
      return (told as Record<string, unknown>[]).map((row) => rowOf(inner, row));
    default:
      return told;
  }
}

/** Values by name; what is absent is `null`. */
function rowOf(description: string, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    (description.match(/(?:\([^()]*\)|[^,(])+/g) ?? []).map((one) => {
      const [, name = "", type = ""] = /^ *(\S+) (.+?)( optional)?$/.exec(one) ?? [];
      return [name, row[name] === undefined ? null : valueOf(type, row[name])];
    }),
  );
}

function toDateTime(told: unknown): AmpDateTime {
  if (typeof told === "string")
    return AmpDateTime.parse(told.replace(/([+-]..:..)$/, told.length < 32 ? ".000000$1" : "$1"));
  return new AmpDateTime(told as AmpDateTime);
}

/** The commands of the exchanges, as far as their values go. */
export const COMMANDS: Readonly<Record<string, { readonly args: AmpFields; readonly response: AmpFields }>> = {
  Sum: { args: fieldsOf("a Integer, b Integer"), response: fieldsOf("total Integer") },
  Repeat: { args: fieldsOf("text Unicode, times Integer"), response: fieldsOf("text Unicode") },
  Divide: { args: fieldsOf("numerator Integer, denominator Integer"), response: fieldsOf("result Float") },
  Types: typesCommand(),
  "mapped-command": {
    args: fieldsOf("dash-arg Unicode, from Unicode, print Unicode optional, mixedCase Unicode"),
    response: fieldsOf("class Unicode"),
  },
  Notify: { args: fieldsOf("text Unicode"), response: {} },
  Fail: { args: fieldsOf("kind Unicode"), response: fieldsOf("text Unicode") },
  Bye: { args: {}, response: fieldsOf("text Unicode") },
  Switch: { args: fieldsOf("to Unicode"), response: {} },
  StartTLS: { args: {}, response: {} },
};

function typesCommand(): { args: AmpFields; response: AmpFields } {
  const fields = fieldsOf(
    [
      "integer Integer optional, string String optional, unicode Unicode optional, boolean Boolean optional",
      "float Float optional, decimal Decimal optional, datetime DateTime optional, integers ListOf(Integer) optional",
      "unicodes ListOf(Unicode) optional, path Path optional",
    ].join(", "),
  );
  const all = {
    ...fields,
    nested: optional(listOf(listOf(integer()))),
    rows: optional(ampList(fieldsOf("x Integer, label Unicode optional"))),
  };
  return { args: all, response: all };
}

/** Compiled by `npm run typecheck`, never run. */
import {
  type AmpDateTime,
  type AmpDecimal,
  type AmpField,
  type AmpType,
  ampList,
  boolean,
  bytes,
  dateTime,
  decimal,
  decodeFields,
  encodeFields,
  float,
  integer,
  listOf,
  optional,
  path,
  type ReceivedValues,
  type SentValues,
  unicode,
} from "../../src/wire/amp/index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(_proof?: T): void {
  // Only the type parameter matters.
}

// What a receiver gets, and what a sender gives.
const simple = { text: unicode(), times: integer() };
expectType<Equal<ReceivedValues<typeof simple>, { text: string; times: number | bigint }>>();
expectType<Equal<SentValues<typeof simple>, { readonly text: string; readonly times: number | bigint }>>();

// Integers are received as what is asked for, and sent either way.
const integers = { few: integer({ as: "number" }), many: integer({ as: "bigint" }) };
expectType<Equal<ReceivedValues<typeof integers>, { few: number; many: bigint }>>();
expectType<Equal<SentValues<typeof integers>["few"], number | bigint>>();

// Optional arguments may be left out, and are there as null.
const some = { a: float(), b: optional(boolean()), c: optional(decimal()) };
expectType<Equal<ReceivedValues<typeof some>, { a: number; b: boolean | null; c: AmpDecimal | null }>>();
expectType<
  Equal<
    SentValues<typeof some>,
    {
      readonly a: number;
      readonly b?: boolean | null | undefined;
      readonly c?: AmpDecimal | string | bigint | null | undefined;
    }
  >
>();

// Where more is taken than given.
const others = { d: dateTime(), o: bytes(), p: path() };
expectType<Equal<ReceivedValues<typeof others>, { d: AmpDateTime; o: Uint8Array; p: string }>>();
expectType<Equal<SentValues<typeof others>["d"], AmpDateTime | Date>>();

// Lists in lists, rows in rows.
const nested = {
  lists: listOf(listOf(integer({ as: "number" }))),
  rows: ampList({ x: float(), label: optional(unicode()), kids: ampList({ n: boolean() }) }),
};
expectType<
  Equal<
    ReceivedValues<typeof nested>,
    { lists: number[][]; rows: { x: number; label: string | null; kids: { n: boolean }[] }[] }
  >
>();
encodeFields(nested, { lists: [[1], []], rows: [{ x: 1, kids: [{ n: true }] }] });
const { rows } = decodeFields(nested, new Map());
expectType<Equal<(typeof rows)[number]["label"], string | null>>();

// No arguments at all.
encodeFields({}, {});

// Types of an application's own.
declare const point: AmpType<{ x: number }, [number]>;
declare const address: AmpField<never, string, "optional">;
const own = { point, address, maybe: optional(point) };
expectType<Equal<ReceivedValues<typeof own>, { point: [number]; address: string; maybe: [number] | null }>>();
encodeFields(own, { point: { x: 1 } });

// @ts-expect-error -- it is missing
encodeFields(simple, { text: "x" });
// @ts-expect-error -- a text is no integer
encodeFields(simple, { text: "x", times: "3" });
// @ts-expect-error -- it is not declared
encodeFields(simple, { text: "x", times: 3, more: 1 });
// @ts-expect-error -- a number is no decimal number
encodeFields(some, { a: 1, c: 0.1 });
// @ts-expect-error -- what is optional is no element
listOf(optional(integer()));
// @ts-expect-error -- it is to be called
encodeFields({ a: unicode }, { a: "x" });

import { types } from "node:util";
import { ConfigurationError } from "../../errors.js";
import { MAX_VALUE_BYTES } from "./format.js";
import type { AmpField, AmpType } from "./type.js";
import { MalformedValueError, WrongValueError } from "./wrong-value.js";

/** Options of {@link chunked}. */
export interface ChunkedOptions {
  /** May a sender leave it out? Default false. */
  readonly optional?: boolean | undefined;
  /** Most octets of a value that is sent; default 32 MiB. Of what comes the limits of boxes say how much it may be. */
  readonly maxBytes?: number | undefined;
}

/**
 * A value that may be longer than 65,535 octets, for peers that agree on it (docs/amp-wire.md, section 3). It is cut into pieces of
 * that length, each under a key of its own: `data`, `data.2`, `data.3`. A short one looks as if it were not chunked at all.
 *
 * ```ts
 * arguments: { name: unicode(), data: chunked(bytes()) }
 * ```
 *
 * @throws ConfigurationError for what is no type of a single value
 */
export function chunked<Sent, Received>(
  type: AmpType<Sent, Received>,
  options: ChunkedOptions & { readonly optional: true },
): AmpField<Sent, Received | null, "optional">;
/** The same, where it may not be left out. */
export function chunked<Sent, Received>(
  type: AmpType<Sent, Received>,
  options?: ChunkedOptions & { readonly optional?: false | undefined },
): AmpField<Sent, Received, "required">;
export function chunked<Sent, Received>(
  type: AmpType<Sent, Received>,
  { optional = false, maxBytes = MAX_CHUNKED_BYTES }: ChunkedOptions = {},
): AmpField<Sent, Received | null> {
  if (typeof (type as Partial<typeof type>).encode !== "function") {
    throw new ConfigurationError(
      "Only a type of a single value can be chunked; of an optional one say chunked(type, { optional: true })",
    );
  }
  return {
    presence: optional ? "optional" : "required",
    write(box, name, value, context) {
      if (value === null || value === undefined) return;
      const octets: unknown = type.encode(value, context);
      if (!types.isUint8Array(octets)) throw new WrongValueError("was not written as octets by its type");
      if (octets.byteLength > maxBytes) {
        throw new WrongValueError(`has ${octets.byteLength} octets, the limit is ${maxBytes}`, "TOO_LARGE");
      }
      box.set(name, octets.subarray(0, MAX_VALUE_BYTES));
      for (let at = MAX_VALUE_BYTES, number = 2; at < octets.byteLength; at += MAX_VALUE_BYTES, number++) {
        box.set(keyOf(name, number), octets.subarray(at, at + MAX_VALUE_BYTES));
      }
    },
    mayUse: (name, key) => key.startsWith(`${name}.`) && NUMBER.test(key.slice(name.length + 1)),
    read(box, name, context) {
      const first = box.get(name);
      if (first === undefined) {
        if (optional) return null;
        throw new MalformedValueError("is missing");
      }
      const parts = [first];
      for (;;) {
        const part = box.get(keyOf(name, parts.length + 1));
        if (part === undefined) return type.decode(parts.length === 1 ? first : Buffer.concat(parts), context);
        parts.push(part);
      }
    },
  };
}

/** From 2 on, as {@link keyOf} writes them. */
const NUMBER = /^(?:[2-9]|[1-9]\d+)$/;

function keyOf(name: string, number: number): string {
  return `${name}.${number}`;
}

/** Half of what a box may have where nothing else is said, so that other values have room. */
const MAX_CHUNKED_BYTES = 32 * 1024 * 1024;

import { BadRequestError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import type { Scope } from "./compiled.js";

/** What stands between `${` and `}`, read. */
export interface Reference {
  /** As it was written, without what surrounds it. */
  readonly text: string;
  /** The name that it begins with. */
  readonly root: string;
  /** Names and places of the members that it goes on with. */
  readonly members: readonly (string | number)[];
  /** Does it end in `?`? */
  readonly optional: boolean;
}

/** A reference, and where the text goes on behind it; or why it cannot be read. */
export type ReadReference = { readonly reference: Reference; readonly end: number } | { readonly fault: string };

/** What a reference that leads nowhere gives. */
export const MISSING: unique symbol = Symbol("missing");

/**
 * Reads a reference: a name, then members as `.name`, `["any name"]`, `['any name']` or `[0]`, then maybe `?`. Blanks may surround it.
 *
 * @param from - where it begins
 */
export function readReference(text: string, from = 0): ReadReference {
  const at = (pattern: RegExp, position: number): string | undefined => {
    pattern.lastIndex = position;
    return pattern.exec(text)?.[0];
  };
  let position = from + (at(BLANKS, from)?.length ?? 0);
  const start = position;
  const root = at(NAME, position);
  if (root === undefined) return { fault: "a reference begins with a name" };
  position += root.length;
  const members: (string | number)[] = [];
  for (;;) {
    const sign = text[position];
    if (sign === ".") {
      const name = at(NAME, position + 1);
      if (name === undefined) return { fault: `no name follows the dot after ${text.slice(start, position)}` };
      members.push(name);
      position += 1 + name.length;
    } else if (sign === "[") {
      const quoted = at(QUOTED, position);
      const place = at(PLACE, position);
      const member = quoted === undefined ? place && Number(place.slice(1, -1)) : unquote(quoted.slice(1, -1));
      const length = (quoted ?? place)?.length;
      if (member === undefined || length === undefined) {
        return { fault: `${text.slice(start, position)} is followed by brackets without a place or a name in quotes` };
      }
      members.push(member);
      position += length;
    } else break;
  }
  const optional = text[position] === "?";
  if (optional) position++;
  const reference = { text: text.slice(start, position), root, members, optional };
  return { reference, end: position + (at(BLANKS, position)?.length ?? 0) };
}

/**
 * The value that a reference leads to, not a copy; {@link MISSING} where there is none and it ends in `?`.
 *
 * @throws BadRequestError, `not-sent`, with how far it leads
 */
export function follow(reference: Reference, scope: Scope): unknown {
  const { members, optional, root } = reference;
  const isStep = root === "steps";
  const [first] = members;
  let value = isStep ? scope.step(String(first)) : scope.get(root);
  const nothing = (): typeof MISSING => {
    if (optional) return MISSING;
    const name = isStep ? `the step ${String(first)} has no result here` : `there is no ${root} here`;
    throw new BadRequestError(`The reference \${${reference.text}} leads nowhere: ${name}`);
  };
  if (value === undefined) return nothing();
  for (let index = isStep ? 1 : 0; index < members.length; index++) {
    const name = members[index] ?? "";
    const member = memberOf(value, name);
    if (member === undefined) {
      if (optional) return MISSING;
      throw new BadRequestError(
        `The reference \${${reference.text}} leads nowhere: ${wayOf(reference, index)} ${whyNot(value, String(name))}`,
      );
    }
    value = member;
  }
  return value;
}

const BLANKS = /[ \t\r\n]*/y;
const NAME = /[\p{L}\p{N}_][\p{L}\p{N}_-]*/uy;
const QUOTED = /\[(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]/y;
const PLACE = /\[\d{1,9}\]/y;

/** A backslash makes the sign behind it an ordinary one; JSON and YAML have escapes of their own around it. */
function unquote(quoted: string): string {
  return quoted.slice(1, -1).replaceAll(/\\(.)/gs, "$1");
}

/** Own members that are data, of anything that has some; nothing inherited, no getter. */
function memberOf(value: unknown, name: string | number): unknown {
  if (typeof value === "string") return name === "length" ? value.length : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof Map) return (value as ReadonlyMap<unknown, unknown>).get(name);
  return (Object.getOwnPropertyDescriptor(value, name) as { readonly value?: unknown } | undefined)?.value;
}

function wayOf({ root, members }: Reference, length: number): string {
  const ways = members.slice(0, length).map((member) => {
    return typeof member === "number" || !PLAIN.test(member) ? `[${JSON.stringify(member)}]` : `.${member}`;
  });
  return root + ways.join("");
}

const PLAIN = /^[\p{L}\p{N}_][\p{L}\p{N}_-]*$/u;

/** Why a value has no such member, and what it has. */
function whyNot(value: unknown, name: string): string {
  if (value === null) return `is null, and has no member ${JSON.stringify(name)}`;
  if (Array.isArray(value)) return `is a list of ${value.length}, and has no member ${JSON.stringify(name)}`;
  if (typeof value !== "object") return `is a ${typeof value}, and has no member ${JSON.stringify(name)}`;
  const names = value instanceof Map ? Array.from(value.keys(), String) : Object.keys(value);
  const has = `has no member ${JSON.stringify(name)}`;
  const near = didYouMean(name, names.slice(0, MAX_COMPARED));
  if (near !== "" || names.length === 0) return has + near;
  return `${has}; it has ${names.slice(0, MAX_TOLD).join(", ")}${names.length > MAX_TOLD ? ", …" : ""}`;
}

const MAX_COMPARED = 1000;
const MAX_TOLD = 10;

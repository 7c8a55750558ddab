import { BadRequestError } from "../../errors.js";
import type { Scope, Template } from "./compiled.js";
import type { Mapping } from "./definition.js";
import { described, itemPath, memberPath, quote } from "./problems.js";
import { follow, MISSING, type Reference, readReference } from "./reference.js";

/** Who is told of what a mapping consists of, while it is read. */
export interface MappingReader {
  /** Something is wrong with it. */
  problem(path: string, message: string, cure: string): void;
  /** It refers to something. */
  reference(path: string, reference: Reference): void;
}

/** A mapping that was read. */
export interface ReadMapping {
  /** Gives its value. */
  readonly template: Template;
  /** Is it the same at all times? */
  readonly constant: boolean;
  /** Its value, if it is. */
  readonly value: unknown;
  /** Is it a text with more than references in it, which is never empty? */
  readonly wordy: boolean;
}

/**
 * Reads a mapping. What holds no reference is read once: all runs get the same value, which is frozen.
 *
 * @param path - where it stands
 */
export function readMapping(mapping: unknown, path: string, reader: MappingReader): ReadMapping {
  const part = readPart(mapping, path, reader, { depth: 0, budget: { left: MAX_PARTS } });
  if (part.kind === "constant") {
    const { value } = part;
    return { constant: true, value, wordy: typeof value === "string" && value !== "", template: () => value };
  }
  const { evaluate, wordy = false } = part;
  const template = (scope: Scope): unknown => {
    const value = evaluate(scope);
    return value === MISSING ? null : value;
  };
  return { constant: false, value: undefined, wordy, template };
}

/** A mapping for those that know that it is right. @throws BadRequestError if it is not */
export function compileMapping(mapping: Mapping): Template {
  const { template } = readMapping(mapping, "", {
    problem(path, message, cure) {
      throw new BadRequestError(`${path === "" ? "The mapping" : path}: ${message}; ${cure}`);
    },
    reference() {
      // Whoever evaluates it knows what there is.
    },
  });
  return template;
}

/** What a value looks like between other text: texts as they are, `null` as nothing, what is no number or boolean as JSON. */
export function textOf(value: unknown, reference: string): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || value === MISSING) return "";
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return value.toString();
  try {
    return toJson(value, jsonMember) ?? noText(reference);
  } catch (error) {
    return noText(reference, error);
  }
}

type Part =
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "variable"; readonly evaluate: (scope: Scope) => unknown; readonly wordy?: boolean };

interface Position {
  readonly depth: number;
  /** How many more values the whole may have: lists made in a program may hold the same one again and again. */
  readonly budget: { left: number };
}

const MAX_DEPTH = 64;
const MAX_PARTS = 100_000;

function readPart(mapping: unknown, path: string, reader: MappingReader, position: Position): Part {
  if (typeof mapping === "string") return readText(mapping, path, reader);
  if (mapping === null || typeof mapping === "boolean") return { kind: "constant", value: mapping };
  if (typeof mapping === "number" && Number.isFinite(mapping)) return { kind: "constant", value: mapping };
  if (position.depth >= MAX_DEPTH) {
    reader.problem(path, `is nested more than ${MAX_DEPTH} deep`, "make the value in a step of its own");
    return NOTHING;
  }
  if (--position.budget.left <= 0) {
    if (position.budget.left === 0) {
      reader.problem(
        path,
        `is the ${MAX_PARTS}th list or object of one value`,
        "let a service or a function make the value",
      );
    }
    return NOTHING;
  }
  const deeper = { ...position, depth: position.depth + 1 };
  if (Array.isArray(mapping)) {
    const parts = Array.from(mapping, (item: unknown, index) => readPart(item, itemPath(path, index), reader, deeper));
    return joinList(parts);
  }
  if (isPlain(mapping)) {
    const parts: [name: string, part: Part][] = [];
    for (const [name, member] of Object.entries(mapping)) {
      if (member === undefined) continue;
      if (name === "__proto__") {
        reader.problem(memberPath(path, name), "no member may be called __proto__", "give it another name");
      } else parts.push([name, readPart(member, memberPath(path, name), reader, deeper)]);
    }
    return joinObject(parts);
  }
  const what = typeof mapping === "object" ? "an object of a class" : described(mapping);
  reader.problem(
    path,
    `is ${what}, which is no JSON`,
    "write texts, numbers, true, false, null, lists and objects of them",
  );
  return NOTHING;
}

const NOTHING: Part = { kind: "constant", value: null };

function joinList(parts: readonly Part[]): Part {
  if (parts.every((part) => part.kind === "constant")) {
    return { kind: "constant", value: Object.freeze(parts.map(({ value }) => value)) };
  }
  const evaluate = (scope: Scope): unknown =>
    parts.map((part) => {
      const value = part.kind === "constant" ? part.value : part.evaluate(scope);
      return value === MISSING ? null : value;
    });
  return { kind: "variable", evaluate };
}

function joinObject(parts: readonly (readonly [name: string, part: Part])[]): Part {
  const make = (valueOf: (part: Part) => unknown): Record<string, unknown> => {
    const object: Record<string, unknown> = {};
    for (const [name, part] of parts) {
      const value = valueOf(part);
      if (value !== MISSING) object[name] = value;
    }
    return object;
  };
  if (parts.every(([, { kind }]) => kind === "constant")) {
    return { kind: "constant", value: Object.freeze(make((part) => (part.kind === "constant" ? part.value : null))) };
  }
  const evaluate = (scope: Scope): unknown =>
    make((part) => (part.kind === "constant" ? part.value : part.evaluate(scope)));
  return { kind: "variable", evaluate };
}

function readText(text: string, path: string, reader: MappingReader): Part {
  const pieces = splitText(text);
  if ("fault" in pieces) {
    reader.problem(
      path,
      `${quote(text)}: ${pieces.fault}`,
      `write \${input.name}, or $\${ where you mean the signs themselves`,
    );
    return NOTHING;
  }
  for (const piece of pieces) {
    if (typeof piece !== "string") reader.reference(path, piece);
  }
  const [only] = pieces;
  if (pieces.length === 1 && typeof only === "object") {
    return { kind: "variable", evaluate: (scope) => follow(only, scope) };
  }
  if (pieces.every((piece) => typeof piece === "string")) return { kind: "constant", value: pieces.join("") };
  const evaluate = (scope: Scope): unknown => {
    let joined = "";
    for (const piece of pieces) {
      joined += typeof piece === "string" ? piece : textOf(follow(piece, scope), piece.text);
    }
    return joined;
  };
  return { kind: "variable", evaluate, wordy: pieces.some((piece) => typeof piece === "string") };
}

/** A text in its pieces: what stands there, and references. */
function splitText(text: string): (string | Reference)[] | { readonly fault: string } {
  const pieces: (string | Reference)[] = [];
  let plain = "";
  let position = 0;
  for (;;) {
    const next = text.indexOf("${", position);
    if (next < 0) break;
    if (next > position && text[next - 1] === "$") {
      plain += `${text.slice(position, next - 1)}\${`;
      position = next + 2;
      continue;
    }
    plain += text.slice(position, next);
    const read = readReference(text, next + 2);
    if ("fault" in read) return read;
    if (text[read.end] !== "}") {
      const fault =
        read.end >= text.length
          ? "is not closed by }"
          : `is followed by ${quote(text.slice(read.end, read.end + 10))} before }`;
      return { fault: `the reference \${${read.reference.text} ${fault}` };
    }
    if (plain !== "") pieces.push(plain);
    plain = "";
    pieces.push(read.reference);
    position = read.end + 1;
  }
  plain += text.slice(position);
  if (plain !== "" || pieces.length === 0) pieces.push(plain);
  return pieces;
}

/** Made in any realm, of no class. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Undefined has no text at all, and the library's own type does not say so. */
const toJson: (value: unknown, replacer: (key: string, value: unknown) => unknown) => string | undefined =
  JSON.stringify;

function jsonMember(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Map) return Object.fromEntries(value as ReadonlyMap<string, unknown>);
  if (value instanceof Set) return [...value] as unknown[];
  if (ArrayBuffer.isView(value)) throw new TypeError("Bytes have no text");
  return value;
}

function noText(reference: string, cause?: unknown): never {
  throw new BadRequestError(
    `What \${${reference}} refers to cannot be written into a text: let the reference stand alone, which hands it on as it is`,
    { cause },
  );
}

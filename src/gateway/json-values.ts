import { BadRequestError } from "../errors.js";
import { isProxy } from "../peer/proxy.js";
import { release } from "../peer/references/remote-reference.js";
import { discardSource, isStreamSource } from "../peer/streams/source.js";

/*
 * What JSON has no form for travels as an object with exactly two members (docs/http.md, "Values"):
 *
 *   bigint     { "$type": "bigint", "value": "12345678901234567890" }
 *   Date       { "$type": "date",   "value": "2026-01-31T12:00:00.000Z" }
 *   bytes      { "$type": "bytes",  "value": "AQID" }, base64
 *   Map        { "$type": "map",    "value": [[key, value], …] }
 *   Set        { "$type": "set",    "value": [item, …] }
 *   NaN, ±∞    { "$type": "number", "value": "NaN" | "Infinity" | "-Infinity" }
 *   an object that looks like one of these  { "$type": "object", "value": { … } }
 *
 * Towards HTTP only: functions and objects of services, streams inside of values, errors.
 */

/** A value of a service as JSON. What it refers to is let go of: nobody can call it by HTTP. */
export function toJson(value: unknown): string {
  return JSON.stringify(toForm(value) ?? null);
}

/**
 * A value from JSON, as a service is to get it.
 *
 * @param text - UTF-8 that was decoded
 * @param what - where it stands in the request, for errors
 * @throws BadRequestError for what is no JSON, too deep, or a form with a wrong value
 */
export function fromJson(text: string, what: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new BadRequestError(`${what} is no JSON: ${(error as Error).message}`);
  }
  return fromForm(parsed, what, 0);
}

function toForm(value: unknown): unknown {
  switch (typeof value) {
    case "bigint":
      return form("bigint", value.toString());
    case "number":
      return Number.isFinite(value) ? value : form("number", String(value));
    case "function":
      return referenceForm(value);
    case "object":
      return value === null ? null : objectForm(value);
    case "symbol":
      return undefined;
    default:
      return value;
  }
}

function objectForm(value: object): unknown {
  if (isProxy(value)) return referenceForm(value);
  if (Array.isArray(value)) return value.map((member) => toForm(member) ?? null);
  if (value instanceof Date) return form("date", Number.isNaN(value.getTime()) ? null : value.toISOString());
  if (ArrayBuffer.isView(value)) return bytesForm(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof ArrayBuffer) return bytesForm(new Uint8Array(value));
  if (value instanceof Map) {
    return form(
      "map",
      Array.from(value as Map<unknown, unknown>, (pair) => pair.map((member) => toForm(member) ?? null)),
    );
  }
  if (value instanceof Set) {
    return form(
      "set",
      Array.from(value as Set<unknown>, (member) => toForm(member) ?? null),
    );
  }
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return form("error", { name: value.name, message: value.message });
  if (isStreamSource(value)) {
    discardSource(value);
    return form("stream", null);
  }
  const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toForm(member)]));
  return isForm(members) ? form("object", members) : members;
}

function form(type: string, value: unknown): object {
  return { $type: type, value };
}

function bytesForm(bytes: Uint8Array): object {
  return form("bytes", Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"));
}

function referenceForm(reference: object): object {
  try {
    release(reference);
  } catch {
    // A function of this process, which hosts of the same process may give: nobody counts it.
  }
  return form("reference", typeof reference === "function" ? "function" : "object");
}

function isForm(
  value: Readonly<Record<string, unknown>>,
): value is { readonly $type: string; readonly value: unknown } {
  return (
    Object.hasOwn(value, "$type") &&
    Object.hasOwn(value, "value") &&
    typeof value.$type === "string" &&
    (READERS.has(value.$type) || value.$type === "object") &&
    Object.keys(value).length === 2
  );
}

function fromForm(value: unknown, path: string, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) throw new BadRequestError(`${path} is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return value.map((member, index) => fromForm(member, `${path}[${index}]`, depth + 1));
  const given = value as Readonly<Record<string, unknown>>;
  if (!isForm(given)) return membersOf(given, path, depth);
  const { $type: type, value: content } = given;
  if (type === "object") {
    if (typeof content === "object" && content !== null && !Array.isArray(content)) {
      return membersOf(content as Readonly<Record<string, unknown>>, path, depth + 1);
    }
    throw wrong(path, type);
  }
  const read = READERS.get(type)?.(content, (member, index) => fromForm(member, `${path}[${index}]`, depth + 1));
  if (read === undefined) throw wrong(path, type);
  return read;
}

/** A member may be called `__proto__`: each becomes an own one. */
function membersOf(value: Readonly<Record<string, unknown>>, path: string, depth: number): unknown {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, fromForm(member, `${path}.${name}`, depth + 1)]),
  );
}

function wrong(path: string, type: string): BadRequestError {
  return new BadRequestError(`${path} says $type ${JSON.stringify(type)}, and its value is none`);
}

type Reader = (value: unknown, member: (value: unknown, index: number) => unknown) => unknown;

/** By `$type`; `undefined` for a value that is none. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["bigint", (value) => (isText(value, /^-?\d{1,1000}$/) ? BigInt(value) : undefined)],
  [
    "date",
    (value) => {
      if (value === null) return new Date(NaN);
      const date = isText(value, /^[-+]?\d{4,6}-\d\d-\d\dT/) ? new Date(value) : undefined;
      return date && !Number.isNaN(date.getTime()) ? date : undefined;
    },
  ],
  [
    "bytes",
    (value) =>
      isText(value, /^[A-Za-z0-9+/]*={0,2}$/) && value.length % 4 !== 1
        ? Uint8Array.from(Buffer.from(value, "base64"))
        : undefined,
  ],
  ["number", (value) => (isText(value, /^(NaN|-?Infinity)$/) ? Number(value) : undefined)],
  ["set", (value, member) => (Array.isArray(value) ? new Set(value.map(member)) : undefined)],
  [
    "map",
    (value, member) => {
      if (!Array.isArray(value) || !value.every((pair) => Array.isArray(pair) && pair.length === 2)) return undefined;
      return new Map((value as [unknown, unknown][]).map((pair) => pair.map(member) as [unknown, unknown]));
    },
  ],
]);

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

/** Deeper values are refused by the wires as well. */
const MAX_DEPTH = 64;

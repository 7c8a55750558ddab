import { isPlainObject } from "../arguments.js";

/** Names and indices on the way from a result to what stands in it. */
export type Place = readonly (string | number)[];

/**
 * Looks through arrays and plain objects, at any depth.
 *
 * @param found - is told of each object and function with its place; returns whether it was what is looked for
 */
export function eachPlace(value: unknown, found: (value: object, place: Place) => boolean, place: Place = []): void {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return;
  if (found(value, place)) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) eachPlace(item, found, [...place, index]);
  } else if (isPlainObject(value)) {
    for (const [name, member] of Object.entries(value)) eachPlace(member, found, [...place, name]);
  }
}

/** What stands at a place; `undefined` when there is no such place. */
export function valueAt(result: unknown, place: Place): unknown {
  let value = result;
  for (const step of place) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/**
 * A copy of arrays, plain objects and binary values; everything else as it is. Whoever changes the original afterwards
 * changes nothing here.
 */
export function copyPlain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyPlain);
  if (ArrayBuffer.isView(value)) return structuredClone(value);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copyPlain(member)]));
}

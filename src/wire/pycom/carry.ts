import { isItemSource } from "../../util/item-source.js";

/** A value that JSON would drop or change in silence, and where it stands. */
export interface Uncarryable {
  /** Path from the root, such as `args.user.scores[3]`. */
  readonly path: string;
  /** What stands there, in words. */
  readonly what: string;
}

/**
 * Looks for what JSON cannot carry: `JSON.stringify` turns NaN into null, a Map into `{}` and drops functions, all
 * without a word. `undefined` as a member of an object is left out, as in JSON; anywhere else it is refused.
 *
 * @param root - name of the root in paths
 */
export function findUncarryable(value: unknown, root: string): Uncarryable | undefined {
  // The common case allocates nothing: the path is only put together on the way back from a find.
  const found = look(value, 0);
  if (!found) return undefined;
  return { path: root + found.steps.reverse().join(""), what: found.what };
}

interface Find {
  readonly what: string;
  readonly steps: string[];
}

/** Deeper nesting is refused: it is a cycle or an attack on the peer's parser. */
const MAX_DEPTH = 200;

function look(value: unknown, depth: number): Find | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : find(`the number ${value}`);
    case "object":
      return value === null ? undefined : lookInside(value, depth);
    case "undefined":
      return find("undefined");
    case "bigint":
      return find("a bigint");
    case "function":
      return find("a function");
    default:
      return find("a symbol");
  }
}

function lookInside(value: object, depth: number): Find | undefined {
  if (depth >= MAX_DEPTH) return find(`a cycle, or more than ${MAX_DEPTH} levels of nesting`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = look(value[index], depth + 1);
      if (found) return at(`[${index}]`, found);
    }
    return undefined;
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return find("binary data (send it as the attachment)");
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    return value instanceof Date && Number.isNaN(value.getTime()) ? find("an invalid Date") : undefined;
  }
  if (value instanceof Map || value instanceof Set || value instanceof RegExp || value instanceof Error) {
    return find(`a ${value.constructor.name}`);
  }
  if (value instanceof Promise) return find("a Promise (await it first)");
  if (isItemSource(value)) return find("a stream; PyCOM's wire has none, the lamp wire streams");
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    const found = look(member, depth + 1);
    if (found) return at(IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, found);
  }
  return undefined;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function find(what: string): Find {
  return { what, steps: [] };
}

function at(step: string, found: Find): Find {
  found.steps.push(step);
  return found;
}

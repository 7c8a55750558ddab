import { isProxy } from "../peer/proxy.js";

/** A value as one line of JSON. */
export interface JsonLine {
  /** The line, without its end. */
  readonly text: string;
  /** Are there functions or objects of the service in the value? They stay there; the line only says where they stood. */
  readonly holdsReferences: boolean;
}

/**
 * A result in one line of JSON, whatever wire it came over. What JSON has not is written as close as it can be: a bigint and a
 * Map with other keys than texts as text and pairs, a Set as a list, bytes as `{ "base64": … }`, an error as its name and message.
 */
export function jsonLine(value: unknown): JsonLine {
  let holdsReferences = false;
  const replacer: Replacer = function (key, given) {
    // What has a toJSON, as a proxy has, was asked already; what stands there is still in its place.
    const reference = describeReference(this[key]);
    if (reference === undefined) return replace(given);
    holdsReferences = true;
    return reference;
  };
  const text = toJson(value, replacer) ?? "null";
  return { text, holdsReferences };
}

type Replacer = (this: Readonly<Record<string, unknown>>, key: string, value: unknown) => unknown;

/** Undefined has no text at all, and the library's own type does not say so. */
const toJson: (value: unknown, replacer: Replacer) => string | undefined = JSON.stringify;

function describeReference(value: unknown): string | undefined {
  if (typeof value === "function") return "[a function of the service]";
  return typeof value === "object" && value !== null && isProxy(value) ? "[an object of the service]" : undefined;
}

function replace(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map) {
    const pairs = [...value] as [unknown, unknown][];
    return pairs.every(([key]) => typeof key === "string") ? Object.fromEntries(pairs) : pairs;
  }
  if (value instanceof Set) return [...value] as unknown[];
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof ArrayBuffer) return base64(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  // A Buffer has a toJSON, which has been asked already.
  const { type, data } = value as { type?: unknown; data?: unknown };
  return type === "Buffer" && Array.isArray(data) ? base64(Uint8Array.from(data as number[])) : value;
}

function base64(bytes: Uint8Array): object {
  return { base64: Buffer.from(bytes).toString("base64") };
}

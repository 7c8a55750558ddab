/**
 * A result in one line of JSON, whatever wire it came over. What JSON has not is written as close as it can be: a bigint and a
 * Map with other keys than texts as text and pairs, a Set as a list, bytes as `{ "base64": … }`, an error as its name and message.
 */
export function jsonLine(value: unknown): string {
  return toJson(value, replace) ?? "null";
}

/** Undefined has no text at all, and the library's own type does not say so. */
const toJson: (value: unknown, replacer: (key: string, value: unknown) => unknown) => string | undefined =
  JSON.stringify;

function replace(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function") return "[a function of the service]";
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

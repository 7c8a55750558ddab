import { types } from "node:util";

/**
 * The way to a part of a value, in words of JavaScript: `args[0].list["odd name"].get("key")`.
 *
 * @param root - what the value is called
 * @param above - the containers on the way, outermost first
 * @param steps - in each of them the name of a member, or the position in an array or a Map
 */
export function pathOf(root: string, above: readonly object[], steps: readonly (string | number)[]): string {
  return root + above.map((container, index) => stepOf(container, steps[index] ?? 0)).join("");
}

function stepOf(container: object, step: string | number): string {
  if (typeof step === "string") return IDENTIFIER.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  if (!types.isMap(container)) return `[${step}]`;
  const key: unknown = [...container.keys()][step];
  return typeof key === "string" ? `.get(${JSON.stringify(key)})` : `.values()[${step}]`;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** What a value is that cannot travel, in words. */
export function nameOf(value: unknown): string {
  if (typeof value === "bigint") return "an integer of more than 64 bits";
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  if (types.isPromise(value)) return "a Promise (await it first)";
  if (types.isSet(value)) return "a Set (send an array)";
  if (ArrayBuffer.isView(value)) return "a view of octets that is no Uint8Array (say what Python is to get)";
  if (Symbol.asyncIterator in value) return "a stream";
  const { constructor } = value;
  const name = typeof constructor === "function" ? constructor.name : "";
  return name === ""
    ? "an object that is not plain"
    : `an instance of ${name} (the translation table has no entry for it)`;
}

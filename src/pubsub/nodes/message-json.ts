import { BadRequestError } from "../../errors.js";

/**
 * JSON as Python writes it: `, ` and `: ` between, and everything beyond ASCII as `\u` escapes. What JSON has no place for becomes
 * what `JSON.stringify` makes of it; large integers are written as they are.
 *
 * @throws BadRequestError for binary values, and what leads back to itself
 */
export function pythonJson(value: unknown): string {
  return write(value, []) ?? "null";
}

function write(given: unknown, above: readonly object[]): string | undefined {
  const value = ownForm(given);
  switch (typeof value) {
    case "string":
      return text(value);
    case "number":
      return Number.isFinite(value) ? String(value) : "null";
    case "boolean":
    case "bigint":
      return String(value);
    case "object":
      break;
    default:
      return undefined;
  }
  if (value === null) return "null";
  if (above.includes(value)) throw new BadRequestError("A value that leads back to itself has no JSON");
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    throw new BadRequestError("Binary values have no JSON: send them as text, or read the attribute itself");
  }
  const below = [...above, value];
  if (Array.isArray(value) || value instanceof Set) {
    return `[${Array.from(value as Iterable<unknown>, (item) => write(item, below) ?? "null").join(", ")}]`;
  }
  const members = value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value);
  const written = members.flatMap(([name, member]) => {
    const json = write(member, below);
    return json === undefined ? [] : [`${text(String(name))}: ${json}`];
  });
  return `{${written.join(", ")}}`;
}

/** What dates and the like make of themselves. */
function ownForm(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { toJSON } = value as { readonly toJSON?: unknown };
  return typeof toJSON === "function" ? (toJSON as () => unknown).call(value) : value;
}

function text(value: string): string {
  return JSON.stringify(value).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

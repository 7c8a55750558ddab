import { rpcError } from "../../errors.js";
import { isPlainObject } from "../arguments.js";
import { importOf } from "./remote-reference.js";

/**
 * Notes how references were obtained, so that they can be obtained again the same way when they are lost: in the same place
 * of the result of the same call. References are looked for in objects and arrays, at any depth.
 *
 * @param result - what a call that may be executed twice was answered with
 * @param again - makes that call once more
 */
export function remember(result: unknown, again: () => Promise<unknown>): void {
  note(result, [], again);
}

type Path = readonly (string | number)[];

function note(value: unknown, path: Path, again: () => Promise<unknown>): void {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return;
  const reference = importOf(value);
  if (reference) reference.recipe ??= async () => standingAt(await again(), path);
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) note(item, [...path, index], again);
  } else if (isPlainObject(value)) {
    for (const [name, member] of Object.entries(value)) note(member, [...path, name], again);
  }
}

function standingAt(result: unknown, path: Path): object {
  let value = result;
  for (const step of path) {
    value = value !== null && typeof value === "object" ? (value as Record<string | number, unknown>)[step] : undefined;
  }
  if (value !== null && (typeof value === "object" || typeof value === "function") && importOf(value)) return value;
  const where = path.length === 0 ? "The result" : `What stands at ${path.join(".")} of the result`;
  throw rpcError("REFERENCE_LOST", `${where} is no reference any more`, { outcome: "executed" });
}

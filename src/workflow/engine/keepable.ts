import { packValue } from "../../wire/lamp/packed-value.js";
import { refuse } from "./failure.js";

/**
 * Looks at what comes from outside before it becomes a line of a history: a line that cannot be written down would be missing there.
 *
 * @param what - what it is, for errors: such as `the payload`
 * @throws BadRequestError, `not-executed`, for what cannot be kept: streams, functions, more than 8 MiB
 */
export function requireKeepable(value: unknown, what: string): void {
  if (value === undefined || value === null || typeof value === "boolean" || typeof value === "number") return;
  let bytes = 0;
  try {
    for (const part of packValue(value, what)) bytes += part.byteLength;
  } catch (error) {
    // Members of the value may be getters, which throw what they like.
    throw refuse(`This cannot be kept: ${(error as Error).message}`);
  }
  if (bytes > MAX_BYTES)
    throw refuse(`This cannot be kept: ${what} takes ${bytes} bytes, and at most ${MAX_BYTES} are taken`);
}

/** Half of what a journal takes by default, so that what stands around it has room. */
const MAX_BYTES = 8 * 1024 * 1024;

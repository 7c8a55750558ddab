import type { CompiledStep } from "../definition/compiled.js";
import type { RunFailure } from "../run.js";
import type { EngineParts } from "./parts.js";

/**
 * When a step that has failed is tried again, in milliseconds since 1970.
 *
 * @param failures - how often it has failed before
 * @returns `undefined`: not at all
 */
export function nextTryAt(
  { retry }: CompiledStep,
  failures: number,
  { code }: RunFailure,
  { clock, random }: Pick<EngineParts, "clock" | "random">,
): number | undefined {
  if (!retry || failures + 1 >= retry.attempts) return undefined;
  if (retry.on ? !retry.on.includes(code) : HOPELESS.has(code)) return undefined;
  const longestMs = Math.min(retry.delayMs * retry.factor ** failures, retry.maxDelayMs);
  // Many that failed together do not come back together.
  return clock.now() + Math.round(longestMs * (0.5 + random() / 2));
}

/** Another try would be the same. */
const HOPELESS: ReadonlySet<string> = new Set(["BAD_REQUEST", "METHOD_NOT_FOUND", "ACCESS_DENIED", "CONFIGURATION"]);

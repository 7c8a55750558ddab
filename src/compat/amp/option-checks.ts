import { inspect } from "node:util";
import { ConfigurationError } from "../../errors.js";
import type { AmpOptions } from "./options.js";

/**
 * Nothing for a time that can be waited for; `Infinity` is one, and `undefined` stands for a default.
 *
 * @param least - `"0"`: not to wait at all is one as well
 * @throws ConfigurationError, `not-sent`, for anything else
 */
export function requireMs(option: string, ms: unknown, least: "0" | "above 0" = "above 0"): void {
  if (ms === undefined) return;
  if (typeof ms === "number" && (least === "0" ? ms >= 0 : ms > 0)) return;
  const from = least === "0" ? "from 0 on" : "above 0";
  throw new ConfigurationError(`The option ${option} is a number of milliseconds ${from}, got ${inspect(ms)}`);
}

/**
 * Nothing for numbers that mean something: what is no number would be a limit that is never reached.
 *
 * @throws ConfigurationError for anything else
 */
export function requireNumbers(
  options: Partial<Pick<AmpOptions, "timeoutMs" | "limits" | (typeof LIMITS)[number]>>,
): void {
  requireMs("timeoutMs", options.timeoutMs);
  for (const name of LIMITS) requireLimit(name, options[name]);
  const { maxPairs, maxMessageBytes } = options.limits ?? {};
  requireLimit("limits.maxPairs", maxPairs);
  requireLimit("limits.maxMessageBytes", maxMessageBytes);
}

/** Nothing for what can cancel a call. @throws ConfigurationError for anything else */
export function requireSignal(signal: AbortSignal | undefined): void {
  const given: Partial<AbortSignal> | undefined = signal;
  if (given === undefined || typeof given.addEventListener === "function") return;
  throw new ConfigurationError(`The option signal is an AbortSignal, got ${inspect(given)}`);
}

const LIMITS = ["maxInFlight", "maxRunning", "maxQueuedBytes"] as const;

function requireLimit(option: string, limit: unknown): void {
  if (limit === undefined || (typeof limit === "number" && limit >= 1)) return;
  throw new ConfigurationError(`The option ${option} is a number from 1 on, got ${inspect(limit)}`);
}

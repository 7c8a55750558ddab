import type { ErrorCode } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import type { CompiledRetry } from "./compiled.js";
import { Fields } from "./fields.js";
import { itemPath, type Problems, quote } from "./problems.js";

/** Reads when a step is tried again. */
export function readRetry(value: unknown, path: string, problems: Problems): CompiledRetry | undefined {
  if (value === undefined) return undefined;
  const fields = Fields.of(value, path, "retry", problems);
  if (!fields) return undefined;
  fields.allow(["attempts", "delayMs", "factor", "maxDelayMs", "on"], "retry");
  if (!fields.has("attempts")) fields.problem("attempts", "is missing", "write how many tries there are, all together");
  const delayMs = fields.number("delayMs", { min: 0, max: MAX_DELAY }) ?? 1000;
  const maxDelayMs = fields.number("maxDelayMs", { min: 0, max: MAX_DELAY });
  if (maxDelayMs !== undefined && fields.has("delayMs") && maxDelayMs < delayMs) {
    fields.problem("maxDelayMs", `is less than delayMs, ${delayMs}`, "make it as long, or longer");
  }
  const on = fields.texts("on", "codes of errors");
  if (on?.length === 0) fields.problem("on", "has no codes", "write some, or remove it");
  for (const [index, code] of (on ?? []).entries()) {
    if (CODES.has(code)) continue;
    problems.add(
      itemPath(fields.at("on"), index),
      `there is no code ${quote(code)}${didYouMean(code, CODES)}`,
      `write some of ${[...CODES].join(", ")}`,
    );
  }
  return {
    attempts: fields.number("attempts", { min: 1, max: 1_000_000, integer: true }) ?? 1,
    delayMs,
    factor: fields.number("factor", { min: 1, max: 1000 }) ?? 2,
    maxDelayMs: maxDelayMs ?? Math.max(60_000, delayMs),
    on,
  };
}

/** 24 days: what a timer can do. */
const MAX_DELAY = 2_147_483_647;

const ALL_CODES: Readonly<Record<ErrorCode, true>> = {
  UNKNOWN: true,
  METHOD_NOT_FOUND: true,
  SERVICE_NOT_FOUND: true,
  BAD_REQUEST: true,
  ACCESS_DENIED: true,
  SESSION_EXPIRED: true,
  UNAVAILABLE: true,
  TIMEOUT: true,
  CANCELLED: true,
  OVERLOADED: true,
  DRAINING: true,
  TOO_LARGE: true,
  PROTOCOL: true,
  CONFIGURATION: true,
  CLOSED: true,
  REFERENCE_LOST: true,
};
const CODES: ReadonlySet<string> = new Set(Object.keys(ALL_CODES));

/** Numbers for a table in a terminal; what is not known is a hyphen. */
type Figure = number | null | undefined;

const NOTHING = "-";

/** Something per second. */
export function rateText(value: Figure): string {
  if (value === null || value === undefined) return NOTHING;
  return value >= 10 || value === 0 ? String(Math.round(value)) : value.toFixed(1);
}

/** A latency. */
export function latencyText(ms: Figure): string {
  if (ms === null || ms === undefined) return NOTHING;
  if (ms < 1) return `${Math.round(ms * 1000)}us`;
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}ms`;
  return `${(ms / 1_000).toFixed(1)}s`;
}

/** A length of time. */
export function durationText(ms: Figure): string {
  if (ms === null || ms === undefined) return NOTHING;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A text from elsewhere, which must not steer the terminal. */
export function plainText(text: string): string {
  return text.replaceAll(/\p{C}/gu, "?");
}

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

/** A length of time in words, as precise as people want it: `12 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`, `3 days 2 h`. */
export function elapsedText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 2_880) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

/** A moment, in milliseconds since 1970, to the second. */
export function momentText(at: number): string {
  return Number.isFinite(at) && Math.abs(at) <= MOST_MS
    ? new Date(at)
        .toISOString()
        .replace("T", " ")
        .replace(/\.\d+Z$/, "Z")
    : NOTHING;
}

/** What a Date can hold. */
const MOST_MS = 8.64e15;

/** A text from elsewhere, which must not steer the terminal. */
export function plainText(text: string): string {
  return text.replaceAll(/\p{C}/gu, "?");
}

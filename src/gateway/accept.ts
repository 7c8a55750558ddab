/**
 * Which of some media types a client likes best (RFC 9110, section 12.5.1); of equals the one that stands first.
 *
 * @param header - `Accept`; absent: everything will do
 * @returns `undefined` when none will do
 */
export function preferred<T extends string>(header: string | undefined, types: readonly T[]): T | undefined {
  if (header === undefined || header.trim() === "") return types[0];
  const ranges = header.split(",").slice(0, MAX_RANGES).map(readRange);
  let best: T | undefined;
  let bestQuality = 0;
  for (const type of types) {
    // The closest range is what holds for a type, whatever others say.
    let closeness = -1;
    let quality = 0;
    for (const range of ranges) {
      const found = closenessOf(range.type, type);
      if (found <= closeness) continue;
      closeness = found;
      quality = range.quality;
    }
    if (quality > bestQuality) {
      best = type;
      bestQuality = quality;
    }
  }
  return best;
}

/** Does a client name this very type? */
export function names(header: string | undefined, type: string): boolean {
  return (header ?? "")
    .split(",")
    .slice(0, MAX_RANGES)
    .map(readRange)
    .some((range) => range.type === type && range.quality > 0);
}

function readRange(text: string): { readonly type: string; readonly quality: number } {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const given = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

function closenessOf(range: string, type: string): number {
  if (range === type) return 2;
  if (range.endsWith("/*") && type.startsWith(range.slice(0, -1))) return 1;
  return range === "*/*" ? 0 : -1;
}

/** A header is not looked at any further. */
const MAX_RANGES = 64;

import type { Position } from "../../pubsub/publisher-link.js";

/**
 * How far a reader of server-sent events has come, in the text that stands in its `Last-Event-ID`: the publishers with the numbers of
 * their last values.
 */
export function formatPositions(positions: ReadonlyMap<string, Position>): string {
  const told = [...positions.values()].map(({ service, incarnation, sequence }) => [service, incarnation, sequence]);
  return Buffer.from(JSON.stringify(told)).toString("base64url");
}

/** Reads what {@link formatPositions} wrote; `undefined` for what it did not write. */
export function parsePositions(text: string): Position[] | undefined {
  if (text.length > MAX_CHARS) return undefined;
  let told: unknown;
  try {
    told = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  if (!Array.isArray(told)) return undefined;
  const positions: Position[] = [];
  for (const entry of told as readonly unknown[]) {
    const [service, incarnation, sequence] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
    if (typeof service !== "string" || typeof incarnation !== "string") return undefined;
    if (!Number.isSafeInteger(sequence) || (sequence as number) < 0) return undefined;
    positions.push({ service, incarnation, sequence: sequence as number });
  }
  return positions;
}

/** Longest text that is read. */
const MAX_CHARS = 16_384;

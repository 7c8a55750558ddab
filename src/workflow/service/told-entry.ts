import type { HistoryEntry } from "../run.js";

/**
 * A line of a history, as it is told outside: without the name of a call. Who knows that can ask the called host for the answer in the name of
 * the run, let it forget the answer, or take the name of the next call.
 */
export function toldEntry(entry: HistoryEntry): HistoryEntry {
  const { event } = entry;
  if (event.kind !== "started" || event.call === undefined) return entry;
  const { call: _, ...told } = event;
  return { ...entry, event: told };
}

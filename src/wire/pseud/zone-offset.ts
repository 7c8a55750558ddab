import { BadRequestError } from "../../errors.js";

const DAY = 86_400_000;

/**
 * How far a zone of the IANA database is ahead of UTC, in milliseconds.
 *
 * @param key - such as `Europe/Paris`
 * @param instant - in milliseconds since 1970
 * @throws BadRequestError when this JavaScript has no such zone, or no such date
 */
export function offsetAt(key: string, instant: number): number {
  const second = Math.floor(instant / 1000) * 1000;
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of formatOf(key).formatToParts(second)) parts[type] = value;
  const { era, year, month, day, hour, minute, second: seconds } = parts;
  // Years are counted down before the first one: 1 B is year 0.
  const astronomical = era === "A" ? Number(year) : 1 - Number(year);
  const wall = new Date(0);
  wall.setUTCFullYear(astronomical, Number(month) - 1, Number(day));
  wall.setUTCHours(Number(hour), Number(minute), Number(seconds));
  return wall.getTime() - second;
}

/**
 * When a clock of a zone shows a time, in milliseconds since 1970. As in Python, an hour that is shown twice is the first
 * one with `fold` 0 and the second one with 1; an hour that is left out is counted by the offset before it with 0, by the one
 * after it with 1.
 *
 * @param key - such as `Europe/Paris`
 * @param wall - what the clock shows, as if that were UTC
 * @throws BadRequestError when this JavaScript has no such zone
 */
export function instantOf(key: string, wall: number, fold: 0 | 1): number {
  const before = wall - offsetAt(key, wall - DAY);
  const after = wall - offsetAt(key, wall + DAY);
  const showsBefore = before + offsetAt(key, before) === wall;
  const showsAfter = after + offsetAt(key, after) === wall;
  if (showsBefore === showsAfter) return fold === 0 ? before : after;
  return showsBefore ? before : after;
}

/** The zone that was asked for last: making one costs far more than using it. */
let last: { readonly key: string; readonly format: Intl.DateTimeFormat } | undefined;

function formatOf(key: string): Intl.DateTimeFormat {
  if (last?.key !== key) last = { key, format: makeFormat(key) };
  return last.format;
}

function makeFormat(key: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn-hc-h23", {
      timeZone: key,
      era: "narrow",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch (error) {
    throw new BadRequestError(`There is no time zone ${JSON.stringify(key)} here`, { cause: error });
  }
}

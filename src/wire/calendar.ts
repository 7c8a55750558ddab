import { BadRequestError } from "../errors.js";

/** A number in decimal digits, with zeros in front. */
export function pad(value: number, digits = 2): string {
  return String(value).padStart(digits, "0");
}

/**
 * Nothing for whole numbers between two others, these included.
 *
 * @param name - what the number is, for the error
 * @throws BadRequestError for all else
 */
export function requireRange(name: string, value: number, lowest: number, highest: number): void {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return;
  throw new BadRequestError(`The ${name} is ${lowest} to ${highest}, not ${String(value)}`);
}

/**
 * Nothing for a day that the Gregorian calendar has.
 *
 * @throws BadRequestError for all else, and for years that are not 1 to 9999
 */
export function requireDay(year: number, month: number, day: number): void {
  requireRange("year", year, 1, 9999);
  requireRange("month", month, 1, 12);
  requireRange("day", day, 1, daysIn(year, month));
}

/**
 * Nothing for a time that a clock shows.
 *
 * @throws BadRequestError for all else
 */
export function requireTime(hour: number, minute: number, second: number, microsecond: number): void {
  requireRange("hour", hour, 0, 23);
  requireRange("minute", minute, 0, 59);
  requireRange("second", second, 0, 59);
  requireRange("microsecond", microsecond, 0, 999_999);
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

import { BadRequestError } from "../../errors.js";
import { brand, brandOf, hasBrand } from "../../util/shared.js";
import { pad, requireDay, requireRange, requireTime } from "../calendar.js";
import { MicrosecondDate } from "../microsecond-date.js";

/** What an {@link AmpDateTime} is made of. */
export interface AmpDateTimeFields {
  /** 1 to 9999. */
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  /** 0 to 23; default 0. */
  readonly hour?: number;
  /** 0 to 59; default 0. */
  readonly minute?: number;
  /** 0 to 59; default 0. */
  readonly second?: number;
  /** 0 to 999999; default 0. */
  readonly microsecond?: number;
  /** How far the clock is ahead of UTC, in minutes, less than a day either way; fractions are rounded down. Default 0. */
  readonly offsetMinutes?: number;
}

/**
 * What a clock shows, to the microsecond, and how far it is ahead of UTC (docs/amp-wire.md, section 3). Immutable.
 */
export class AmpDateTime {
  /** 1 to 9999. */
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  /** 0 to 23. */
  readonly hour: number;
  /** 0 to 59. */
  readonly minute: number;
  /** 0 to 59. */
  readonly second: number;
  /** 0 to 999999. */
  readonly microsecond: number;
  /** How far the clock is ahead of UTC, in minutes: −1439 to 1439. */
  readonly offsetMinutes: number;

  /**
   * Makes one.
   *
   * @throws BadRequestError for a time that the calendar or the clock does not have, and for an offset of a day or more
   */
  constructor(fields: AmpDateTimeFields) {
    const { year, month, day, hour = 0, minute = 0, second = 0, microsecond = 0, offsetMinutes = 0 } = fields;
    requireDay(year, month, day);
    requireTime(hour, minute, second, microsecond);
    const offset = Math.floor(offsetMinutes);
    requireRange("offset in minutes", offset, -MAX_OFFSET, MAX_OFFSET);
    this.year = year;
    this.month = month;
    this.day = day;
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.microsecond = microsecond;
    // Not −0, which would be another offset to comparisons.
    this.offsetMinutes = offset + 0;
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is AmpDateTime {
    return hasBrand(value, DATE_TIME);
  }

  /**
   * What a clock shows at a `Date`, with the microseconds of a `MicrosecondDate`.
   *
   * @param offsetMinutes - how far the clock is ahead of UTC; default 0
   * @throws BadRequestError for an invalid `Date`, and one outside of the years 1 to 9999
   */
  static fromDate(date: Date, offsetMinutes = 0): AmpDateTime {
    const instant = date.getTime();
    if (Number.isNaN(instant)) throw new BadRequestError("The Date is invalid");
    const shown = new Date(instant + Math.floor(offsetMinutes) * 60_000);
    return new AmpDateTime({
      year: shown.getUTCFullYear(),
      month: shown.getUTCMonth() + 1,
      day: shown.getUTCDate(),
      hour: shown.getUTCHours(),
      minute: shown.getUTCMinutes(),
      second: shown.getUTCSeconds(),
      microsecond: shown.getUTCMilliseconds() * 1000 + MicrosecondDate.restOf(date),
      offsetMinutes,
    });
  }

  /**
   * One of the text that travels. The separators are not looked at.
   *
   * @throws BadRequestError for any other
   */
  static parse(text: string): AmpDateTime {
    const [, year, month, day, hour, minute, second, microsecond, sign, hours, minutes] = TEXT.exec(text) ?? [];
    if (year === undefined) throw new BadRequestError(`${JSON.stringify(text.slice(0, 40))} is no date and time`);
    const offset = Number(hours) * 60 + Number(minutes);
    return new AmpDateTime({
      year: Number(year),
      month: Number(month),
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      microsecond: Number(microsecond),
      offsetMinutes: sign === "-" ? -offset : offset,
    });
  }

  /** The same point in time as a `Date`: a `MicrosecondDate` where it has a fraction of a millisecond. */
  toDate(): Date {
    const shown = new Date(0);
    // Date.UTC would take the first hundred years for those after 1900.
    shown.setUTCFullYear(this.year, this.month - 1, this.day);
    shown.setUTCHours(this.hour, this.minute, this.second, Math.floor(this.microsecond / 1000));
    return MicrosecondDate.of(shown.getTime() - this.offsetMinutes * 60_000, this.microsecond % 1000);
  }

  /** The text that travels, which is one of ISO 8601: `2003-09-27T09:40:01.521290+02:00`; UTC is `-00:00`. */
  toString(): string {
    const date = `${pad(this.year, 4)}-${pad(this.month)}-${pad(this.day)}`;
    const time = `${pad(this.hour)}:${pad(this.minute)}:${pad(this.second)}.${pad(this.microsecond, 6)}`;
    const ahead = Math.abs(this.offsetMinutes);
    const sign = this.offsetMinutes > 0 ? "+" : "-";
    return `${date}T${time}${sign}${pad(Math.floor(ahead / 60))}:${pad(ahead % 60)}`;
  }

  /** As {@link AmpDateTime.toString}. */
  toJSON(): string {
    return this.toString();
  }
}

const DATE_TIME = brandOf("AmpDateTime");
brand(AmpDateTime.prototype, DATE_TIME);

const MAX_OFFSET = 24 * 60 - 1;
const TEXT = /^(\d{4})[^](\d\d)[^](\d\d)[^](\d\d)[^](\d\d)[^](\d\d)[^](\d{6})([+-])(\d\d)[^](\d\d)$/;

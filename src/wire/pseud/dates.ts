import { BadRequestError } from "../../errors.js";
import { brand, brandOf, hasBrand } from "../../util/shared.js";
import { pad, requireDay, requireRange, requireTime } from "../calendar.js";
import { MicrosecondDate } from "../microsecond-date.js";
import { PythonTimeZone } from "./time-zone.js";
import { instantOf, offsetAt } from "./zone-offset.js";

/** Python's `date`: a day without a time (docs/pseud-wire.md, section 3). Immutable. */
export class PythonDate {
  /** 1 to 9999. */
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;

  /**
   * Makes one.
   *
   * @throws BadRequestError for a day that the calendar does not have
   */
  constructor(year: number, month: number, day: number) {
    requireDay(year, month, day);
    this.year = year;
    this.month = month;
    this.day = day;
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is PythonDate {
    return hasBrand(value, DATE);
  }

  /** In ISO 8601: `2003-09-27`. */
  toString(): string {
    return `${pad(this.year, 4)}-${pad(this.month)}-${pad(this.day)}`;
  }
}

const DATE = brandOf("PythonDate");
brand(PythonDate.prototype, DATE);

/** What a {@link PythonDateTime} is made of. */
export interface PythonDateTimeFields {
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
  /** 1: the second time that a clock shows this, when it is put back. Default 0. */
  readonly fold?: 0 | 1;
  /** Default: none; the value is naive, it tells what a clock shows and not where. */
  readonly zone?: PythonTimeZone | undefined;
}

/**
 * Python's `datetime`, naive or aware, for all that a `Date` cannot be (docs/pseud-wire.md, section 3). Immutable.
 *
 * Aware ones in UTC are not of this class when they come from Python, but `Date`s.
 */
export class PythonDateTime {
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
  /** 1: the second time that a clock shows this, when it is put back. */
  readonly fold: 0 | 1;
  /** Where it is; `undefined` for naive ones. */
  readonly zone: PythonTimeZone | undefined;

  /**
   * Makes one.
   *
   * @throws BadRequestError for a time that the calendar or the clock does not have
   */
  constructor(fields: PythonDateTimeFields) {
    const { year, month, day, hour = 0, minute = 0, second = 0, microsecond = 0, fold = 0, zone } = fields;
    requireDay(year, month, day);
    requireTime(hour, minute, second, microsecond);
    requireRange("fold", fold, 0, 1);
    if (zone !== undefined && !PythonTimeZone.is(zone)) {
      throw new BadRequestError("The zone of a datetime is a PythonTimeZone, or undefined");
    }
    this.year = year;
    this.month = month;
    this.day = day;
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.microsecond = microsecond;
    this.fold = fold;
    this.zone = zone;
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is PythonDateTime {
    return hasBrand(value, DATE_TIME);
  }

  /**
   * What clocks of a zone show at a `Date`, with the microseconds of a {@link MicrosecondDate}.
   *
   * @param zone - default UTC
   * @throws BadRequestError for an invalid `Date`, one outside of the years 1 to 9999, and a zone that is not known here
   */
  static fromDate(date: Date, zone: PythonTimeZone = PythonTimeZone.utc): PythonDateTime {
    const instant = date.getTime();
    if (Number.isNaN(instant)) throw new BadRequestError("The Date is invalid");
    const { offset, key } = zone;
    const ahead = offset?.totalMilliseconds ?? offsetAt(key ?? "", instant);
    // An offset may have microseconds of its own.
    const micros = Math.round((ahead - Math.floor(ahead)) * 1000) + MicrosecondDate.restOf(date);
    const wall = instant + Math.floor(ahead) + Math.floor(micros / 1000);
    const shown = new Date(wall);
    return new PythonDateTime({
      year: shown.getUTCFullYear(),
      month: shown.getUTCMonth() + 1,
      day: shown.getUTCDate(),
      hour: shown.getUTCHours(),
      minute: shown.getUTCMinutes(),
      second: shown.getUTCSeconds(),
      microsecond: shown.getUTCMilliseconds() * 1000 + (micros % 1000),
      fold: key !== undefined && instantOf(key, wall, 0) < instant ? 1 : 0,
      zone,
    });
  }

  /** Does it say where it is? */
  get isAware(): boolean {
    return this.zone !== undefined;
  }

  /**
   * The same point in time as a `Date`: a {@link MicrosecondDate} where it has a fraction of a millisecond.
   *
   * @throws BadRequestError for naive ones, whose point in time nobody knows, and for a zone that is not known here
   */
  toDate(): Date {
    const { zone } = this;
    if (!zone) throw new BadRequestError(`${this.toString()} has no time zone, so that it is no point in time`);
    const shown = new Date(0);
    // Date.UTC would take the first hundred years for those after 1900.
    shown.setUTCFullYear(this.year, this.month - 1, this.day);
    shown.setUTCHours(this.hour, this.minute, this.second, Math.floor(this.microsecond / 1000));
    const wall = shown.getTime();
    const { offset, key } = zone;
    if (!offset) return MicrosecondDate.of(instantOf(key ?? "", wall, this.fold), this.microsecond % 1000);
    const ahead = offset.totalMilliseconds;
    const micros = (this.microsecond % 1000) - Math.round((ahead - Math.floor(ahead)) * 1000);
    return MicrosecondDate.of(wall - Math.floor(ahead) + Math.floor(micros / 1000), ((micros % 1000) + 1000) % 1000);
  }

  /** In ISO 8601, as far as that goes: `2003-09-27T09:40:01.521290+02:00`. */
  toString(): string {
    const date = `${pad(this.year, 4)}-${pad(this.month)}-${pad(this.day)}`;
    const fraction = this.microsecond === 0 ? "" : `.${pad(this.microsecond, 6)}`;
    const time = `${pad(this.hour)}:${pad(this.minute)}:${pad(this.second)}${fraction}`;
    return `${date}T${time}${this.zone?.toString() ?? ""}`;
  }
}

const DATE_TIME = brandOf("PythonDateTime");
brand(PythonDateTime.prototype, DATE_TIME);

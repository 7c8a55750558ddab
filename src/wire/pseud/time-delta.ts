import { BadRequestError } from "../../errors.js";
import { brand, brandOf, hasBrand } from "../../util/shared.js";
import { pad } from "../calendar.js";

const SECONDS_A_DAY = 86_400;
const MICROSECONDS_A_SECOND = 1_000_000;
const MILLISECONDS_A_DAY = SECONDS_A_DAY * 1000;
/** Days of the longest `timedelta` either way. */
const MAX_DAYS = 999_999_999;

/**
 * Python's `timedelta`: a length of time in whole microseconds (docs/pseud-wire.md, section 3). Immutable.
 *
 * Normalised as in Python: the sign is in the days, and a microsecond less than nothing is −1 day, 86399 seconds and 999999
 * microseconds.
 */
export class PythonTimeDelta {
  /** −999999999 to 999999999. */
  readonly days: number;
  /** 0 to 86399. */
  readonly seconds: number;
  /** 0 to 999999. */
  readonly microseconds: number;

  /**
   * Makes one of whole numbers, which may be negative or larger than their field; they add up.
   *
   * @throws BadRequestError for numbers that are not whole, and for lengths beyond 999999999 days
   */
  constructor(days = 0, seconds = 0, microseconds = 0) {
    if (![days, seconds, microseconds].every(Number.isSafeInteger)) {
      throw new BadRequestError(
        `A timedelta is made of whole numbers, not of ${days} days, ${seconds} s, ${microseconds} µs`,
      );
    }
    const carried = seconds + Math.floor(microseconds / MICROSECONDS_A_SECOND);
    this.days = positive(days + Math.floor(carried / SECONDS_A_DAY));
    this.seconds = modulo(carried, SECONDS_A_DAY);
    this.microseconds = modulo(microseconds, MICROSECONDS_A_SECOND);
    if (Math.abs(this.days) > MAX_DAYS) {
      throw new BadRequestError(`A timedelta spans ${MAX_DAYS} days at most, not ${this.days}`);
    }
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is PythonTimeDelta {
    return hasBrand(value, MARK);
  }

  /**
   * The length of some milliseconds, rounded to microseconds.
   *
   * @throws BadRequestError when that is no number, or too long
   */
  static fromMilliseconds(milliseconds: number): PythonTimeDelta {
    const days = Math.floor(milliseconds / MILLISECONDS_A_DAY);
    // By days first: the product of all of it with 1000 might not be exact.
    return new PythonTimeDelta(days, 0, Math.round((milliseconds - days * MILLISECONDS_A_DAY) * 1000));
  }

  /** All of it in milliseconds, with microseconds as fractions; beyond some 285 years these are not exact. */
  get totalMilliseconds(): number {
    const seconds = this.days * SECONDS_A_DAY + this.seconds;
    const micros = seconds * MICROSECONDS_A_SECOND + this.microseconds;
    return Number.isSafeInteger(micros) ? micros / 1000 : seconds * 1000 + this.microseconds / 1000;
  }

  /** As Python writes it: `-1 day, 0:00:02.000003`. */
  toString(): string {
    const { days, seconds, microseconds } = this;
    const minutes = Math.floor(seconds / 60);
    const clock = `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
    const fraction = microseconds === 0 ? "" : `.${pad(microseconds, 6)}`;
    return `${days === 0 ? "" : `${days} day${Math.abs(days) === 1 ? "" : "s"}, `}${clock}${fraction}`;
  }
}

const MARK = brandOf("PythonTimeDelta");
brand(PythonTimeDelta.prototype, MARK);

function modulo(value: number, by: number): number {
  return positive(value - Math.floor(value / by) * by);
}

/** Without the sign of −0, which would be another value to comparisons. */
function positive(value: number): number {
  return value === 0 ? 0 : value;
}

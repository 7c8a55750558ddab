import { brand, brandOf, hasBrand } from "../util/shared.js";

/**
 * A `Date` that knows the microseconds which a `Date` has no place for: what a point in time comes as when it has
 * any (docs/pseud-wire.md, section 3; docs/amp-wire.md, section 3). It is a `Date` to everybody, and goes back as it came.
 */
export class MicrosecondDate extends Date {
  readonly #at: number;
  readonly #rest: number;

  /**
   * Makes one.
   *
   * @param milliseconds - since 1970, whole
   * @param rest - microseconds on top, 0 to 999
   */
  constructor(milliseconds: number, rest: number) {
    super(milliseconds);
    this.#at = this.getTime();
    this.#rest = rest;
  }

  /** A `Date` that holds a point in time exactly: a plain one where that will do. */
  static of(milliseconds: number, rest: number): Date {
    return rest === 0 ? new Date(milliseconds) : new MicrosecondDate(milliseconds, rest);
  }

  /** The microseconds of any `Date` on top of its milliseconds, 0 to 999; 0 for those that know of none. */
  static restOf(date: Date): number {
    return hasBrand(date, MARK) ? (date as Date & Pick<MicrosecondDate, "microseconds">).microseconds : 0;
  }

  /** Microseconds on top of the milliseconds, 0 to 999; 0 once the `Date` was set to another time. */
  get microseconds(): number {
    return this.getTime() === this.#at ? this.#rest : 0;
  }

  /** As that of a `Date`, with microseconds: `2003-09-27T09:40:01.521290Z`. */
  override toISOString(): string {
    return super.toISOString().replace("Z", `${String(this.microseconds).padStart(3, "0")}Z`);
  }
}

const MARK = brandOf("MicrosecondDate");
brand(MicrosecondDate.prototype, MARK);

import { BadRequestError } from "../../errors.js";
import { brand, brandOf, hasBrand } from "../../util/shared.js";

/** What an {@link AmpDecimal} is besides a number: infinite, not a number, or a NaN that signals. */
export type DecimalKind = "finite" | "infinity" | "nan" | "snan";

/**
 * Python's `Decimal`: a decimal number of any precision, which it keeps. `1`, `1.0` and `1E+2` beside `100` differ in it
 * (docs/amp-wire.md, section 3). Immutable. It is no calculator: give `String(value)` to one.
 */
export class AmpDecimal {
  /** A number, or what else. */
  readonly kind: DecimalKind;
  /** Is there a minus in front? That goes for zero and NaN as well. */
  readonly isNegative: boolean;
  /** The digits, without zeros in front; those of a NaN may be empty, those of infinity are. */
  readonly digits: string;
  /** The power of ten that the digits are multiplied with; 0 where there is no number. */
  readonly exponent: number;

  /**
   * Makes one of a text as Python's `Decimal` takes it: `1.10`, `1E+2`, `-Infinity`, `NaN`; white space around and `_` are left out.
   *
   * @throws BadRequestError for any other, and for exponents of more than 15 digits
   */
  constructor(text: string | bigint) {
    const found = DECIMAL.exec(SPACED.exec(String(text))?.[1]?.replaceAll("_", "") ?? "")?.groups;
    if (!found) throw new BadRequestError(`${JSON.stringify(String(text).slice(0, 100))} is no decimal number`);
    const { sign, whole, behind, fraction = behind ?? "", power = "0", signal, payload } = found;
    this.isNegative = sign === "-";
    if (payload !== undefined) {
      this.kind = signal === undefined ? "nan" : "snan";
      this.digits = payload.replace(/^0+/, "");
      this.exponent = 0;
    } else if (whole === undefined && behind === undefined) {
      this.kind = "infinity";
      this.digits = "";
      this.exponent = 0;
    } else {
      this.kind = "finite";
      this.digits = ((whole ?? "") + fraction).replace(/^0+(?=\d)/, "");
      // Not −0, which would be another exponent to comparisons.
      this.exponent = Number(power) - fraction.length + 0;
      const adjusted = this.exponent + this.digits.length - 1;
      if (Math.max(Math.abs(this.exponent), Math.abs(adjusted)) > MAX_EXPONENT) {
        throw new BadRequestError("The exponent of a decimal number has more than 15 digits");
      }
    }
    Object.freeze(this);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is AmpDecimal {
    return hasBrand(value, DECIMAL_BRAND);
  }

  /** The nearest number. */
  toNumber(): number {
    if (this.kind === "finite") return Number(this.toString());
    if (this.kind !== "infinity") return Number.NaN;
    return this.isNegative ? -Infinity : Infinity;
  }

  /** As Python writes it, the scientific string of the General Decimal Arithmetic specification: `1.10`, `1E+2`, `0.000001`, `1E-7`. */
  toString(): string {
    const { kind, digits, exponent } = this;
    const sign = this.isNegative ? "-" : "";
    if (kind === "infinity") return `${sign}Infinity`;
    if (kind !== "finite") return `${sign}${kind === "nan" ? "NaN" : "sNaN"}${digits}`;
    const adjusted = exponent + digits.length - 1;
    if (exponent > 0 || adjusted < -6) {
      const mantissa = digits.length === 1 ? digits : `${digits.slice(0, 1)}.${digits.slice(1)}`;
      return `${sign}${mantissa}E${adjusted < 0 ? "-" : "+"}${Math.abs(adjusted)}`;
    }
    if (exponent === 0) return sign + digits;
    const padded = digits.padStart(1 - exponent, "0");
    return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
  }

  /** As {@link AmpDecimal.toString}: a number in JSON would lose what is special. */
  toJSON(): string {
    return this.toString();
  }
}

const DECIMAL_BRAND = brandOf("AmpDecimal");
brand(AmpDecimal.prototype, DECIMAL_BRAND);

const MAX_EXPONENT = 999_999_999_999_999;
/** What has white space around. */
const SPACED = /^[\t-\r\x1c-\x20]*([\w+\-.]*)[\t-\r\x1c-\x20]*$/;
const DECIMAL =
  /^(?<sign>[+-])?(?:(?:(?<whole>\d+)(?:\.(?<fraction>\d*))?|\.(?<behind>\d+))(?:e(?<power>[+-]?\d+))?|inf(?:inity)?|(?<signal>s)?nan(?<payload>\d*))$/i;

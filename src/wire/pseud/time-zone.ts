import { BadRequestError } from "../../errors.js";
import { brand, brandOf, hasBrand } from "../../util/shared.js";
import { pad } from "../calendar.js";
import { PythonTimeDelta } from "./time-delta.js";

const MILLISECONDS_A_DAY = 86_400_000;
/** Octets of the longest name; what the short form of a text in a pickle can hold. */
const MAX_NAME_BYTES = 255;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A time zone of Python (docs/pseud-wire.md, section 3): a fixed offset from UTC with or without a name, `datetime.timezone`,
 * or the key of a zone in the IANA database, `zoneinfo.ZoneInfo`. Immutable.
 */
export class PythonTimeZone {
  /** UTC as Python has it: no offset, no name. */
  static readonly utc: PythonTimeZone = PythonTimeZone.fixed(new PythonTimeDelta());

  /** What is added to UTC; `undefined` for zones of the IANA database. Less than a day either way. */
  readonly offset: PythonTimeDelta | undefined;
  /** Name of a fixed offset, such as `EST`; `undefined` without one. */
  readonly name: string | undefined;
  /** Key in the IANA database, such as `Europe/Paris`; `undefined` for fixed offsets. */
  readonly key: string | undefined;

  private constructor(offset: PythonTimeDelta | undefined, name: string | undefined, key: string | undefined) {
    this.offset = offset;
    this.name = name;
    this.key = key;
    Object.freeze(this);
  }

  /**
   * A fixed offset.
   *
   * @param offset - what is added to UTC: negative west of Greenwich
   * @param name - at most 255 octets in UTF-8
   * @throws BadRequestError for an offset of a day or more, and for names that cannot travel
   */
  static fixed(offset: PythonTimeDelta, name?: string): PythonTimeZone {
    if (Math.abs(offset.totalMilliseconds) >= MILLISECONDS_A_DAY) {
      throw new BadRequestError(`The offset of a time zone is less than a day, not ${offset.toString()}`);
    }
    if (name !== undefined) requireName(name);
    return new PythonTimeZone(offset, name, undefined);
  }

  /**
   * A zone of the IANA database. Python raises an error if its own does not have it.
   *
   * @param key - such as `Europe/Paris`; 1 to 255 octets in UTF-8. Whether there is such a zone is not looked up
   * @throws BadRequestError for a key that cannot travel
   */
  static iana(key: string): PythonTimeZone {
    if (key === "") throw new BadRequestError("The key of a time zone is empty");
    requireName(key);
    return new PythonTimeZone(undefined, undefined, key);
  }

  /** Is it one, of whichever copy of this package? */
  static is(value: unknown): value is PythonTimeZone {
    return hasBrand(value, MARK);
  }

  /** Is it UTC as Python's `timezone.utc`: no offset, and no name either? */
  get isUtc(): boolean {
    return this.offset !== undefined && this.name === undefined && this.offset.totalMilliseconds === 0;
  }

  /** As it ends a point in time in ISO 8601 and RFC 9557: `+02:00`, `-00:00:01`, `[Europe/Paris]`. */
  toString(): string {
    const { offset } = this;
    if (!offset) return `[${this.key ?? ""}]`;
    const isWest = offset.days < 0;
    const { seconds, microseconds } = isWest ? new PythonTimeDelta(0, -offset.seconds, -offset.microseconds) : offset;
    const rest = microseconds > 0 ? `:${pad(seconds % 60)}.${pad(microseconds, 6)}` : `:${pad(seconds % 60)}`;
    const hours = pad(Math.floor(seconds / 3600));
    const minutes = pad(Math.floor(seconds / 60) % 60);
    return `${isWest ? "-" : "+"}${hours}:${minutes}${rest === ":00" ? "" : rest}`;
  }
}

const MARK = brandOf("PythonTimeZone");
brand(PythonTimeZone.prototype, MARK);

function requireName(name: string): void {
  if (typeof name !== "string" || LONE_SURROGATE.test(name)) {
    throw new BadRequestError("The name of a time zone is no text, or holds half of a surrogate pair");
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new BadRequestError(`The name of a time zone has ${MAX_NAME_BYTES} octets at most`);
  }
}

import { readFileSync } from "node:fs";
import { MicrosecondDate } from "../../src/wire/microsecond-date.js";
import { PythonDate, PythonDateTime } from "../../src/wire/pseud/dates.js";
import { ExtensionValue, MessagePackTimestamp, PythonFloat } from "../../src/wire/pseud/foreign-values.js";
import { PythonTimeDelta } from "../../src/wire/pseud/time-delta.js";
import { PythonTimeZone } from "../../src/wire/pseud/time-zone.js";

/** What a Python peer wrote, and what it meant: one msgpack value in hex, and that value in JSON. */
export interface Vector {
  /** What it shows. */
  readonly name: string;
  /** The octets. */
  readonly hex: string;
  /** The value; objects whose only member begins with `$` stand for what JSON has not. */
  readonly decoded: unknown;
  /** Python can send it, but breaks when it gets it. */
  readonly fatalForPython?: true;
}

/** All of them. */
export function pseudVectors(): Vector[] {
  return JSON.parse(readFileSync("test/fixtures/vectors/pseud.json", "utf8")) as Vector[];
}

/** What the JSON of a vector stands for. */
export function valueOf(told: unknown): unknown {
  if (Array.isArray(told)) return told.map(valueOf);
  if (typeof told !== "object" || told === null) return told;
  const members = Object.entries(told);
  const [mark = "", content] = members[0] ?? [];
  const make = MARKS[mark];
  return make ? make(content) : Object.fromEntries(members.map(([name, member]) => [name, valueOf(member)]));
}

const octets = (hex: unknown): Uint8Array => new Uint8Array(Buffer.from(hex as string, "hex"));

const MARKS: Readonly<Record<string, (content: unknown) => unknown>> = {
  $bytes: octets,
  $int: (text) => BigInt(text as string),
  $float: (text) => new PythonFloat(Number((text as string).replace("inf", "Infinity"))),
  $map: (entries) => new Map((entries as unknown[][]).map(([key, value]) => [valueOf(key), valueOf(value)])),
  $datetime: (content) => toDateTime(content as { iso: string; fold: 0 | 1; tz: Zone | null }),
  $date: (iso) => new PythonDate(...((iso as string).split("-").map(Number) as [number, number, number])),
  $timedelta: (content) => {
    const { days, seconds, microseconds } = content as PythonTimeDelta;
    return new PythonTimeDelta(days, seconds, microseconds);
  },
  $tz: (zone) => toZone(zone as Zone),
  $timestamp: (content) => new MessagePackTimestamp(...(content as [number, number])),
  $ext: (content) => new ExtensionValue((content as [number, string])[0], octets((content as [number, string])[1])),
};

interface Zone {
  readonly kind: string;
  readonly offset_seconds?: number;
  readonly name?: string | null;
  readonly key?: string;
  readonly class?: string;
}

function toZone({ kind, offset_seconds: seconds = 0, name, key = "", class: foreign = "" }: Zone): PythonTimeZone {
  if (kind === "zoneinfo") return PythonTimeZone.iana(key);
  if (kind === "fixed")
    return PythonTimeZone.fixed(PythonTimeDelta.fromMilliseconds(seconds * 1000), name ?? undefined);
  const known = FOREIGN[foreign];
  if (!known) throw new Error(`A zone of ${foreign} is not known to the tests`);
  return known;
}

/** What zones of third parties come as. */
const FOREIGN: Readonly<Record<string, PythonTimeZone>> = {
  "dateutil.tz.tz.tzutc": PythonTimeZone.utc,
  "dateutil.tz.tz.tzoffset": PythonTimeZone.fixed(new PythonTimeDelta(0, 3600), "X"),
  "pytz.UTC": PythonTimeZone.utc,
  "pytz (Europe/Paris, utcoffset 7200, dst 3600, CEST)": PythonTimeZone.fixed(new PythonTimeDelta(0, 7200), "CEST"),
};

function toDateTime({ iso, fold, tz }: { iso: string; fold: 0 | 1; tz: Zone | null }): PythonDateTime | Date {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0] = iso
    .split(/[-T:.]/)
    .map(Number);
  const zone = tz ? toZone(tz) : undefined;
  const value = new PythonDateTime({ year, month, day, hour, minute, second, microsecond, fold, zone });
  return zone?.isUtc && fold === 0 ? value.toDate() : value;
}

/** A value as it may be compared: classes told apart, floats as numbers, `Date`s with their microseconds. */
export function comparable(value: unknown): unknown {
  if (PythonFloat.is(value)) return value.value;
  if (value instanceof Date) return ["Date", value.getTime(), MicrosecondDate.restOf(value)];
  if (value instanceof Map)
    return ["Map", ...Array.from(value, ([key, member]) => [key as unknown, comparable(member)])];
  if (value instanceof Uint8Array) return ["octets", Buffer.from(value).toString("hex")];
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, comparable(member)]);
  return [value.constructor.name, ...members];
}

/** A message of a Python peer, or to one: what travels, and what it means. */
export interface MessageVector {
  /** What it shows. */
  readonly name: string;
  /** Who sends it, and to whom. */
  readonly direction: string;
  /** In hex. */
  readonly frames: readonly string[];
  /** Absent for what nobody can make sense of. */
  readonly decoded?: Readonly<Record<string, unknown>>;
}

/** All of them. */
export function pseudMessages(): MessageVector[] {
  return JSON.parse(readFileSync("test/fixtures/vectors/pseud-messages.json", "utf8")) as MessageVector[];
}

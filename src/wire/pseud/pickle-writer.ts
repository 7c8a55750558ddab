import { PythonDate, PythonDateTime } from "./dates.js";
import type { PickledValue } from "./pickle-names.js";
import { PythonTimeDelta } from "./time-delta.js";
import { PythonTimeZone } from "./time-zone.js";

/**
 * Writes a pickle, protocol 4, which every Python since 3.4 reads: without frames and without a memo, so that all pickles of a
 * class have the same form (docs/pseud-wire.md, section 3). Of time zones, fixed offsets need nothing at the other end; a key
 * of the IANA database needs `zoneinfo` and that zone.
 */
export function writePickle(value: PickledValue): Buffer {
  return Buffer.concat([PROTOCOL, ...partsOf(value), STOP]);
}

const PROTOCOL = Buffer.of(0x80, 4);
const STOP = Buffer.of(0x2e);
const REDUCE = Buffer.of(0x52);
const TUPLE1 = Buffer.of(0x85);
const TUPLE2 = Buffer.of(0x86);
const TUPLE3 = Buffer.of(0x87);
/** The integer 1. */
const ONE = Buffer.of(0x4b, 1);

const DATE_TIME = name("datetime", "datetime");
const DATE = name("datetime", "date");
const TIME_DELTA = name("datetime", "timedelta");
const TIME_ZONE = name("datetime", "timezone");
/** `getattr(zoneinfo.ZoneInfo, "_unpickle")`. */
const UNPICKLE_ZONE_INFO = Buffer.concat([
  name("builtins", "getattr"),
  name("zoneinfo", "ZoneInfo"),
  text("_unpickle"),
  TUPLE2,
  REDUCE,
]);

function partsOf(value: PickledValue): Buffer[] {
  if (PythonDateTime.is(value)) return dateTimeParts(value);
  if (PythonDate.is(value)) {
    const { year, month, day } = value;
    return [DATE, octets(year >> 8, year & 0xff, month, day), TUPLE1, REDUCE];
  }
  return PythonTimeDelta.is(value) ? timeDeltaParts(value) : timeZoneParts(value);
}

function dateTimeParts(value: PythonDateTime): Buffer[] {
  const { year, month, day, hour, minute, second, microsecond, fold, zone } = value;
  const micros = [microsecond >> 16, (microsecond >> 8) & 0xff, microsecond & 0xff];
  const state = octets(year >> 8, year & 0xff, month | (fold << 7), day, hour, minute, second, ...micros);
  return zone ? [DATE_TIME, state, ...timeZoneParts(zone), TUPLE2, REDUCE] : [DATE_TIME, state, TUPLE1, REDUCE];
}

function timeDeltaParts({ days, seconds, microseconds }: PythonTimeDelta): Buffer[] {
  return [TIME_DELTA, integer(days), integer(seconds), integer(microseconds), TUPLE3, REDUCE];
}

function timeZoneParts(zone: PythonTimeZone): Buffer[] {
  const { offset, name: label, key } = zone;
  if (!offset) return [UNPICKLE_ZONE_INFO, text(key ?? ""), ONE, TUPLE2, REDUCE];
  const delta = timeDeltaParts(offset);
  if (label === undefined) return [TIME_ZONE, ...delta, TUPLE1, REDUCE];
  return [TIME_ZONE, ...delta, text(label), TUPLE2, REDUCE];
}

/** Looks a name up in a module. */
function name(module: string, member: string): Buffer {
  return Buffer.concat([text(module), text(member), Buffer.of(0x93)]);
}

/** A text of at most 255 octets. */
function text(value: string): Buffer {
  const encoded = Buffer.from(value);
  return Buffer.concat([Buffer.of(0x8c, encoded.length), encoded]);
}

function octets(...values: readonly number[]): Buffer {
  return Buffer.of(0x43, values.length, ...values);
}

/** An integer of 32 bits, its lowest octet first. */
function integer(value: number): Buffer {
  const written = Buffer.alloc(5);
  written[0] = 0x4a;
  written.writeInt32LE(value, 1);
  return written;
}

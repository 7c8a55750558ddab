import { ProtocolError } from "../../errors.js";
import { PythonDate, PythonDateTime } from "./dates.js";
import { PythonTimeDelta } from "./time-delta.js";
import { PythonTimeZone } from "./time-zone.js";

/** What a pickle may come to. */
export type PickledValue = PythonDateTime | PythonDate | PythonTimeDelta | PythonTimeZone;

/** What lies on the stack of a pickle while it is read. A list is a tuple. */
export type Item =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Item[]
  | Map<Item, Item>
  | Name
  | Unfinished
  | PickledValue;

/** Something that a pickle names and calls; only what this file makes of it ever happens. */
export class Name {
  /** What its call comes to. */
  readonly call: (args: readonly Item[]) => Item;

  /** Makes one. */
  constructor(call: (args: readonly Item[]) => Item) {
    this.call = call;
  }
}

/** A `tzoffset` of dateutil, which is made first and gets its state later; it may be remembered in between. */
export class Unfinished {
  /** What it is, once it has its state. */
  zone: PythonTimeZone | undefined;
}

/** What every call, and every name, that is not on the list comes to. */
export function unreadable(what: string): ProtocolError {
  return new ProtocolError(`A pickle holds ${what}`);
}

/**
 * Makes something of a module and a name in it.
 *
 * @throws ProtocolError unless it is one of the few that are known here (docs/pseud-wire.md, section 3)
 */
export function findName(module: Item, name: Item): Name {
  const found = typeof module === "string" && typeof name === "string" ? NAMES.get(`${module} ${name}`) : undefined;
  if (!found) throw unreadable("a name that is not known here");
  return found;
}

/**
 * Makes an object without calling its class.
 *
 * @throws ProtocolError unless it is a time zone of dateutil
 */
export function makeNew(name: Item | undefined, args: Item | undefined): Item {
  if (Array.isArray(args) && args.length === 0) {
    if (name === TZUTC) return PythonTimeZone.utc;
    if (name === TZOFFSET) return new Unfinished();
  }
  throw unreadable("an object of a class that is not known here");
}

/**
 * Gives an object its state.
 *
 * @throws ProtocolError unless it is a `tzoffset` of dateutil and gets what such has
 */
export function build(target: Item | undefined, state: Item | undefined): void {
  if (!(target instanceof Unfinished) || !(state instanceof Map) || state.size !== 2) throw unreadable("another state");
  const name = state.get("_name");
  const offset = state.get("_offset");
  if (!(offset instanceof PythonTimeDelta)) throw unreadable("another state");
  if (name === null) target.zone = PythonTimeZone.fixed(offset);
  else if (typeof name === "string") target.zone = PythonTimeZone.fixed(offset, name);
  else throw unreadable("another state");
}

/** The octets of a datetime: year (2), month and fold, day, hour, minute, second, microsecond (3). */
const DATE_TIME_BYTES = 10;
/** The octets of a date: year (2), month, day. */
const DATE_BYTES = 4;

function makeDateTime(args: readonly Item[]): PythonDateTime {
  const [state, zone] = args;
  if (!isState(state, DATE_TIME_BYTES) || args.length > 2) throw unreadable("another datetime");
  const [century = 0, year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, high = 0, middle = 0, low = 0] =
    state;
  return new PythonDateTime({
    year: century * 256 + year,
    month: month & 0x7f,
    day,
    hour,
    minute,
    second,
    microsecond: high * 65_536 + middle * 256 + low,
    fold: month > 0x7f ? 1 : 0,
    zone: args.length === 2 ? zoneIn(zone) : undefined,
  });
}

function makeDate(args: readonly Item[]): PythonDate {
  const [state] = args;
  if (!isState(state, DATE_BYTES) || args.length !== 1) throw unreadable("another date");
  const [century = 0, year = 0, month = 0, day = 0] = state;
  return new PythonDate(century * 256 + year, month, day);
}

function isState(item: Item | undefined, size: number): item is Uint8Array {
  return item instanceof Uint8Array && item.length === size;
}

function zoneIn(item: Item | undefined): PythonTimeZone {
  const zone = item instanceof Unfinished ? item.zone : item;
  if (zone instanceof PythonTimeZone) return zone;
  throw unreadable("another time zone");
}

function makeTimeDelta(args: readonly Item[]): PythonTimeDelta {
  const [days, seconds, microseconds] = args;
  if (typeof days !== "number" || typeof seconds !== "number" || typeof microseconds !== "number" || args.length > 3) {
    throw unreadable("another timedelta");
  }
  return new PythonTimeDelta(days, seconds, microseconds);
}

function makeTimeZone(args: readonly Item[]): PythonTimeZone {
  const [offset, name] = args;
  if (offset instanceof PythonTimeDelta) {
    if (args.length === 1) return PythonTimeZone.fixed(offset);
    if (args.length === 2 && typeof name === "string") return PythonTimeZone.fixed(offset, name);
  }
  throw unreadable("another timezone");
}

/** Protocols 0 to 2 have no octets of their own: a text stands for them, each character for one. */
function encodeText(args: readonly Item[]): Uint8Array {
  const [text, encoding] = args;
  const isText = typeof text === "string" && (text.length === DATE_TIME_BYTES || text.length === DATE_BYTES);
  if (!isText || encoding !== "latin1" || args.length !== 2) throw unreadable("another encoding");
  const octets = Buffer.from(text, "latin1");
  if (octets.toString("latin1") !== text) throw unreadable("a character that is no octet");
  return octets;
}

function getAttribute(args: readonly Item[]): Name {
  const [target, name] = args;
  if (target !== ZONE_INFO || name !== "_unpickle" || args.length !== 2) throw unreadable("another attribute");
  return UNPICKLE_ZONE_INFO;
}

function unpickleZoneInfo(args: readonly Item[]): PythonTimeZone {
  const [key, isCached] = args;
  if (typeof key !== "string" || args.length !== 2) throw unreadable("another zone");
  if (typeof isCached !== "boolean" && isCached !== 0 && isCached !== 1) throw unreadable("another zone");
  return PythonTimeZone.iana(key);
}

function makePytzUtc(args: readonly Item[]): PythonTimeZone {
  if (args.length > 0) throw unreadable("another zone");
  return PythonTimeZone.utc;
}

/** A zone of pytz: its key alone, or with the offset, of it daylight saving time, both in seconds, and the name in use. */
function makePytzZone(args: readonly Item[]): PythonTimeZone {
  const [key, offset, saving, name] = args;
  if (args.length === 1) return PythonTimeZone.iana(asciiOf(key));
  if (typeof offset !== "number" || typeof saving !== "number" || args.length !== 4) throw unreadable("another zone");
  // What it is at this time of the year says which point in time is meant; the key might not.
  return PythonTimeZone.fixed(new PythonTimeDelta(0, offset), asciiOf(name));
}

/** Texts of Python 2 are octets. */
function asciiOf(item: Item | undefined): string {
  if (typeof item === "string") return item;
  if (item instanceof Uint8Array && item.every((octet) => octet < 0x80)) return Buffer.from(item).toString("latin1");
  throw unreadable("another zone");
}

function uncallable(): never {
  throw unreadable("a call of something that is only named");
}

const ZONE_INFO = new Name(uncallable);
const UNPICKLE_ZONE_INFO = new Name(unpickleZoneInfo);
const TZUTC = new Name(uncallable);
const TZOFFSET = new Name(uncallable);
const GETATTR = new Name(getAttribute);

/** All that a pickle may name: module, space, name. Pickles of protocols 0 to 2 have the name that `builtins` had in Python 2. */
const NAMES: ReadonlyMap<string, Name> = new Map([
  ["datetime datetime", new Name(makeDateTime)],
  ["datetime date", new Name(makeDate)],
  ["datetime timedelta", new Name(makeTimeDelta)],
  ["datetime timezone", new Name(makeTimeZone)],
  ["_codecs encode", new Name(encodeText)],
  ["builtins getattr", GETATTR],
  ["__builtin__ getattr", GETATTR],
  ["zoneinfo ZoneInfo", ZONE_INFO],
  ["dateutil.tz.tz tzutc", TZUTC],
  ["dateutil.tz.tz tzoffset", TZOFFSET],
  ["pytz _UTC", new Name(makePytzUtc)],
  ["pytz _p", new Name(makePytzZone)],
]);

import { execFileSync } from "node:child_process";
import { expect } from "chai";
import { PythonDate, PythonDateTime } from "../../src/wire/pseud/dates.js";
import { sendableName } from "../../src/wire/pseud/error-names.js";
import type { PickledValue } from "../../src/wire/pseud/pickle-names.js";
import { readPickle } from "../../src/wire/pseud/pickle-reader.js";
import { writePickle } from "../../src/wire/pseud/pickle-writer.js";
import { PythonTimeDelta } from "../../src/wire/pseud/time-delta.js";
import { PythonTimeZone } from "../../src/wire/pseud/time-zone.js";
import { comparable } from "../support/pseud-vectors.js";

interface Told {
  readonly pickles: readonly { readonly value: unknown; readonly dumps: readonly string[] }[];
  readonly builtins: Readonly<Record<string, boolean>>;
}

const day = { year: 2003, month: 10, day: 26 };
const time = { hour: 2, minute: 30, second: 1, microsecond: 521_290 };
const west = new PythonTimeDelta(0, -18_000);
const zones = [
  PythonTimeZone.utc,
  PythonTimeZone.fixed(west),
  PythonTimeZone.fixed(west, "EST"),
  PythonTimeZone.fixed(new PythonTimeDelta(), "UTC"),
  PythonTimeZone.fixed(new PythonTimeDelta(0, 0, 1), "é€🐑\\\n"),
  PythonTimeZone.fixed(new PythonTimeDelta(0, 86_399, 999_999), "x".repeat(255)),
  PythonTimeZone.fixed(new PythonTimeDelta(-1, 0, 1)),
  PythonTimeZone.iana("Europe/Paris"),
  PythonTimeZone.iana("UTC"),
];

const VALUES: readonly PickledValue[] = [
  ...zones,
  new PythonTimeDelta(),
  new PythonTimeDelta(-1, 86_399, 999_999),
  new PythonTimeDelta(999_999_999, 86_399, 999_999),
  new PythonTimeDelta(-999_999_999),
  new PythonDate(1, 1, 1),
  new PythonDate(9999, 12, 31),
  new PythonDateTime({ year: 1, month: 1, day: 1 }),
  new PythonDateTime({ year: 9999, month: 12, day: 31, hour: 23, minute: 59, second: 59, microsecond: 999_999 }),
  ...[undefined, ...zones].flatMap((zone) => [
    new PythonDateTime({ ...day, ...time, zone }),
    new PythonDateTime({ ...day, ...time, fold: 1, zone }),
  ]),
];

function describeZone({ offset, name, key }: PythonTimeZone): unknown {
  return offset ? { offset: describeValue(offset), name: name ?? null } : { key };
}

/** A value as the program in Python tells it. */
function describeValue(value: PickledValue): unknown {
  if (value instanceof PythonDateTime) {
    const { year, month, hour, minute, second, microsecond, fold, zone } = value;
    const datetime = [year, month, value.day, hour, minute, second, microsecond, fold];
    return { datetime, zone: zone ? describeZone(zone) : null };
  }
  if (value instanceof PythonDate) return { date: [value.year, value.month, value.day] };
  if (value instanceof PythonTimeDelta) return { timedelta: [value.days, value.seconds, value.microseconds] };
  return { zone: describeZone(value) };
}

/** Python says nothing of the fold in protocols that are older than it. */
function withoutFold(value: PickledValue | undefined): PickledValue | undefined {
  if (!(value instanceof PythonDateTime)) return value;
  return new PythonDateTime(Object.assign({}, value, { fold: 0 }));
}

describe("Dates and errors of the pseud wire against Python", () => {
  let told: Told;
  before(() => {
    const input = JSON.stringify({ pickles: VALUES.map((value) => writePickle(value).toString("hex")) });
    told = JSON.parse(
      execFileSync("/usr/bin/python3", ["test/interop/python/pseud_values.py"], { input, encoding: "utf8" }),
    ) as Told;
  });

  it("reads what we write", () => {
    expect(told.pickles.map(({ value }) => value)).to.deep.equal(VALUES.map(describeValue));
  });

  it("writes what we read, in each protocol", () => {
    for (const [index, { dumps }] of told.pickles.entries()) {
      expect(dumps).to.have.length(6);
      for (const [protocol, hex] of dumps.entries()) {
        const value = readPickle(Buffer.from(hex, "hex"));
        const expected = protocol < 4 ? withoutFold(VALUES[index]) : VALUES[index];
        expect(comparable(value), `protocol ${protocol}: ${hex}`).to.deep.equal(comparable(expected));
      }
    }
  });

  it("has no builtin that we would send and it could not raise", () => {
    for (const [name, isSendable] of Object.entries(told.builtins)) {
      expect(sendableName(name) === name, name).to.equal(isSendable);
      expect(Object.keys(told.builtins)).to.not.include(isSendable ? "" : sendableName(name));
    }
  });
});

import { expect } from "chai";
import fc from "fast-check";
import { BadRequestError, ProtocolError } from "../../src/errors.js";
import { MicrosecondDate } from "../../src/wire/microsecond-date.js";
import { PythonDate, PythonDateTime, type PythonDateTimeFields } from "../../src/wire/pseud/dates.js";
import { decodeBody } from "../../src/wire/pseud/decode-value.js";
import { encodeBody } from "../../src/wire/pseud/encode-value.js";
import { ExtensionValue, MessagePackTimestamp } from "../../src/wire/pseud/foreign-values.js";
import { readPickle } from "../../src/wire/pseud/pickle-reader.js";
import { writePickle } from "../../src/wire/pseud/pickle-writer.js";
import { PythonTimeDelta } from "../../src/wire/pseud/time-delta.js";
import { PythonTimeZone } from "../../src/wire/pseud/time-zone.js";
import { TranslationTable } from "../../src/wire/pseud/translation-table.js";
import { comparable } from "../support/pseud-vectors.js";

const TABLE = new TranslationTable();
const there = (value: unknown): unknown => decodeBody(encodeBody(value, TABLE, "args"), TABLE);

const PARIS = PythonTimeZone.iana("Europe/Paris");
const hours = (count: number): PythonTimeDelta => new PythonTimeDelta(0, count * 3600);
const at = (iso: string, zone?: PythonTimeZone, fold: 0 | 1 = 0): PythonDateTime => {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, microsecond = 0] = iso
    .split(/[-T:.]/)
    .map(Number);
  return new PythonDateTime({ year, month, day, hour, minute, second, microsecond, fold, zone });
};

const anyDelta = fc
  .tuple(fc.integer({ min: -999_999_999, max: 999_999_999 }), fc.nat(86_399), fc.nat(999_999))
  .map((parts) => new PythonTimeDelta(...parts));
const anyZone = fc.oneof(
  fc
    .tuple(
      fc.integer({ min: -86_399, max: 86_399 }),
      fc.constantFrom(0, 1, -1),
      fc.option(fc.string({ unit: "grapheme", maxLength: 20 }), { nil: undefined }),
    )
    .map(([seconds, micros, name]) => PythonTimeZone.fixed(new PythonTimeDelta(0, seconds, micros), name)),
  fc.constantFrom("Europe/Paris", "UTC", "America/New_York", "Nowhere/Land").map((key) => PythonTimeZone.iana(key)),
);
const anyDay = fc.record({
  year: fc.integer({ min: 1, max: 9999 }),
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 28 }),
});
const anyDateTime: fc.Arbitrary<PythonDateTime> = fc
  .tuple(
    anyDay,
    fc.record({ hour: fc.nat(23), minute: fc.nat(59), second: fc.nat(59), microsecond: fc.nat(999_999) }),
    fc.record({ fold: fc.constantFrom(0 as const, 1 as const), zone: fc.option(anyZone, { nil: undefined }) }),
  )
  .map(([day, time, rest]) => new PythonDateTime({ ...day, ...time, ...rest }));

describe("Dates of the pseud wire", () => {
  describe("a Date", () => {
    it("goes as an aware datetime in UTC and comes back as a Date", () => {
      const sent = new Date(1_064_655_601_521);
      const value = readPickle(encodeBody(sent, TABLE, "args").subarray(3));
      expect(comparable(value)).to.deep.equal(comparable(at("2003-09-27T09:40:01.521000", PythonTimeZone.utc)));
      const got = there(sent);
      expect(got).to.deep.equal(sent);
      expect(Object.getPrototypeOf(got)).to.equal(Date.prototype);
    });

    it("keeps the microseconds that came with it, until it is set to another time", () => {
      const value = at("2003-09-27T09:40:01.521290", PythonTimeZone.utc);
      const date = there(value) as MicrosecondDate;
      expect(date).to.be.instanceOf(Date).and.instanceOf(MicrosecondDate);
      expect(date.getTime()).to.equal(1_064_655_601_521);
      expect(date.microseconds).to.equal(290);
      expect(JSON.stringify(date)).to.equal('"2003-09-27T09:40:01.521290Z"');
      expect(comparable(there(date))).to.deep.equal(comparable(date));
      date.setUTCFullYear(2004);
      expect(date.microseconds).to.equal(0);
      expect(date.toISOString()).to.equal("2004-09-27T09:40:01.521000Z");
    });

    it("is not what a naive datetime comes as, nor one in another zone, with a name or a fold", () => {
      for (const value of [
        at("2003-09-27T09:40:01"),
        at("2003-09-27T09:40:01", PythonTimeZone.fixed(hours(1))),
        at("2003-09-27T09:40:01", PythonTimeZone.fixed(hours(0), "UTC")),
        at("2003-09-27T09:40:01", PythonTimeZone.iana("UTC")),
        at("2003-09-27T09:40:01", PythonTimeZone.utc, 1),
      ]) {
        const got = there(value);
        expect(PythonDateTime.is(got)).to.equal(true);
        expect(comparable(got)).to.deep.equal(comparable(value));
      }
    });
  });

  describe("a PythonDateTime", () => {
    it("is made of a Date and gives it back", () => {
      for (const [iso, zone, fold, utc] of [
        ["2003-09-27T09:40:01.521000", PythonTimeZone.utc, 0, "2003-09-27T09:40:01.521Z"],
        ["2003-09-27T09:40:01.521000", PythonTimeZone.fixed(hours(-5)), 0, "2003-09-27T14:40:01.521Z"],
        ["2003-09-27T09:40:01.521000", PARIS, 0, "2003-09-27T07:40:01.521Z"],
        ["2003-10-26T02:30:00", PARIS, 0, "2003-10-26T00:30:00.000Z"],
        ["2003-10-26T02:30:00", PARIS, 1, "2003-10-26T01:30:00.000Z"],
        ["1900-01-01T00:09:21", PARIS, 0, "1900-01-01T00:00:00.000Z"],
        ["0050-01-01T00:09:21", PARIS, 0, "0050-01-01T00:00:00.000Z"],
        ["0001-01-01T00:00:00", PythonTimeZone.utc, 0, "0001-01-01T00:00:00.000Z"],
        ["9999-12-31T23:59:59.999000", PythonTimeZone.utc, 0, "9999-12-31T23:59:59.999Z"],
      ] as const) {
        const value = at(iso, zone, fold);
        expect(value.toDate().toISOString(), iso).to.equal(utc);
        expect(comparable(PythonDateTime.fromDate(new Date(utc), zone))).to.deep.equal(comparable(value));
      }
      expect(PythonDateTime.fromDate(new Date(0)).zone).to.equal(PythonTimeZone.utc);
    });

    it("has the offset before a gap in the clock with fold 0, and the one after it with 1", () => {
      expect(at("2003-03-30T02:30:00", PARIS, 0).toDate().toISOString()).to.equal("2003-03-30T01:30:00.000Z");
      expect(at("2003-03-30T02:30:00", PARIS, 1).toDate().toISOString()).to.equal("2003-03-30T00:30:00.000Z");
      expect(at("2003-03-30T03:30:00", PARIS, 0).toDate().toISOString()).to.equal("2003-03-30T01:30:00.000Z");
      expect(at("2003-03-30T01:30:00", PARIS, 1).toDate().toISOString()).to.equal("2003-03-30T00:30:00.000Z");
    });

    it("keeps microseconds through a Date, those of an offset among them", () => {
      fc.assert(
        fc.property(
          anyDateTime.filter(({ year, zone }) => year > 1 && year < 9999 && zone?.offset !== undefined),
          (value) => {
            const again = PythonDateTime.fromDate(value.toDate(), value.zone);
            expect(comparable(again)).to.deep.equal(
              comparable(new PythonDateTime(Object.assign({}, value, { fold: 0 }))),
            );
          },
        ),
      );
    });

    it("is the same through a Date in zones with summer time, fold and all", () => {
      fc.assert(
        fc.property(
          fc.constantFrom("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
          fc.date({ min: new Date("1900-01-02Z"), max: new Date("2037-12-30Z"), noInvalidDate: true }),
          (key, date) => {
            const value = PythonDateTime.fromDate(date, PythonTimeZone.iana(key));
            expect(value.toDate().getTime(), value.toString()).to.equal(date.getTime());
          },
        ),
        { numRuns: 300 },
      );
    });

    it("is no point in time when it is naive, or its zone unknown", () => {
      expect(at("2003-09-27").isAware).to.equal(false);
      expect(() => at("2003-09-27").toDate()).to.throw(BadRequestError, "2003-09-27T00:00:00 has no time zone");
      const nowhere = PythonTimeZone.iana("Nowhere/Land");
      expect(() => at("2003-09-27", nowhere).toDate()).to.throw(BadRequestError, 'no time zone "Nowhere/Land"');
      expect(() => PythonDateTime.fromDate(new Date(0), nowhere)).to.throw(BadRequestError);
    });

    it("is written in ISO 8601", () => {
      for (const [value, text] of [
        [at("2003-09-27T09:40:01.521290"), "2003-09-27T09:40:01.521290"],
        [at("0003-01-02", PythonTimeZone.utc), "0003-01-02T00:00:00+00:00"],
        [at("2003-09-27", PythonTimeZone.fixed(new PythonTimeDelta(0, -18_000), "EST")), "2003-09-27T00:00:00-05:00"],
        [at("2003-09-27", PythonTimeZone.fixed(new PythonTimeDelta(0, 561))), "2003-09-27T00:00:00+00:09:21"],
        [at("2003-09-27", PythonTimeZone.fixed(new PythonTimeDelta(0, 0, -1))), "2003-09-27T00:00:00-00:00:00.000001"],
        [at("2003-09-27", PARIS), "2003-09-27T00:00:00[Europe/Paris]"],
        [new PythonDate(33, 4, 3), "0033-04-03"],
      ] as const) {
        expect(String(value)).to.equal(text);
      }
    });

    it("has the ranges that Python has, and does not change", () => {
      const good: PythonDateTimeFields = { year: 2000, month: 2, day: 29 };
      for (const bad of [
        { year: 0 },
        { year: 10_000 },
        { month: 0 },
        { month: 13 },
        { day: 0 },
        { day: 30 },
        { year: 1900 },
        { year: 2001 },
        { month: 4, day: 31 },
        { hour: 24 },
        { minute: 60 },
        { second: 60 },
        { microsecond: 1_000_000 },
        { microsecond: 0.5 },
        { fold: 2 as 1 },
        { zone: "UTC" as unknown as PythonTimeZone },
      ]) {
        expect(() => new PythonDateTime({ ...good, ...bad }), JSON.stringify(bad)).to.throw(BadRequestError);
      }
      const value = new PythonDateTime(good);
      expect(() => Object.assign(value, { year: 2001 })).to.throw(TypeError);
      expect(() => new PythonDate(2001, 2, 29)).to.throw(BadRequestError);
    });
  });

  describe("a PythonTimeDelta", () => {
    it("is normalised: the sign is in the days", () => {
      const { days, seconds, microseconds } = new PythonTimeDelta(0, 0, -1);
      expect([days, seconds, microseconds]).to.deep.equal([-1, 86_399, 999_999]);
      expect(new PythonTimeDelta(1, 86_400, 86_400_000_001)).to.deep.include({ days: 3, seconds: 0, microseconds: 1 });
      expect(Object.is(new PythonTimeDelta(-0, -0, -0).days, 0)).to.equal(true);
    });

    it("is made of milliseconds and gives them back", () => {
      for (const milliseconds of [0, 1.5, -0.001, 86_400_000, -90_000_000.25, 999_999_999 * 86_400_000]) {
        expect(PythonTimeDelta.fromMilliseconds(milliseconds).totalMilliseconds).to.equal(milliseconds);
      }
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1e30]) {
        expect(() => PythonTimeDelta.fromMilliseconds(bad), String(bad)).to.throw(BadRequestError);
      }
    });

    it("spans 999999999 days at most", () => {
      expect(new PythonTimeDelta(999_999_999, 86_399, 999_999).days).to.equal(999_999_999);
      expect(() => new PythonTimeDelta(999_999_999, 86_400)).to.throw(BadRequestError);
      expect(() => new PythonTimeDelta(-999_999_999, 0, -1)).to.throw(BadRequestError);
      expect(() => new PythonTimeDelta(0.5)).to.throw(BadRequestError);
    });

    it("is written as Python writes it", () => {
      expect(String(new PythonTimeDelta(-1, 2, 3))).to.equal("-1 day, 0:00:02.000003");
      expect(String(new PythonTimeDelta(2, 36_061))).to.equal("2 days, 10:01:01");
      expect(String(new PythonTimeDelta())).to.equal("0:00:00");
    });
  });

  it("a PythonTimeZone is less than a day from UTC and has a name that can travel", () => {
    for (const bad of [
      () => PythonTimeZone.fixed(new PythonTimeDelta(1)),
      () => PythonTimeZone.fixed(new PythonTimeDelta(-1)),
      () => PythonTimeZone.fixed(hours(1), "x".repeat(256)),
      () => PythonTimeZone.fixed(hours(1), "\ud800"),
      () => PythonTimeZone.iana(""),
      () => PythonTimeZone.iana("é".repeat(128)),
    ]) {
      expect(bad).to.throw(BadRequestError);
    }
    expect(PythonTimeZone.fixed(new PythonTimeDelta(-1, 0, 1)).isUtc).to.equal(false);
    expect(PythonTimeZone.utc.isUtc).to.equal(true);
  });

  it("a MessagePackTimestamp has 64 bits of seconds and gives a Date", () => {
    expect(new MessagePackTimestamp(1, 999_999_999).toDate().getTime()).to.equal(1999);
    expect(new MessagePackTimestamp(-1, 5_000_000).toDate().getTime()).to.equal(-995);
    for (const [seconds, nanoseconds] of [
      [2n ** 63n, 0],
      [0.5, 0],
      [0, -1],
      [0, 1e9],
    ] as const) {
      expect(() => new MessagePackTimestamp(seconds, nanoseconds)).to.throw(BadRequestError);
    }
  });

  it("are the same after the way", () => {
    const anyDate = anyDay.map(({ year, month, day }) => new PythonDate(year, month, day));
    fc.assert(
      fc.property(fc.oneof(anyDateTime, anyDate, anyDelta, anyZone), (sent) => {
        const pickled = readPickle(writePickle(sent));
        expect(comparable(pickled)).to.deep.equal(comparable(sent));
        const got = there(sent);
        const isDate = sent instanceof PythonDateTime && sent.zone?.isUtc === true && sent.fold === 0;
        expect(comparable(got)).to.deep.equal(comparable(isDate ? sent.toDate() : sent));
        expect(comparable(there(got))).to.deep.equal(comparable(got));
      }),
      { numRuns: 1_000 },
    );
  });

  describe("pickles", () => {
    const latin = (text: string): Buffer => Buffer.from(text, "latin1");
    const state = "\x43\x0a\x07\xd3\x09\x1b\x09\x28\x01\x07\xf4\x4a";
    const named = (module: string, name: string): string => `c${module}\n${name}\n`;

    for (const [what, text, expected] of [
      [
        "a zone of the standard library in the protocols that Python 2 has",
        `${named("__builtin__", "getattr")}(${named("zoneinfo", "ZoneInfo")}V_unpickle\ntR(VEurope/Paris\nI01\ntR.`,
        PARIS,
      ],
      [
        "a zone of pytz from Python 2",
        `\x80\x02${named("pytz", "_p")}(U\x0cEurope/ParisM \x1cM\x10\x0eU\x04CESTtR.`,
        PythonTimeZone.fixed(hours(2), "CEST"),
      ],
      ["a zone of pytz without an offset", `${named("pytz", "_p")}(VEtc/GMT+1\ntR.`, PythonTimeZone.iana("Etc/GMT+1")],
      [
        "integers of any length",
        `${named("datetime", "timedelta")}\x8a\x01\xff\x8a\x00\x8a\x03\x3f\x42\x0f\x87R.`,
        new PythonTimeDelta(-1, 0, 999_999),
      ],
      [
        "a name with characters that stand there by their numbers",
        `${named("datetime", "timezone")}(${named("datetime", "timedelta")}(I0\nI1\nI0\ntRV\\u20ac\\U0001f411\\u005c\ntR.`,
        PythonTimeZone.fixed(new PythonTimeDelta(0, 1), "€🐑\\"),
      ],
      [
        "a zone of dateutil without a name",
        `\x80\x02${named("dateutil.tz.tz", "tzoffset")})\x81}(X\x05\0\0\0_nameNX\x07\0\0\0_offset${named("datetime", "timedelta")}K\0M\x10\x0eK\0\x87Rub.`,
        PythonTimeZone.fixed(hours(1)),
      ],
      [
        "numbers of the memo up to 2³²",
        `${named("datetime", "date")}r\xff\xff\xff\xff\x43\x04\x07\xd3\x09\x1bp4294967294\n\x85R.`,
        new PythonDate(2003, 9, 27),
      ],
    ] as const) {
      it(`are read with ${what}`, () => {
        expect(comparable(readPickle(latin(text)))).to.deep.equal(comparable(expected));
      });
    }

    const os = `${named("posix", "system")}(Vtouch /tmp/lamplighter-was-here\ntR.`;
    for (const [what, text] of Object.entries({
      "a command": os,
      "a command of another spelling": `\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.`,
      eval: `${named("builtins", "eval")}(V1\ntR.`,
      "an attribute of something else": `${named("builtins", "getattr")}(${named("datetime", "datetime")}V_unpickle\ntR.`,
      "another attribute": `${named("builtins", "getattr")}(${named("zoneinfo", "ZoneInfo")}V__init__\ntR.`,
      "an attribute of an attribute": `\x80\x04\x8c\x08zoneinfo\x8c\x12ZoneInfo._unpickle\x93.`,
      "a name of JavaScript": `${named("constructor", "constructor")})R.`,
      "a class that is only named": `${named("zoneinfo", "ZoneInfo")}(VUTC\ntR.`,
      "a name and no call": `${named("datetime", "datetime")}.`,
      "a call of a value": `K\x01)R.`,
      "an object of a class that is called": `${named("datetime", "datetime")})\x81.`,
      "a state for what takes none": `${named("datetime", "date")}\x43\x04\x07\xd3\x09\x1b\x85R}b.`,
      "an unfinished zone": `${named("dateutil.tz.tz", "tzoffset")})\x81.`,
      "another codec": `${named("_codecs", "encode")}(Vabcd\nVrot13\ntR.`,
      "a character that is no octet": `${named("datetime", "date")}(${named("_codecs", "encode")}(V\\u0107abc\nVlatin1\ntRtR.`,
      "the 30th of February": `${named("datetime", "date")}\x43\x04\x07\xd3\x02\x1e\x85R.`,
      "a state of another size": `${named("datetime", "date")}\x43\x05\x07\xd3\x02\x1e\x00\x85R.`,
      "too many arguments": `${named("datetime", "date")}\x43\x04\x07\xd3\x02\x1cNN\x87R.`,
      "a zone that is none": `${named("datetime", "datetime")}${state}K\x01\x86R.`,
      "a timedelta beyond its range": `${named("datetime", "timedelta")}J\xff\xff\xff\x7fK\x00K\x00\x87R.`,
      "a zone a day away": `${named("datetime", "timezone")}${named("datetime", "timedelta")}K\x01K\x00K\x00\x87R\x85R.`,
      "a text that is no UTF-8": "\x8c\x01\xff.",
      "a number": "K\x01.",
      nothing: ".",
      "no end": "K\x01",
      "two values": `K\x01${named("datetime", "timedelta")}K\x01K\x00K\x00\x87R.`,
      "something behind its end": `${named("datetime", "timedelta")}K\x01K\x00K\x00\x87R.x`,
      "a memory of nothing": "h\x05.",
      "an index that is none": "g-1\n.",
      "an integer that is none": "Iabc\n.",
      "a huge integer": "\x8a\xff.",
      "a text that breaks off": "X\xff\xff\xff\xffabc.",
      "a newer protocol": "\x80\x06K\x01.",
      "a tuple of what lies below a mark": "K\x01K\x01(\x86.",
      "a tuple without a mark": "K\x01t.",
      "an odd number of items": "}(K\x01u.",
      "more octets than any date": `V${"x".repeat(5000)}\n.`,
    })) {
      it(`are not read with ${what}, and come as they are`, () => {
        expect(() => readPickle(latin(text))).to.throw(ProtocolError);
        for (const code of [123, 124, 125, 126]) {
          const sent = new ExtensionValue(code, latin(text));
          const got = there(sent);
          expect(comparable(got)).to.deep.equal(comparable(sent));
          expect(encodeBody(got, TABLE, "args")).to.deep.equal(encodeBody(sent, TABLE, "args"));
        }
      });
    }
  });
});

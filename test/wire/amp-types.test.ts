import { resolve } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { ConfigurationError, ProtocolError, RpcError } from "../../src/errors.js";
import {
  AmpDateTime,
  AmpDecimal,
  type AmpField,
  type AmpFields,
  type AmpType,
  ampList,
  boolean,
  bytes,
  dateTime,
  decimal,
  decodeFields,
  descriptor,
  encodeFields,
  float,
  integer,
  listOf,
  MalformedValueError,
  optional,
  path,
  requireFields,
  unicode,
  WrongValueError,
} from "../../src/wire/amp/index.js";
import { MicrosecondDate } from "../../src/wire/microsecond-date.js";

const text = (octets: Uint8Array): string => Buffer.from(octets).toString("latin1");
const octets = (latin: string): Buffer => Buffer.from(latin, "latin1");

function failure(action: () => unknown): RpcError {
  try {
    action();
  } catch (error) {
    if (RpcError.isRpcError(error)) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

/** Writes values that the compiler would not let by. */
const encodeAny = (fields: AmpFields, values: unknown, options = {}): Map<string, Uint8Array> =>
  encodeFields(fields, values as never, options);

/** Is the same after the way. */
function travels<T>(type: AmpType<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, (value) => {
      expect(type.decode(type.encode(value))).to.deep.equal(value);
    }),
  );
}

describe("Types of AMP", () => {
  describe("integer()", () => {
    it("is the same after the way, numbers where they are exact", () => {
      travels(
        integer(),
        fc.oneof(
          fc.maxSafeInteger(),
          fc.bigInt().filter((one) => !Number.isSafeInteger(Number(one))),
        ),
      );
      expect(integer().decode(integer().encode(5n))).to.equal(5);
      expect(integer().decode(octets("-9007199254740992"))).to.equal(-9_007_199_254_740_992n);
      expect(text(integer().encode(-0))).to.equal("0");
      expect(Object.is(integer().decode(octets("-0")), 0)).to.equal(true);
    });

    it("is received as what is asked for", () => {
      expect(integer({ as: "bigint" }).decode(octets("5"))).to.equal(5n);
      expect(integer({ as: "number" }).decode(octets("5"))).to.equal(5);
      expect(failure(() => integer({ as: "number" }).decode(octets("9007199254740992")))).to.be.instanceOf(
        ProtocolError,
      );
    });

    it("has as many digits as fit", () => {
      const huge = 10n ** 20_000n + 7n;
      expect(integer().decode(integer().encode(huge))).to.equal(huge);
    });

    it("is refused where Python refuses it", () => {
      for (const wrong of [
        "",
        " ",
        "-",
        "+ 5",
        "1__0",
        "_1",
        "1_",
        "5\0",
        "\xa05",
        "\x1c5",
        "1e3",
        "0b1",
        "5 5",
        "--5",
      ]) {
        expect(
          failure(() => integer().decode(octets(wrong))),
          JSON.stringify(wrong),
        ).to.be.instanceOf(ProtocolError);
      }
      expect(integer().decode(octets("\v+1_0\f"))).to.equal(10);
    });
  });

  describe("float()", () => {
    it("is the same after the way", () => {
      travels(float(), fc.double());
      for (const value of [-0, Number.NaN, Infinity, -Infinity]) {
        expect(Object.is(float().decode(float().encode(value)), value)).to.equal(true);
      }
    });

    it("is written as Python does", () => {
      for (const [value, written] of [
        [9_999_999_999_999_998, "9999999999999998.0"],
        [0.00012345, "0.00012345"],
        [123_456_789_012_345_680, "1.2345678901234568e+17"],
        [-1.5e-5, "-1.5e-05"],
        [12.5, "12.5"],
        [1e100, "1e+100"],
      ] as const) {
        expect(text(float().encode(value))).to.equal(written);
      }
    });

    it("is read and refused as Python does", () => {
      for (const [written, value] of [
        ["1_0.5", 10.5],
        ["5.", 5],
        [".5", 0.5],
        ["1e1_0", 1e10],
        ["-0", -0],
        ["+iNfinity", Infinity],
        ["-INF", -Infinity],
        ["1e400", Infinity],
      ] as const) {
        expect(Object.is(float().decode(octets(written)), value), written).to.equal(true);
      }
      for (const wrong of [
        "1._5",
        "1_.5",
        ".",
        "1e",
        "infin",
        "0x1p3",
        "\x1c5",
        "\x855",
        "5\0",
        "e5",
        "1e+",
        "- 1",
        "",
      ]) {
        expect(
          failure(() => float().decode(octets(wrong))),
          JSON.stringify(wrong),
        ).to.be.instanceOf(ProtocolError);
      }
    });
  });

  describe("decimal()", () => {
    const digits = fc.stringMatching(/^\d{1,30}$/);
    const written = fc
      .tuple(fc.constantFrom("", "-"), digits, fc.option(digits), fc.option(fc.integer({ min: -400, max: 400 })))
      .map(
        ([sign, whole, fraction, power]) =>
          sign + whole + (fraction ? `.${fraction}` : "") + (power ? `E${power}` : ""),
      );

    it("is the same after the way, its precision too", () => {
      travels(
        decimal() as AmpType<AmpDecimal>,
        written.map((one) => new AmpDecimal(one)),
      );
    });

    it("is written in one form only", () => {
      fc.assert(
        fc.property(written, (one) => {
          const value = new AmpDecimal(one);
          expect(String(new AmpDecimal(String(value)))).to.equal(String(value));
          expect(value.toNumber()).to.equal(Number(one));
        }),
      );
    });

    it("is read and refused as Python does", () => {
      for (const [one, canonical] of [
        ["1_0", "10"],
        [" _1__0_\n", "10"],
        ["1.", "1"],
        [".5", "0.5"],
        ["00.10", "0.10"],
        ["-0.0E+3", "-0E+2"],
        ["NaN000", "NaN"],
        ["nan0012", "NaN12"],
        ["-snan5", "-sNaN5"],
        ["+Inf", "Infinity"],
        ["\x1c5", "5"],
      ] as const) {
        expect(String(decimal().decode(octets(one)))).to.equal(canonical);
      }
      for (const wrong of ["", ".", "1e", "1,5", "e5", "--1", "1 1", "0x1", "snanx", "infinit", "5\0"]) {
        const error = failure(() => decodeFields({ x: decimal() }, new Map([["x", octets(wrong)]])));
        expect(error, wrong).to.be.instanceOf(ProtocolError);
        expect(error.message).to.match(/^args\.x cannot be read: ".*" is no decimal number$/);
      }
    });

    it("has exponents of up to 15 digits, so that it can be sent back", () => {
      expect(String(new AmpDecimal("1E+999999999999999"))).to.equal("1E+999999999999999");
      expect(String(new AmpDecimal("1E-999999999999999"))).to.equal("1E-999999999999999");
      for (const one of [
        "1E+1000000000000000",
        "0.1E-999999999999999",
        "10E+999999999999999",
        `1E${"9".repeat(400)}`,
      ]) {
        expect(failure(() => new AmpDecimal(one))).to.have.property("code", "BAD_REQUEST");
      }
    });

    it("is made of texts and bigints, and not of numbers", () => {
      expect(text(decimal().encode("1.10"))).to.equal("1.10");
      expect(text(decimal().encode(100n))).to.equal("100");
      expect(failure(() => encodeAny({ x: decimal() }, { x: 0.1 })).message).to.equal(
        "args.x is a number, not a decimal number: send a text",
      );
      expect(failure(() => encodeAny({ x: decimal() }, { x: "ten" })).message).to.equal(
        'args.x cannot be written: "ten" is no decimal number',
      );
    });

    it("says what it is", () => {
      expect(new AmpDecimal("-1.50")).to.include({ kind: "finite", isNegative: true, digits: "150", exponent: -2 });
      expect(new AmpDecimal("inf")).to.include({ kind: "infinity", isNegative: false, digits: "", exponent: 0 });
      expect(new AmpDecimal("snan")).to.include({ kind: "snan", digits: "" });
      expect([new AmpDecimal("-inf"), new AmpDecimal("nan")].map((one) => one.toNumber())).to.deep.equal([
        -Infinity,
        Number.NaN,
      ]);
      expect(JSON.stringify({ x: new AmpDecimal("1.0") })).to.equal('{"x":"1.0"}');
      expect(AmpDecimal.is(new AmpDecimal("1"))).to.equal(true);
      expect(AmpDecimal.is("1")).to.equal(false);
    });
  });

  describe("dateTime()", () => {
    const date = fc.date({
      min: new Date(-62_135_510_400_000),
      max: new Date(253_402_214_400_000),
      noInvalidDate: true,
    });

    it("is the same after the way, a Date the same point in time", () => {
      fc.assert(
        fc.property(date, fc.nat(999), fc.integer({ min: -1439, max: 1439 }), (at, rest, offset) => {
          const exact = MicrosecondDate.of(at.getTime(), rest);
          const there = dateTime().decode(dateTime().encode(AmpDateTime.fromDate(exact, offset)));
          expect(there.offsetMinutes).to.equal(offset);
          expect(there.toDate().getTime()).to.equal(at.getTime());
          expect(MicrosecondDate.restOf(there.toDate())).to.equal(rest);
          expect(dateTime().decode(dateTime().encode(exact)).toDate()).to.deep.equal(there.toDate());
        }),
      );
    });

    it("is refused when the calendar or the clock has no such time", () => {
      const good = "2010-12-25T00:00:00.000000-00:00";
      for (const [at, put] of [
        [0, "0000"],
        [5, "00"],
        [8, "00"],
        [5, "02-29"],
        [11, "24"],
        [14, "60"],
        [17, "60"],
        [0, "+010"],
        [20, " 00000"],
        [27, "24"],
        [26, "Z"],
      ] as const) {
        const wrong = good.slice(0, at) + put + good.slice(at + put.length);
        expect(failure(() => decodeFields({ x: dateTime() }, new Map([["x", octets(wrong)]])))).to.be.instanceOf(
          ProtocolError,
        );
      }
      for (const offset of [1440, -1440, Number.NaN]) {
        expect(failure(() => new AmpDateTime({ year: 1, month: 1, day: 1, offsetMinutes: offset }))).to.have.property(
          "code",
          "BAD_REQUEST",
        );
      }
      expect(failure(() => encodeFields({ x: dateTime() }, { x: new Date(Number.NaN) })).message).to.equal(
        "args.x cannot be written: The Date is invalid",
      );
    });

    it("says what it is", () => {
      const value = new AmpDateTime({ year: 2003, month: 9, day: 27, offsetMinutes: 120 });
      expect(JSON.stringify(value)).to.equal('"2003-09-27T00:00:00.000000+02:00"');
      expect([AmpDateTime.is(value), AmpDateTime.is(new Date())]).to.deep.equal([true, false]);
      expect(AmpDateTime.parse(String(value))).to.deep.equal(value);
    });
  });

  describe("the others", () => {
    it("are the same after the way", () => {
      travels(unicode(), fc.string({ unit: "grapheme" }));
      travels(boolean(), fc.boolean());
      travels(bytes() as AmpType<Uint8Array>, fc.uint8Array());
      travels(listOf(unicode()) as AmpType<string[]>, fc.array(fc.string()));
      travels(listOf(listOf(float())) as AmpType<number[][]>, fc.array(fc.array(fc.double())));
      const rows = ampList({ n: integer(), t: optional(unicode()), l: listOf(boolean()) });
      travels(
        rows as AmpType<unknown>,
        fc.array(fc.record({ n: fc.integer(), t: fc.option(fc.string()), l: fc.array(fc.boolean()) })),
      );
    });

    it("keep the byte order mark of a text", () => {
      expect(unicode().decode(unicode().encode("\ufeffx"))).to.equal("\ufeffx");
    });

    it("receive octets as a copy", () => {
      const read = octets("abc");
      const value = bytes().decode(read);
      read.fill(0);
      expect(text(value)).to.equal("abc");
      expect(Object.getPrototypeOf(value)).to.equal(Uint8Array.prototype);
      expect(text(bytes().encode(new Uint8Array([1, 2]).buffer))).to.equal("\x01\x02");
    });

    it("make paths absolute and leave absolute ones as they are", () => {
      expect(text(path().encode("x/../y"))).to.equal(resolve("y"));
      for (const one of ["/srv/../x", "C:\\x", "\\\\host\\share"]) {
        expect(text(path().encode(one))).to.equal(one);
        expect(path().decode(octets(one))).to.equal(one);
      }
      expect(path().decode(octets("y"))).to.equal(resolve("y"));
    });

    it("stop a list at an element that is cut, and rows at one that does not end", () => {
      const list = listOf(bytes());
      const whole = list.encode([octets("a"), octets("bc")]);
      for (let size = 3; size < whole.length; size++) {
        expect(list.decode(whole.subarray(0, size)).map(text)).to.deep.equal(["a"]);
      }
      const rows = ampList({ n: integer() });
      const two = rows.encode([{ n: 1 }, { n: 2 }]);
      for (let size = two.length / 2; size < two.length; size++) {
        expect(rows.decode(two.subarray(0, size))).to.deep.equal([{ n: 1 }]);
      }
    });
  });

  describe("what cannot be sent", () => {
    const point = { x: integer(), label: optional(unicode()) };
    for (const [message, fields, values] of [
      ["args.a is missing", { a: integer() }, {}],
      ["args.a is missing", { a: integer() }, { a: null }],
      ["args.a is missing", { a: integer() }, { a: undefined }],
      ["args.b is not declared; there are a", { a: integer() }, { a: 1, b: 2 }],
      ["args.b is not declared", {}, { b: 2 }],
      ["args is null, not an object with values by name", {}, null],
      ["args is a string, not an object with values by name", {}, "x"],
      ["args.a is a string, not an integer", { a: integer() }, { a: "1" }],
      ["args.a is 1.5, not an integer", { a: integer() }, { a: 1.5 }],
      ["args.a is NaN, not an integer", { a: integer() }, { a: Number.NaN }],
      [
        "args.a is a number beyond 2⁵³ − 1, which may be not the integer that was meant: send a bigint",
        { a: integer() },
        { a: 2 ** 53 },
      ],
      ["args.a is a bigint, not a number", { a: float() }, { a: 1n }],
      ["args.a is a number, not a boolean", { a: boolean() }, { a: 1 }],
      ["args.a is an instance of Uint8Array, not a text", { a: unicode() }, { a: new Uint8Array(1) }],
      ["args.a is a text with half of a surrogate pair", { a: unicode() }, { a: "\ud83d" }],
      ["args.a is a string, not octets (a Uint8Array)", { a: bytes() }, { a: "x" }],
      ["args.a is an instance of Date, not a decimal number", { a: decimal() }, { a: new Date(0) }],
      ["args.a is a string, not a Date or AmpDateTime", { a: dateTime() }, { a: "2010" }],
      ["args.a is an empty path", { a: path() }, { a: "" }],
      ["args.a is an object, not a path", { a: path() }, { a: {} }],
      ["args.a is an object, not an array", { a: listOf(integer()) }, { a: {} }],
      ["args.a[1] is missing", { a: listOf(integer()) }, { a: [1, null] }],
      ["args.a[0] is missing", { a: listOf(integer()) }, { a: new Array(1) }],
      ["args.a[1][0] is a symbol, not a text", { a: listOf(listOf(unicode())) }, { a: [[], [Symbol("x")]] }],
      ["args.rows is a string, not an array", { rows: ampList(point) }, { rows: "x" }],
      ["args.rows[1].x is an array, not an integer", { rows: ampList(point) }, { rows: [{ x: 1 }, { x: [] }] }],
      [
        "args.rows[0] is undefined, not an object with values by name",
        { rows: ampList(point) },
        { rows: new Array(1) },
      ],
      ['args["dash-arg"] is missing', { "dash-arg": unicode() }, {}],
      ["args.constructor is missing", { constructor: unicode() }, {}],
    ] as const) {
      it(message, () => {
        const error = failure(() => encodeAny(fields, values));
        expect(error).to.include({ code: "BAD_REQUEST", outcome: "not-sent", message });
        expect(error.constructor.name).to.equal("BadRequestError");
      });
    }

    const long = "x".repeat(65_536);
    for (const [message, fields, values] of [
      ["args.a has 65536 octets, the limit is 65535", { a: unicode() }, { a: long }],
      ["args.a[1] has 65536 octets, the limit is 65535", { a: listOf(unicode()) }, { a: ["", long] }],
      ["args.a has 65537 octets, the limit is 65535", { a: listOf(unicode()) }, { a: [long.slice(1)] }],
      ["args.a[0].t has 65536 octets, the limit is 65535", { a: ampList({ t: unicode() }) }, { a: [{ t: long }] }],
      ["args.a has 65542 octets, the limit is 65535", { a: ampList({ t: unicode() }) }, { a: [{ t: long.slice(1) }] }],
    ] as const) {
      it(`is too long when ${message}`, () => {
        expect(failure(() => encodeAny(fields, values))).to.include({
          code: "TOO_LARGE",
          outcome: "not-sent",
          message,
        });
      });
    }

    it("has the path from where it is said to be", () => {
      expect(failure(() => encodeAny({ a: integer() }, {}, { root: "result" })).message).to.equal(
        "result.a is missing",
      );
    });

    it("may be more than is declared, in rows and where it is allowed", () => {
      expect([...encodeAny({ a: integer() }, { a: 1, b: 2 }, { extras: "ignore" }).keys()]).to.deep.equal(["a"]);
      expect(text(ampList(point).encode([{ x: 1, y: 2 } as never]))).to.equal("\0\x01x\0\x011\0\0");
    });

    it("are empty values, for peers of asyncio-amp", () => {
      const dialect = "asyncio-amp";
      expect(failure(() => encodeAny({ a: unicode() }, { a: "" }, { dialect })).message).to.equal(
        "args.a is empty, and peers of asyncio-amp lose step at empty values",
      );
      expect(encodeAny({ a: unicode(), b: optional(unicode()) }, { a: "x" }, { dialect })).to.have.lengthOf(1);
    });

    it("is told with the way to it by a type alone, too", () => {
      const error = failure(() => listOf(integer()).encode(["x"] as never));
      expect(error).to.be.instanceOf(WrongValueError);
      expect(error).to.include({ code: "BAD_REQUEST", message: "The value[0] is a string, not an integer" });
    });
  });

  describe("what comes", () => {
    const box = (pairs: Readonly<Record<string, string>>): Map<string, Uint8Array> =>
      new Map(Object.entries(pairs).map(([key, value]) => [key, octets(value)]));

    it("is null where something optional is absent, and nothing where it is not declared", () => {
      const values = decodeFields({ a: integer(), b: optional(unicode()) }, box({ a: "1", c: "x" }));
      expect(values).to.deep.equal({ a: 1, b: null });
    });

    it("never changes a prototype", () => {
      const fields = JSON.parse('{"__proto__": 0}') as Record<string, unknown>;
      Object.defineProperty(fields, "__proto__", { value: unicode(), enumerable: true });
      const values = decodeFields(fields as AmpFields, new Map([["__proto__", octets("x")]]));
      expect(Object.keys(values)).to.deep.equal(["__proto__"]);
      expect(Object.getPrototypeOf(values)).to.equal(Object.prototype);
    });

    for (const [message, fields, pairs] of [
      ["args.a is missing", { a: integer() }, {}],
      ["args.a is no integer", { a: integer() }, { a: "x" }],
      ["args.a is not in UTF-8", { a: unicode() }, { a: "\xff" }],
      ["args.a is neither True nor False", { a: boolean() }, { a: "true" }],
      ["args.a is no float", { a: float() }, { a: "1,5" }],
      ["args.a[1] is no integer", { a: listOf(integer()) }, { a: "\0\x011\0\x01x" }],
      ["args.a[0].x is missing", { a: ampList({ x: integer() }) }, { a: "\0\0" }],
      [
        "args.a cannot be read: A key has 512 octets, and 255 at most are possible",
        { a: ampList({ x: integer() }) },
        { a: "\x02\0" },
      ],
    ] as const) {
      it(`is refused when ${message}`, () => {
        const error = failure(() => decodeFields(fields as AmpFields, box(pairs)));
        expect(error).to.include({ code: "PROTOCOL", message });
        expect(error.constructor.name).to.equal("ProtocolError");
      });
    }

    it("has a limit in depth, where a description holds itself", () => {
      const fields: Record<string, AmpFields[string]> = {};
      fields.k = optional(ampList(fields));
      let value = Buffer.alloc(0);
      for (;;) {
        const head = Buffer.from("00016b0000", "hex");
        head.writeUInt16BE(value.length, 3);
        const outer = Buffer.concat([head, value, Buffer.alloc(2)]);
        if (outer.length > 65_535) break;
        value = outer;
      }
      try {
        expect(decodeFields(fields, new Map([["k", value]]))).to.have.property("k");
      } catch (error) {
        expect(error).to.be.instanceOf(ProtocolError);
      }
    });
  });

  describe("descriptions", () => {
    it("have names that can be keys, and types", () => {
      requireFields({ a: integer(), "dash-arg": optional(unicode()), "\xe9": bytes() });
      for (const [message, fields] of [
        ["No argument can be named so: A key is empty, which would end the box", { "": integer() }],
        ["No argument can be named _ask, which is a key of AMP's own", { _ask: integer() }],
        ['The type of the argument "a" is a function: call it, as in unicode()', { a: unicode }],
        ['The type of the argument "a" is null: call it, as in unicode()', { a: null }],
        ['The type of the argument "a" is a string: call it, as in unicode()', { a: "unicode" }],
      ] as const) {
        expect(
          failure(() => {
            requireFields(fields as never);
          }),
        ).to.include({ code: "CONFIGURATION", message });
        expect(failure(() => ampList(fields as never))).to.be.instanceOf(ConfigurationError);
      }
      expect(
        failure(() => {
          requireFields({ ["k".repeat(256)]: integer() });
        }).message,
      ).to.contain("the limit is 255");
      expect(failure(() => listOf(optional(integer()) as never))).to.be.instanceOf(ConfigurationError);
      expect(failure(() => optional(unicode as never)).message).to.equal(
        "optional() takes a type of a single value, as in optional(unicode())",
      );
      expect(failure(() => optional(optional(unicode()) as never))).to.be.instanceOf(ConfigurationError);
    });
  });

  describe("an application's own types", () => {
    class Point {
      readonly x: number;
      readonly y: number;
      constructor(x: number, y: number) {
        this.x = x;
        this.y = y;
      }
    }
    const point: AmpType<Point> = {
      encode: ({ x, y }) => Buffer.from(`${x}/${y}`),
      decode(read) {
        const [x = Number.NaN, y = Number.NaN] = Buffer.from(read).toString().split("/").map(Number);
        if (Number.isNaN(x + y)) throw new MalformedValueError("is no point");
        return new Point(x, y);
      },
    };

    it("are as good as those that are built in", () => {
      const fields = { at: point, more: listOf(point), maybe: optional(point) };
      const sent = { at: new Point(1, 2), more: [new Point(3, 4)], maybe: null };
      expect(decodeFields(fields, encodeFields(fields, sent))).to.deep.equal(sent);
      expect(
        failure(() => decodeFields({ more: listOf(point) }, new Map([["more", octets("\0\x01x")]]))).message,
      ).to.equal("args.more[0] is no point");
    });

    it("may fail as they like", () => {
      const cause = new TypeError("no way");
      const bad: AmpType<number> = {
        encode() {
          throw cause;
        },
        decode() {
          throw cause;
        },
      };
      const sent = failure(() => encodeFields({ a: listOf(bad) }, { a: [1] }));
      expect(sent).to.include({ code: "BAD_REQUEST", message: "args.a[0] cannot be written: no way", cause });
      const read = failure(() => decodeFields({ a: listOf(bad) }, new Map([["a", octets("\0\0")]])));
      expect(read).to.include({ code: "PROTOCOL", message: "args.a[0] cannot be read: no way", cause });
      const none = { encode: () => "text", decode: () => 1 };
      for (const [field, value, where] of [
        [none, 1, "a"],
        [optional(none as never), 1, "a"],
        [listOf(none as never), [1], "a[0]"],
      ] as const) {
        expect(failure(() => encodeAny({ a: field as never }, { a: value })).message).to.equal(
          `args.${where} was not written as octets by its type`,
        );
      }
    });

    it("may take several keys, or none but the connection", () => {
      const range: AmpField<readonly [number, number], [number, number], "required"> = {
        presence: "required",
        write(box, name, value) {
          const [from, to] = value ?? [0, 0];
          box.set(`${name}-from`, Buffer.from(String(from)));
          box.set(`${name}-to`, Buffer.from(String(to)));
        },
        read: (box, name) => [
          Number(Buffer.from(box.get(`${name}-from`) ?? []).toString()),
          Number(Buffer.from(box.get(`${name}-to`) ?? []).toString()),
        ],
      };
      const address: AmpField<never, string, "optional"> = {
        presence: "optional",
        write: () => undefined,
        read: (_box, _name, context) => (context as { address: string }).address,
      };
      const fields = { range, address };
      const written = encodeFields(fields, { range: [1, 2] });
      expect([...written.keys()]).to.deep.equal(["range-from", "range-to"]);
      expect(decodeFields(fields, written, { context: { address: "here" } })).to.deep.equal({
        range: [1, 2],
        address: "here",
      });
      expect(failure(() => encodeAny(fields, {})).message).to.equal("args.range is missing");
    });

    it("stands for open files, which are neither sent nor received", () => {
      const fields = { name: unicode(), file: optional(descriptor()) };
      const written = encodeFields(fields, { name: "a" });
      expect(decodeFields(fields, written)).to.deep.equal({ name: "a", file: null });
      expect(failure(() => encodeAny(fields, { name: "a", file: 3 })).message).to.match(/^args\.file is an open file/);
      const come = new Map([...written, ["file", octets("0")]]);
      expect(failure(() => decodeFields(fields, come)).message).to.match(/^args\.file is the number of an open file/);
    });
  });
});

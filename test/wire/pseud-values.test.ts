import { expect } from "chai";
import fc from "fast-check";
import { ProtocolError, RpcError } from "../../src/errors.js";
import { Writer } from "../../src/wire/messagepack/writer.js";
import { PythonDate } from "../../src/wire/pseud/dates.js";
import { decodeBody, MAX_RECEIVED_CONTAINERS, MAX_RECEIVED_DEPTH } from "../../src/wire/pseud/decode-value.js";
import { encodeBody, encodeValue, MAX_SENT_DEPTH } from "../../src/wire/pseud/encode-value.js";
import { ExtensionValue, MessagePackTimestamp, PythonFloat } from "../../src/wire/pseud/foreign-values.js";
import { TranslationTable } from "../../src/wire/pseud/translation-table.js";
import { comparable, pseudVectors, valueOf } from "../support/pseud-vectors.js";

const TABLE = new TranslationTable();
const encode = (value: unknown, table = TABLE): Buffer => encodeBody(value, table, "args");
const decode = (octets: Uint8Array, table = TABLE): unknown => decodeBody(octets, table);
const there = (value: unknown): unknown => decode(encode(value));
const fromHex = (hex: string): unknown => decode(Buffer.from(hex.replaceAll(" ", ""), "hex"));

function failure(action: () => unknown): RpcError {
  try {
    action();
  } catch (error) {
    if (RpcError.isRpcError(error)) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

/** Vectors whose value we send in another form, which means the same: longer headers, pickles without frames and memo. */
const OTHER_FORM = /^value\/(int\/-(33|128|129|32768)|str\/unicode|nested|datetime|date|timedelta|tzinfo|pickle)/;

describe("Values of the pseud wire", () => {
  describe("as Python writes them", () => {
    for (const { name, hex, decoded, fatalForPython } of pseudVectors().filter((one) =>
      one.name.startsWith("value/"),
    )) {
      const meant = valueOf(decoded);

      it(`reads ${name}`, () => {
        expect(comparable(fromHex(hex))).to.deep.equal(comparable(meant));
      });

      if (fatalForPython) {
        it(`does not send ${name}, which Python refuses`, () => {
          expect(failure(() => encode(meant))).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
        });
      } else {
        it(`writes ${name}`, () => {
          const written = encode(meant);
          expect(comparable(decode(written))).to.deep.equal(comparable(meant));
          if (!OTHER_FORM.test(name)) expect(written.toString("hex")).to.equal(hex);
        });
      }
    }
  });

  it("holds no more arrays and maps than memory has room for", () => {
    const many = (count: number): Buffer => {
      const body = Buffer.alloc(5 + count, 0x80);
      body[0] = 0xdd;
      body.writeUInt32BE(count, 1);
      return body;
    };
    expect((decode(many(1000)) as unknown[]).length).to.equal(1000);
    expect(() => decode(many(MAX_RECEIVED_CONTAINERS))).to.throw(ProtocolError, "4000000 arrays and maps");
  });

  describe("of JavaScript", () => {
    it("sends undefined as nil, and a hole in an array too", () => {
      expect(encode(undefined)).to.deep.equal(Buffer.of(0xc0));
      expect(there([...new Array<undefined>(1), { a: undefined }])).to.deep.equal([null, { a: null }]);
      expect(there(new Array(2))).to.deep.equal([null, null]);
    });

    it("sends whole numbers as integers and others as floats, -0 among them", () => {
      expect(encode(3).toString("hex")).to.equal("03");
      expect(encode(new PythonFloat(3)).toString("hex")).to.equal("cb4008000000000000");
      expect(encode(-0).toString("hex")).to.equal("cb8000000000000000");
      expect(encode(2 ** 53).toString("hex")).to.equal("cb4340000000000000");
      expect(there(new PythonFloat(3))).to.equal(3);
      expect(new PythonFloat(1.5).valueOf() + 1).to.equal(2.5);
      expect(failure(() => new PythonFloat("3" as unknown as number))).to.have.property("code", "BAD_REQUEST");
    });

    it("sends bigints of 64 bits, and brings those back that are no exact numbers", () => {
      expect(there([5n, -(2n ** 63n), 2n ** 64n - 1n])).to.deep.equal([5, -(2n ** 63n), 2n ** 64n - 1n]);
      for (const value of [2n ** 64n, -(2n ** 63n) - 1n]) {
        expect(failure(() => encode([value])).message).to.equal("args[0] is an integer of more than 64 bits");
      }
    });

    it("keeps text and octets apart", () => {
      for (const value of [new Uint8Array([1]), Buffer.from([1]), new Uint8Array([1]).buffer]) {
        expect(comparable(there(value))).to.deep.equal(["octets", "01"]);
      }
      expect(there("\u0001")).to.equal("\u0001");
    });

    it("makes a plain object of a map whose keys are texts, and a Map of any other", () => {
      const plain = there(new Map([["a", 1]]));
      expect(plain).to.deep.equal({ a: 1 });
      expect(Object.getPrototypeOf(plain)).to.equal(Object.prototype);
      expect(there(Object.assign(Object.create(null) as object, { a: 1, constructor: 2 }))).to.deep.equal({
        a: 1,
        constructor: 2,
      });
      // { 'z': 0, b'\x01': 1 }
      const mixed = fromHex("82 a17a 00 c40101 01") as Map<unknown, unknown>;
      expect([...mixed.values()]).to.deep.equal([0, 1]);
      expect(fromHex("82 a161 01 a161 02")).to.deep.equal({ a: 2 });
      expect(comparable(there(new Map([[new Uint8Array([7]), 1]])))).to.deep.equal(["Map", [new Uint8Array([7]), 1]]);
    });

    it("never changes a prototype", () => {
      const got = there(JSON.parse('{"__proto__": {"polluted": true}}')) as object;
      expect(Object.keys(got)).to.deep.equal(["__proto__"]);
      expect(Object.getPrototypeOf(got)).to.equal(Object.prototype);
    });

    it("keeps the byte order mark and U+FFFD of a text", () => {
      for (const text of ["\ufeffx", "\ufffd", "\ufffd".repeat(100)]) expect(there(text)).to.equal(text);
    });

    class Point {
      readonly x = 1;
    }
    async function* stream(): AsyncGenerator<number> {
      yield 1;
    }
    const circle: Record<string, unknown> = { list: [1] };
    circle.self = { again: circle };
    for (const [message, value] of [
      ["args is a symbol", Symbol("s")],
      ["args.a[1] is a function", { a: [1, () => undefined] }],
      ["args.list.b is a Promise (await it first)", { list: { b: Promise.resolve() } }],
      ['args.get("key")["odd name"] is a symbol', new Map([["key", { "odd name": Symbol("x") }]])],
      ["args.values()[0] is a symbol", new Map([[new Uint8Array(1), Symbol("x")]])],
      ["args[0] is a Set (send an array)", [new Set([1])]],
      ["args[0] is an instance of Point (the translation table has no entry for it)", [new Point()]],
      ["args.e is an instance of RangeError (the translation table has no entry for it)", { e: new RangeError() }],
      ["args is an instance of Number (the translation table has no entry for it)", Object(3) as unknown],
      ["args is an object that is not plain", Object.create(Object.create(null) as object)],
      ["args[0] is a view of octets that is no Uint8Array (say what Python is to get)", [new Float64Array(1)]],
      ["args.s is a stream", { s: stream() }],
      ["args.self.again leads back to itself", circle],
      ["args[0] is a text with half of a surrogate pair", ["\ud83d"]],
      ['args["\\ud83d"] has half of a surrogate pair in its name', { "\ud83d": 1 }],
      ['args.get("\\ud83d") has half of a surrogate pair in its key', new Map([["\ud83d", 1]])],
      [
        "args.a.values()[1] has a key that is neither a text nor octets, and Python takes no other",
        { a: new Map<unknown, number>([["x", 0]]).set(1, 1) },
      ],
      ["args[0] cannot be packed as extension 125: The Date is invalid", [new Date(Number.NaN)]],
      ["args cannot be packed as extension 125: The year is 1 to 9999, not 10000", new Date(253_402_300_800_000)],
    ] as const) {
      it(`does not send it when ${message}`, () => {
        expect(failure(() => encode(value))).to.include({ code: "BAD_REQUEST", outcome: "not-sent", message });
      });
    }

    it("sends 512 levels and no more, those around the value counted", () => {
      const nested = (levels: number): unknown => {
        let value: unknown = 1;
        for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
        return value;
      };
      expect(there(nested(MAX_SENT_DEPTH))).to.deep.equal(nested(MAX_SENT_DEPTH));
      const text = "args nests deeper than 512 levels";
      expect(failure(() => encode(nested(MAX_SENT_DEPTH + 1))).message).to.equal(text);
      expect(failure(() => encode(nested(1_000_000))).message).to.equal(text);
      expect(
        failure(() => {
          encodeValue(new Writer(), nested(511), TABLE, "args", 2);
        }).message,
      ).to.equal(text);
    });

    it("is the same after the way", () => {
      const text = fc.string({ unit: "grapheme" });
      const { value } = fc.letrec((tie) => ({
        value: fc.oneof(
          { depthSize: "small" },
          fc.constantFrom(null, true, false),
          fc.integer(),
          fc.maxSafeInteger(),
          fc.double(),
          text,
          fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).filter((one) => !Number.isSafeInteger(Number(one))),
          fc.uint8Array(),
          fc.date({ min: new Date(-62_135_596_800_000), max: new Date(253_402_300_799_999), noInvalidDate: true }),
          fc.nat(122).chain((code) => fc.uint8Array().map((data) => new ExtensionValue(code, data))),
          fc
            .tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat(999_999_999))
            .map(([s, n]) => new MessagePackTimestamp(Number.isSafeInteger(Number(s)) ? Number(s) : s, n)),
          fc.array(tie("value")),
          fc.dictionary(text, tie("value"), { noNullPrototype: true }),
          fc.array(fc.tuple(fc.uint8Array(), tie("value")), { minLength: 1 }).map((entries) => new Map(entries)),
        ),
      }));
      fc.assert(
        fc.property(value, (sent) => {
          expect(comparable(there(sent))).to.deep.equal(comparable(sent));
        }),
      );
    });
  });

  describe("from anywhere", () => {
    for (const [what, hex] of Object.entries({
      "no value": "",
      "two values": "01 02",
      "a text that breaks off": "a5 6161",
      "a text that is not in UTF-8": "a2 c328",
      "a long text that is not in UTF-8": `d928 ${"61".repeat(39)}ff`,
      "half of a surrogate pair": "a3 eda0bd",
      "a key that is not in UTF-8": "81 a1ff 01",
      "an array longer than all that follows": "dd ffffffff 01",
      "a map longer than all that follows": "df 7fffffff 01",
      "octets longer than all that follows": "c6 ffffffff 01",
      "an extension longer than all that follows": "c9 ffffffff 01",
      "an extension below -1": "d4 fe 00",
      "a timestamp of another size": "d4 ff 00",
      "a timestamp with too many nanoseconds": "d7 ff ee6b280000000000",
      "the octet that msgpack does not use": "c1",
    })) {
      it(`refuses ${what}`, () => {
        expect(failure(() => fromHex(hex))).to.be.instanceOf(ProtocolError);
      });
    }

    it("reads 1024 levels and no more", () => {
      const nested = (levels: number): Buffer => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.of(1)]);
      let value = decode(nested(MAX_RECEIVED_DEPTH));
      for (let level = 0; level < MAX_RECEIVED_DEPTH; level++) [value] = value as unknown[];
      expect(value).to.equal(1);
      expect(failure(() => decode(nested(MAX_RECEIVED_DEPTH + 1)))).to.be.instanceOf(ProtocolError);
      expect(failure(() => decode(nested(1_000_000)))).to.be.instanceOf(ProtocolError);
      const keys = Buffer.alloc(1_000_000, 0x81);
      expect(failure(() => decode(keys))).to.be.instanceOf(ProtocolError);
    });

    it("takes no memory for lengths that are only claimed, however often", () => {
      // Each of the arrays claims as many elements as there are octets left.
      const claims = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from("dd00ffffff", "hex")));
      const body = Buffer.concat([claims, Buffer.alloc(0x1000000, 0xc1)]);
      const before = process.memoryUsage().rss;
      expect(failure(() => decode(body))).to.be.instanceOf(ProtocolError);
      expect(process.memoryUsage().rss - before).to.be.lessThan(64 * 1024 * 1024);
    });

    it("is a value or our own error, whatever it is", () => {
      const check = (octets: Uint8Array): void => {
        try {
          decode(octets);
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError);
        }
      };
      fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 5_000 });
      const vectors = pseudVectors().map(({ hex }) => Buffer.from(hex, "hex"));
      fc.assert(
        fc.property(
          fc.constantFrom(...vectors),
          fc.nat(),
          fc.uint8Array({ maxLength: 4 }),
          fc.nat(4),
          (all, at, put, cut) => {
            const place = at % all.length;
            check(Buffer.concat([all.subarray(0, place), put, all.subarray(place + cut)]));
          },
        ),
        { numRuns: 5_000 },
      );
    });
  });

  describe("of an application's own types", () => {
    class Decimal {
      readonly text: string;
      constructor(text: string) {
        this.text = text;
      }
    }
    class Euro extends Decimal {}
    const decimal = {
      type: Decimal,
      pack: (value: Decimal) => Buffer.from(value.text),
      unpack: (octets: Uint8Array) => new Decimal(Buffer.from(octets).toString()),
    };

    it("travel by the table, those of derived classes too", () => {
      const table = new TranslationTable({ 10: decimal });
      const octets = encode({ price: new Euro("9.99") }, table);
      expect(octets.toString("hex")).to.equal("81a57072696365d60a392e3939");
      expect(decode(octets, table)).to.deep.equal({ price: new Decimal("9.99") });
      expect(comparable(decode(octets))).to.deep.equal(
        comparable({ price: new ExtensionValue(10, Buffer.from("9.99")) }),
      );
    });

    it("may be told by a test, and may be what no wire has", () => {
      const table = new TranslationTable();
      table.add<symbol>(7, {
        test: (value) => typeof value === "symbol",
        pack: (value) => Buffer.from(value.description ?? ""),
        unpack: (octets) => Symbol.for(Buffer.from(octets).toString()),
      });
      expect(decode(encode([Symbol.for("x")], table), table)).to.deep.equal([Symbol.for("x")]);
      expect(decode(encode(Symbol.for("long ".repeat(100)), table), table)).to.equal(Symbol.for("long ".repeat(100)));
    });

    it("are tried in ascending order of their codes", () => {
      const one = (text: string) => ({ ...decimal, pack: () => Buffer.from(text) });
      const table = new TranslationTable({ 20: one("second") });
      table.add(5, one("first"));
      table.add(127, one("last"));
      expect(encode(new Decimal("1"), table)).to.deep.equal(Buffer.from("\xc7\x05\x05first", "latin1"));
    });

    it("take the place of dates", () => {
      const own = {
        test: (value: unknown) => value instanceof Date,
        pack: (value: Date) => Buffer.from(value.toISOString()),
        unpack: (octets: Uint8Array) => Buffer.from(octets).toString(),
      };
      expect(decode(encode(new Date(0)), new TranslationTable({ 125: own }))).to.contain("timezone");
      const before = new TranslationTable({ 3: own });
      expect(decode(encode(new Date(0), before), before)).to.equal("1970-01-01T00:00:00.000Z");
    });

    it("are not asked about what travels otherwise", () => {
      const asked: unknown[] = [];
      const curious = { ...decimal, type: undefined, test: (value: unknown) => asked.push(value) === 0 };
      const { type: _type, ...test } = curious;
      encode(
        [1, "x", null, [], {}, new Map(), new Uint8Array(1), new PythonFloat(1)],
        new TranslationTable({ 1: test }),
      );
      expect(asked).to.deep.equal([]);
    });

    it("have one entry for a code, which is 0 to 127", () => {
      const table = new TranslationTable({ 10: decimal });
      for (const code of [10, 123, 126, -1, 128, 1.5]) {
        expect(
          failure(() => {
            table.add(code, decimal);
          }),
        ).to.have.property("code", "CONFIGURATION");
      }
      expect(failure(() => new TranslationTable({ 128: decimal }))).to.have.property("code", "CONFIGURATION");
      expect(failure(() => new ExtensionValue(128, new Uint8Array()))).to.have.property("code", "BAD_REQUEST");
    });

    it("fail with the path, or as a message that cannot be read", () => {
      const table = new TranslationTable({
        1: {
          ...decimal,
          pack: () => {
            throw new TypeError("no");
          },
          unpack: () => {
            throw new TypeError("no");
          },
        },
        2: { type: PythonDate, pack: () => "text" as unknown as Uint8Array, unpack: () => null },
      });
      const error = failure(() => encode({ a: [new Decimal("1")] }, table));
      expect(error).to.include({ code: "BAD_REQUEST", message: "args.a[0] cannot be packed as extension 1: no" });
      expect(error.cause).to.be.instanceOf(TypeError);
      expect(failure(() => encode(new PythonDate(1, 1, 1), table)).message).to.contain("was not packed into octets");
      expect(failure(() => decode(Buffer.of(0xd4, 1, 0), table))).to.be.instanceOf(ProtocolError);
    });
  });
});

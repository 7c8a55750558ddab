import { expect } from "chai";
import fc from "fast-check";
import { BadRequestError, RpcError } from "../../src/errors.js";
import { type Box, BoxParser, encodeBox, MalformedBoxError, parseBoxes } from "../../src/wire/amp/index.js";
import { ampVectors } from "../support/amp-vectors.js";

const boxOf = (pairs: Readonly<Record<string, string>>): Box =>
  new Map(Object.entries(pairs).map(([key, value]) => [key, Buffer.from(value, "latin1")]));
const found = (box: Box): [string, string][] =>
  Array.from(box, ([key, value]) => [key, Buffer.from(value).toString("hex")]);

function failure(action: () => unknown): RpcError {
  try {
    action();
  } catch (error) {
    if (RpcError.isRpcError(error)) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

/** All boxes of a stream that comes in pieces. */
function read(pieces: readonly Uint8Array[], parser = new BoxParser()): [string, string][][] {
  const boxes: [string, string][][] = [];
  for (const piece of pieces) {
    parser.push(piece);
    for (let box = parser.next(); box; box = parser.next()) boxes.push(found(box));
  }
  return boxes;
}

const KEY = fc.uint8Array({ minLength: 1, maxLength: 12 }).map((octets) => Buffer.from(octets).toString("latin1"));
const BOX: fc.Arbitrary<Box> = fc
  .array(fc.tuple(KEY, fc.uint8Array({ maxLength: 40 })), { maxLength: 6 })
  .map((pairs) => new Map(pairs));
const STREAM = fc.array(BOX, { maxLength: 5 });

describe("Boxes of AMP", () => {
  describe("encodeBox()", () => {
    it("writes pairs in the order of their keys' octets", () => {
      const octets = encodeBox(boxOf({ b: "1", aa: "2", _ask: "3", B: "4", "\xe9": "5" }));
      expect([...(parseBoxes(octets)[0] ?? new Map()).keys()]).to.deep.equal(["B", "_ask", "aa", "b", "\xe9"]);
    });

    it("writes a box without pairs", () => {
      expect(encodeBox(new Map()).toString("hex")).to.equal("0000");
    });

    it("takes keys of 255 octets and values of 65,535, and none longer", () => {
      const key = "k".repeat(255);
      const box = new Map([[key, new Uint8Array(65_535)]]);
      expect(parseBoxes(encodeBox(box))).to.have.lengthOf(1);
      expect(failure(() => encodeBox(boxOf({ [`${key}k`]: "" })))).to.include({
        code: "TOO_LARGE",
        outcome: "not-sent",
        message: `The key "${"k".repeat(100)}…" has 256 octets, the limit is 255`,
      });
      expect(failure(() => encodeBox(new Map([["text", new Uint8Array(65_536)]])))).to.include({
        code: "TOO_LARGE",
        outcome: "not-sent",
        message: 'The value of "text" has 65536 octets, the limit is 65535',
      });
    });

    it("refuses keys that are empty or no octets", () => {
      expect(failure(() => encodeBox(boxOf({ "": "x" })))).to.be.instanceOf(BadRequestError);
      expect(failure(() => encodeBox(boxOf({ "☃": "x" }))).message).to.equal(
        'The key "☃" has characters beyond U+00FF, which are no octets',
      );
    });

    it("refuses for peers of asyncio-amp what they break at", () => {
      expect(failure(() => encodeBox(boxOf({ text: "" }), "asyncio-amp"))).to.include({
        code: "BAD_REQUEST",
        message: 'The value of "text" is empty, and peers of asyncio-amp lose step at empty values',
      });
      expect(failure(() => encodeBox(boxOf({ "\xe9": "x" }), "asyncio-amp"))).to.have.property("code", "BAD_REQUEST");
      expect(encodeBox(boxOf({ a: "1" }), "asyncio-amp").toString("hex")).to.equal("0001610001310000");
    });
  });

  describe("BoxParser", () => {
    // Large ones would take minutes in this.
    const vectors = ampVectors("box", "call", "exchange", "reply").filter(({ hex }) => hex.length < 10_000);

    for (const { name, hex } of vectors.filter((one) => one.name !== "exchange: Switch")) {
      it(`reads the same wherever it is cut: ${name}`, () => {
        const octets = Buffer.from(hex, "hex");
        const whole = read([octets]);
        expect(whole).to.not.be.empty;
        for (let at = 0; at <= octets.length; at++) {
          expect(read([octets.subarray(0, at), octets.subarray(at)])).to.deep.equal(whole);
        }
        expect(read(Array.from(octets, (octet) => Buffer.of(octet)))).to.deep.equal(whole);
      });
    }

    it("reads what was written, cut at random", () => {
      fc.assert(
        fc.property(STREAM, fc.array(fc.nat(), { maxLength: 20 }), (boxes, cuts) => {
          const octets = Buffer.concat(boxes.map((box) => encodeBox(box)));
          const places = [0, ...cuts.map((cut) => cut % (octets.length + 1)).sort((a, b) => a - b), octets.length];
          const pieces = places.slice(1).map((end, index) => octets.subarray(places[index], end));
          const sorted = boxes.map((box) => found(box).sort(([one], [other]) => (one < other ? -1 : 1)));
          expect(read(pieces)).to.deep.equal(sorted);
          expect(read([octets])).to.deep.equal(sorted);
        }),
      );
    });

    it("reads on where several pieces were pushed before it was asked", () => {
      const octets = encodeBox(boxOf({ a: "1", b: "22" }));
      const parser = new BoxParser();
      for (const octet of Buffer.concat([octets, octets])) parser.push(Buffer.of(octet));
      expect([parser.next(), parser.next()].map((box) => box && found(box))).to.deep.equal(
        [octets, octets].map((one) => read([one])[0]),
      );
      expect(parser.next()).to.equal(undefined);
    });

    it("does not depend on the memory that pieces stand in", () => {
      const octets = new Uint8Array(encodeBox(boxOf({ key: "value" })));
      const around = new Uint8Array(octets.length + 10);
      around.set(octets, 5);
      expect(read([around.subarray(5, 5 + octets.length)])).to.deep.equal([[["key", "76616c7565"]]]);
    });

    it("gives back what follows a box, however it looks", () => {
      const box = encodeBox(boxOf({ a: "1" }));
      for (const tail of [Buffer.from("tail"), box, Buffer.alloc(0), Buffer.from("ffff", "hex")]) {
        for (let cut = 0; cut <= box.length; cut++) {
          const parser = new BoxParser();
          const all = Buffer.concat([box, tail]);
          parser.push(all.subarray(0, cut));
          expect(cut < box.length ? parser.next() : undefined).to.equal(undefined);
          parser.push(all.subarray(cut));
          expect(parser.next()).to.have.lengthOf(1);
          parser.push(Buffer.from("more"));
          expect(parser.takeRest().toString("latin1")).to.equal(`${tail.toString("latin1")}more`);
          expect(parser.takeRest()).to.have.lengthOf(0);
          parser.push(box);
          expect(parser.next()).to.have.lengthOf(1);
        }
      }
    });

    it("gives back half a length, too", () => {
      const parser = new BoxParser();
      parser.push(Buffer.of(1));
      expect(parser.next()).to.equal(undefined);
      expect(parser.takeRest().toString("hex")).to.equal("01");
    });

    it("says whether it is in a box", () => {
      const octets = encodeBox(boxOf({ a: "1" }));
      const parser = new BoxParser();
      expect(parser.isInBox).to.equal(false);
      for (const octet of octets.subarray(0, -1)) {
        parser.push(Buffer.of(octet));
        parser.next();
        expect(parser.isInBox).to.equal(true);
      }
      parser.push(Buffer.of(0));
      expect(parser.next()).to.have.lengthOf(1);
      expect(parser.isInBox).to.equal(false);
    });

    it("finds a key that is too long by its length alone, and reads no more after it", () => {
      const parser = new BoxParser();
      parser.push(Buffer.from("00016100013100000100", "hex"));
      expect(parser.next()).to.have.lengthOf(1);
      const error = failure(() => parser.next());
      expect(error).to.be.instanceOf(MalformedBoxError);
      expect(error).to.include({ code: "PROTOCOL", fault: "key-too-long" });
      expect(error.message).to.equal("A key has 256 octets, and 255 at most are possible");
      parser.push(encodeBox(boxOf({ a: "1" })));
      expect(failure(() => parser.next())).to.equal(error);
    });

    it("finds a box that is too large before its octets come", () => {
      const parser = new BoxParser({ maxMessageBytes: 100 });
      const pair = Buffer.from("000161ffff", "hex");
      parser.push(pair);
      expect(failure(() => parser.next())).to.include({
        fault: "box-too-large",
        message: "A box has 65540 octets or more, the limit is 100",
      });
    });

    it("takes a box that is exactly as large as the limit, however many come", () => {
      const octets = encodeBox(boxOf({ key: "x".repeat(90), k: "" }));
      expect(read([octets, octets], new BoxParser({ maxMessageBytes: octets.length }))).to.have.lengthOf(2);
      const fault = "box-too-large";
      expect(failure(() => read([octets], new BoxParser({ maxMessageBytes: octets.length - 1 })))).to.include({
        fault,
      });
    });

    it("takes as many pairs as the limit allows, those of the same key counted", () => {
      const pair = Buffer.from("00016b000131", "hex");
      const end = Buffer.alloc(2);
      const parser = (): BoxParser => new BoxParser({ maxPairs: 3 });
      expect(read([pair, pair, pair, end, pair, end], parser())).to.have.lengthOf(2);
      expect(failure(() => read([pair, pair, pair, pair, end], parser()))).to.include({ fault: "too-many-pairs" });
      expect(failure(() => read(Array.from({ length: 10_001 }, () => pair)))).to.include({ fault: "too-many-pairs" });
    });

    it("takes no memory for lengths that are only claimed", () => {
      const before = process.memoryUsage().rss;
      const parsers = Array.from({ length: 2_000 }, () => {
        const parser = new BoxParser();
        parser.push(Buffer.from("000161ffff00", "hex"));
        expect(parser.next()).to.equal(undefined);
        return parser;
      });
      expect(process.memoryUsage().rss - before).to.be.lessThan(64 * 1024 * 1024);
      expect(parsers.every(({ isInBox }) => isInBox)).to.equal(true);
    });

    it("reads a value of full size octet by octet", () => {
      const octets = encodeBox(new Map([["k", new Uint8Array(65_535).fill(7)]]));
      expect(read(Array.from(octets, (octet) => Buffer.of(octet)))).to.deep.equal([[["k", "07".repeat(65_535)]]]);
    });
  });

  describe("parseBoxes()", () => {
    it("drops what is cut at the end, and refuses what is no box", () => {
      const octets = encodeBox(boxOf({ a: "1" }));
      for (let size = 0; size < octets.length; size++) {
        expect(parseBoxes(Buffer.concat([octets, octets.subarray(0, size)]))).to.have.lengthOf(1);
      }
      expect(failure(() => parseBoxes(Buffer.from("0100", "hex")))).to.be.instanceOf(MalformedBoxError);
    });
  });
});

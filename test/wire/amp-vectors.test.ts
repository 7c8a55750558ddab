import { expect } from "chai";
import { ProtocolError, RpcError } from "../../src/errors.js";
import {
  AmpDateTime,
  type Box,
  BoxParser,
  decodeFields,
  decodeMessage,
  encodeBox,
  encodeFields,
  encodeMessage,
  IncompleteErrorBoxError,
  MalformedBoxError,
  parseBoxes,
} from "../../src/wire/amp/index.js";
import { type AmpVector, ampVectors, COMMANDS, typeOf, valueOf } from "../support/amp-vectors.js";

const octetsOf = (hex: string): Buffer => Buffer.from(hex, "hex");
const hexOf = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");

/** What the JSON of a vector says of a box: `{ key: { hex } }`, or `{ key: { length, everyByte } }`. */
function told(box: unknown): Record<string, string> {
  const pairs = Object.entries(box as Record<string, { hex?: string; length?: number; everyByte?: string }>);
  return Object.fromEntries(
    pairs.map(([key, { hex, length = 0, everyByte = "" }]) => [key, hex ?? everyByte.repeat(length)]),
  );
}

const found = (box: Box): Record<string, string> =>
  Object.fromEntries(Array.from(box, ([key, value]) => [key, hexOf(value)]));

const list = (one: unknown): unknown[] => (Array.isArray(one) ? one : [one]);

function readAndWritten({ name, hex, decoded = {} }: AmpVector): void {
  const type = typeOf(decoded.type as string);
  const value = valueOf(decoded.type as string, decoded.value);
  it(`reads ${name}`, () => {
    expect(type.decode(octetsOf(hex))).to.deep.equal(value);
  });
}

describe("Vectors of AMP, of Twisted", () => {
  describe("values that it writes", () => {
    for (const vector of ampVectors("argument")) {
      readAndWritten(vector);
      const { name, hex, decoded = {} } = vector;
      it(`writes ${name}`, () => {
        const type = typeOf(decoded.type as string);
        const given = valueOf(decoded.type as string, decoded.value);
        expect(hexOf(type.encode(given))).to.equal(hex);
        // What came can be sent back.
        expect(hexOf(type.encode(type.decode(octetsOf(hex))))).to.equal(hex);
        const seconds = decoded.sentOffsetSeconds;
        if (typeof seconds !== "number") return;
        const exact = new AmpDateTime({ year: 2010, month: 12, day: 25, offsetMinutes: seconds / 60 });
        expect(hexOf(type.encode(exact))).to.equal(hex);
      });
    }
  });

  describe("values that it takes", () => {
    for (const vector of ampVectors("accepted")) readAndWritten(vector);
  });

  describe("values that it refuses", () => {
    for (const { name, hex, decoded = {} } of ampVectors("refused")) {
      it(name, () => {
        expect(() => decodeFields({ x: typeOf(decoded.type as string) }, new Map([["x", octetsOf(hex)]]))).to.throw(
          ProtocolError,
          /^args\.x /,
        );
      });
    }
  });

  describe("boxes", () => {
    for (const { name, hex, decoded } of ampVectors("box")) {
      it(name, () => {
        const boxes = parseBoxes(octetsOf(hex));
        expect(boxes.map(found)).to.deep.equal(list(decoded).map(told));
        const written = hexOf(Buffer.concat(boxes.map((box) => encodeBox(box))));
        expect(written).to.equal(name === "box: a key twice" ? "00016b0001320000" : hex);
      });
    }
  });

  describe("calls", () => {
    for (const { name, hex, decoded } of ampVectors("call")) {
      it(name, () => {
        const [box = new Map<string, Uint8Array>(), ...more] = parseBoxes(octetsOf(hex));
        expect([found(box), more]).to.deep.equal([told(decoded), []]);
        const message = decodeMessage(box);
        if (message.kind !== "ask") throw new Error(`It is an ${message.kind}`);
        expect(message.tag).to.equal(name === "call: Notify" ? undefined : name.endsWith("11") ? "11" : "1");
        const args = COMMANDS[message.command]?.args ?? {};
        const values = decodeFields(args, message.values);
        expect(Object.keys(values)).to.have.members(Object.keys(args));
        const again = encodeMessage({ ...message, values: encodeFields(args, values as never) });
        expect(hexOf(again)).to.equal(hex);
      });
    }
  });

  describe("exchanges", () => {
    for (const { name, hex, reply = "", replyDecoded } of ampVectors("exchange")) {
      it(`${name}: what is asked is a message`, () => {
        const parser = new BoxParser();
        parser.push(octetsOf(hex));
        for (let box = parser.next(); box; box = parser.next()) {
          const message = decodeMessage(box);
          expect(message.kind).to.equal("ask");
          if (name === "exchange: Switch") {
            expect(parser.takeRest().toString()).to.equal("tail");
            return;
          }
          // What is written again means the same, whatever the order of the keys.
          expect(found(parseBoxes(encodeMessage(message))[0] ?? new Map())).to.deep.equal(found(box));
        }
        expect(parser.isInBox).to.equal(false);
      });

      it(`${name}: what is answered is written to the octet`, () => {
        const parser = new BoxParser();
        parser.push(octetsOf(reply));
        let written = "";
        const boxes: unknown[] = [];
        for (let box = parser.next(); box; box = parser.next()) {
          boxes.push(found(box));
          written += hexOf(encodeMessage(decodeMessage(box)));
          if (name === "exchange: Switch") written += hexOf(parser.takeRest());
        }
        expect(written).to.equal(reply);
        if (Array.isArray(replyDecoded)) expect(boxes).to.deep.equal(replyDecoded.map(told));
      });
    }

    const failing = /missing argument|undecodable argument/;
    for (const { name, hex } of ampVectors("exchange").filter((one) => failing.test(one.name))) {
      it(`${name} is refused with the path`, () => {
        const message = decodeMessage(parseBoxes(octetsOf(hex))[0] ?? new Map());
        if (message.kind !== "ask") throw new Error(message.kind);
        const text = name.includes("missing") ? "args.b is missing" : "args.a is no integer";
        expect(() => decodeFields(COMMANDS.Sum?.args ?? {}, message.values)).to.throw(ProtocolError, text);
      });
    }
  });

  describe("what breaks the protocol", () => {
    const FAULTS: Readonly<Record<string, string>> = {
      "malformed: empty box": "empty",
      "malformed: box without a purpose": "no-kind",
      "malformed: key of 256 bytes": "key-too-long",
      "malformed: key of 256 bytes, later": "key-too-long",
      "malformed: http request": "key-too-long",
    };
    for (const { name, hex } of ampVectors("malformed")) {
      it(name, () => {
        const parser = new BoxParser();
        const read = (): unknown => {
          parser.push(octetsOf(hex));
          const box = parser.next();
          return box && decodeMessage(box);
        };
        const fault = FAULTS[name];
        if (fault !== undefined) {
          expect(read).to.throw(MalformedBoxError).with.include({ fault, code: "PROTOCOL" });
        } else if (name.endsWith("incomplete box")) {
          expect(read()).to.equal(undefined);
          expect(parser.isInBox).to.equal(true);
        } else {
          // Nobody waits for it; that is what a connection knows.
          expect(read()).to.include({ kind: name.includes("error") ? "error" : "answer", tag: "99" });
        }
      });
    }
  });

  describe("replies", () => {
    for (const { name, hex, decoded, call = "" } of ampVectors("reply")) {
      it(name, () => {
        const box = parseBoxes(octetsOf(hex))[0] ?? new Map<string, Uint8Array>();
        if (name === "reply: error without code") {
          expect(() => decodeMessage(box))
            .to.throw(IncompleteErrorBoxError)
            .with.include({ fault: "incomplete-error", tag: "1" });
          return;
        }
        const message = decodeMessage(box);
        expect(message).to.have.property("tag", "1");
        const response = COMMANDS[call]?.response ?? {};
        if (message.kind === "answer" && decoded?.error === undefined) {
          const result = decoded?.result as Record<string, unknown>;
          expect(decodeFields(response, message.values)).to.deep.equal({ total: Number(result.total) });
        } else if (message.kind === "answer") {
          expect(() => decodeFields(response, message.values, { root: "result" }))
            .to.throw(RpcError, "result.total is missing")
            .with.property("code", "PROTOCOL");
        } else if (message.kind === "error") {
          const text = decoded?.text as string;
          const told = text.replace(/^Code<UNKNOWN>: /, "");
          if (message.code !== "UNHANDLED") expect(message.description).to.equal(told);
          else expect(message.description).to.equal("Unhandled Command: b'Divide'");
        } else throw new Error(message.kind);
      });
    }
  });
});

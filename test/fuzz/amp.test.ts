import { expect } from "chai";
import { ProtocolError } from "../../src/errors.js";
import {
  type AnyField,
  ampList,
  BoxParser,
  boolean,
  bytes,
  dateTime,
  decimal,
  decodeFields,
  decodeMessage,
  encodeFields,
  encodeMessage,
  float,
  integer,
  listOf,
  optional,
  path,
  unicode,
} from "../../src/wire/amp/index.js";
import { ampVectors } from "../support/amp-vectors.js";
import { generator } from "../support/generator.js";

/**
 * A fuzzer for AMP: streams of boxes with something changed, cut anywhere; boxes put together at random; and values of every type.
 * Whatever comes is read, or refused with our own error; and what was read can be sent and means the same then.
 *
 * `FUZZ=1000000 npm test -- --grep fuzz` runs more; `FUZZ_SEED` repeats a run.
 */
const INPUTS = Number(process.env.FUZZ ?? 50_000);
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

type Random = (below: number) => number;

const GOOD: readonly Buffer[] = ampVectors("box", "call", "exchange", "malformed", "reply")
  .map(({ hex }) => Buffer.from(hex, "hex"))
  .filter((octets) => octets.length < 5_000);

const VALUES: readonly Buffer[] = ampVectors("argument", "accepted", "refused").map(({ hex }) =>
  Buffer.from(hex, "hex"),
);

const latin = (text: string): Buffer => Buffer.from(text, "latin1");

/** Pieces that values are changed with. */
const PIECES: readonly Buffer[] = [
  ...Array.from("0123456789+-_.eE :TZ\0\x01\x02\xff"),
  "inf",
  "nan",
  "sNaN",
  "\0\0",
  "\0\x01x",
  "\xff\xff",
  "\xed\xa0\x80",
  "0".repeat(300),
  " ".repeat(300),
  "_1".repeat(300),
].map(latin);

const row = { x: integer(), label: optional(unicode()) };
const TYPES: Readonly<Record<string, AnyField>> = {
  integer: integer(),
  number: integer({ as: "number" }),
  bytes: bytes(),
  unicode: unicode(),
  boolean: boolean(),
  float: float(),
  decimal: decimal(),
  dateTime: dateTime(),
  path: path(),
  integers: listOf(integer()),
  lists: listOf(listOf(unicode())),
  rows: ampList(row),
  tree: ampList({ name: unicode(), kids: ampList(row) }),
};

function pick<T>(from: readonly T[], random: Random): T {
  const found = from[random(from.length)];
  if (found === undefined) throw new Error("There is nothing");
  return found;
}

function mutate(octets: Buffer, other: Buffer, random: Random): Buffer {
  let out = Buffer.from(octets);
  for (let count = random(4); count > 0; count--) {
    const at = random(out.length + 1);
    switch (random(5)) {
      case 0:
        if (at < out.length) out[at] = random(256);
        break;
      case 1:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + random(8))]);
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), pick(PIECES, random), out.subarray(at)]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), other.subarray(random(other.length + 1))]);
        break;
      default:
        out = Buffer.concat([out.subarray(0, at), out.subarray(random(out.length + 1), at), out.subarray(at)]);
    }
  }
  return out;
}

/** All that a stream means, in a form that can be compared, and the error that ends it, if any. */
function readAll(pieces: readonly Buffer[]): string[] {
  const parser = new BoxParser({ maxMessageBytes: 20_000, maxPairs: 50 });
  const found: string[] = [];
  try {
    for (const piece of pieces) {
      parser.push(piece);
      for (let box = parser.next(); box; box = parser.next()) {
        const message = decodeMessage(box);
        const again = encodeMessage(message);
        found.push(again.toString("hex"));
        const values = "values" in message ? message.values : new Map<string, Uint8Array>();
        for (const octets of values.values()) if (octets.length > 20_000) throw new Error("a value beyond the limit");
      }
    }
    found.push(parser.isInBox ? "cut" : "end");
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    found.push(error.message);
  }
  return found;
}

function cut(octets: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < octets.length; ) {
    const size = 1 + random(random(3) === 0 ? 3 : 40);
    pieces.push(octets.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

describe(`AMP against a fuzzer (seed ${SEED})`, function () {
  this.timeout(Math.max(60_000, INPUTS));

  // Most of the time would go into stacks of errors that nobody looks at.
  const { stackTraceLimit } = Error;
  before(() => {
    Error.stackTraceLimit = 0;
  });
  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  it(`survives ${INPUTS} mutated streams, and reads them the same however they are cut`, () => {
    const random = generator(SEED);
    let read = 0;
    let refused = 0;
    for (let run = 0; run < INPUTS; run++) {
      const octets = mutate(Buffer.concat([pick(GOOD, random), pick(GOOD, random)]), pick(GOOD, random), random);
      const whole = readAll([octets]);
      const pieces = readAll(cut(octets, random));
      if (pieces.join() !== whole.join()) throw new Error(`stream ${octets.toString("hex")}`);
      if (whole.at(-1) === "end" || whole.at(-1) === "cut") read++;
      else refused++;
    }
    // The mutations reach both sides, or the fuzzer would prove nothing.
    expect(read).to.be.greaterThan(INPUTS / 100);
    expect(refused).to.be.greaterThan(INPUTS / 100);
  });

  it(`survives ${INPUTS} mutated values, and can send those that it reads`, () => {
    const random = generator(SEED);
    const names = Object.keys(TYPES);
    const read = new Map<string, number>();
    let refused = 0;
    for (let run = 0; run < INPUTS; run++) {
      const octets = mutate(pick(VALUES, random), pick(VALUES, random), random);
      const name = pick(names, random);
      const fields = { [name]: TYPES[name] ?? unicode() };
      const what = (): string => `${name} ${octets.toString("hex")}`;
      let values: Readonly<Record<string, unknown>>;
      try {
        values = decodeFields(fields, new Map([[name, octets]]));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw new Error(what(), { cause: error });
        refused++;
        continue;
      }
      read.set(name, (read.get(name) ?? 0) + 1);
      let again: unknown;
      try {
        again = decodeFields(fields, encodeFields(fields, values as never));
      } catch (error) {
        throw new Error(what(), { cause: error });
      }
      expect(again, what()).to.deep.equal(values);
    }
    expect(refused).to.be.greaterThan(INPUTS / 100);
    expect([...read.keys()]).to.have.members(names);
  });

  it("takes time in proportion to what comes", () => {
    // Each is what an expression that goes back and forth would take minutes for.
    const size = 65_000;
    for (const filling of ["0", "1", " ", "_1", "1_", "\t", ".", "e", "+", "\0\0", "\0", "nan", "\xff"]) {
      for (const end of ["", "x", " x"]) {
        const octets = latin(filling.repeat(size / filling.length) + end);
        for (const [name, type] of Object.entries(TYPES)) {
          try {
            decodeFields({ [name]: type }, new Map([[name, octets]]));
          } catch (error) {
            expect(error).to.be.instanceOf(ProtocolError);
          }
        }
      }
    }
  }).timeout(60_000);
});

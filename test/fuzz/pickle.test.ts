import { expect } from "chai";
import { ProtocolError } from "../../src/errors.js";
import { PythonDate, PythonDateTime } from "../../src/wire/pseud/dates.js";
import { decodeBody } from "../../src/wire/pseud/decode-value.js";
import { ExtensionValue } from "../../src/wire/pseud/foreign-values.js";
import { readPickle } from "../../src/wire/pseud/pickle-reader.js";
import { PythonTimeDelta } from "../../src/wire/pseud/time-delta.js";
import { PythonTimeZone } from "../../src/wire/pseud/time-zone.js";
import { TranslationTable } from "../../src/wire/pseud/translation-table.js";
import { generator } from "../support/generator.js";
import { pseudVectors } from "../support/pseud-vectors.js";

/**
 * A fuzzer for pickles: what Python wrote, changed; programs put together at random; and what would do harm in Python. Whatever
 * comes is a date, a timedelta, a time zone, or refused with our own error.
 *
 * `FUZZ=1000000 npm test -- --grep fuzz` runs more; `FUZZ_SEED` repeats a run.
 */
const INPUTS = Number(process.env.FUZZ ?? 100_000);
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** What stands in the extensions of the vectors. */
const GOOD: readonly Buffer[] = pseudVectors()
  .map(({ hex }) => Buffer.from(hex, "hex"))
  .filter((octets) => octets[0] === 0xc7 && (octets[2] ?? 0) >= 123 && (octets[2] ?? 0) < 127)
  .map((octets) => octets.subarray(3));

const latin = (text: string): Buffer => Buffer.from(text, "latin1");

/** What runs something, or reaches for more than it should, when Python reads it. */
const EVIL: readonly Buffer[] = [
  "cos\nsystem\n(Vid\ntR.",
  "cposix\nsystem\n(S'id'\ntR.",
  "\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.",
  "csubprocess\nPopen\n(Vid\ntR.",
  "cbuiltins\neval\n(V1\ntR.",
  "cbuiltins\nexec\n(Vimport os\ntR.",
  "c__builtin__\neval\n(V1\ntR.",
  "cbuiltins\ngetattr\n(cbuiltins\n__import__\n(Vos\ntRVsystem\ntR(Vid\ntR.",
  "cbuiltins\ngetattr\n(czoneinfo\nZoneInfo\nV__subclasses__\ntR)R.",
  "cbuiltins\ngetattr\n(cbuiltins\ngetattr\nV_unpickle\ntR(VUTC\nK\x01tR.",
  "cbuiltins\ngetattr\n(cdatetime\ndatetime\nV_unpickle\ntR(VUTC\nK\x01tR.",
  "\x80\x04\x8c\x08datetime\x8c\x17datetime.__reduce_ex__\x93)R.",
  "(ios\nsystem\nVid\n.",
  "(cos\nsystem\nVid\no.",
  "c_codecs\nencode\n(Vabcd\nVrot13\ntR.",
  "c_codecs\ndecode\n(Vabcd\nVlatin1\ntR.",
  "ccopy_reg\n_reconstructor\n(cdatetime\ndate\nc__builtin__\nobject\nNtR.",
  "cdateutil.tz.tz\ntzfile\n)\x81}(V_name\nNub.",
  "\x82\x01.",
  "Pid\n.",
  "K\x01Q.",
].map(latin);

/** Pieces that programs are put together from. */
const PIECES: readonly Buffer[] = [
  "(",
  ")",
  "R",
  "\x81",
  "b",
  "t",
  "u",
  "}",
  "\x85",
  "\x86",
  "\x87",
  "\x93",
  "\x94",
  "N",
  "K\x00",
  "K\x01",
  "\x88",
  "h\x00",
  "h\x01",
  "q\x00",
  "q\x01",
  "p2\n",
  "g2\n",
  "j\xff\xff\xff\xff",
  "r\xff\xff\xff\xff",
  "cdatetime\ndatetime\n",
  "cdatetime\ndate\n",
  "cdatetime\ntimedelta\n",
  "cdatetime\ntimezone\n",
  "c_codecs\nencode\n",
  "cbuiltins\ngetattr\n",
  "czoneinfo\nZoneInfo\n",
  "cdateutil.tz.tz\ntzutc\n",
  "cdateutil.tz.tz\ntzoffset\n",
  "cpytz\n_UTC\n",
  "cpytz\n_p\n",
  "cos\nsystem\n",
  "V_unpickle\n",
  "VUTC\n",
  "Vlatin1\n",
  "V_name\n",
  "V_offset\n",
  "\x8c\x08datetime",
  "\x8c\x04date",
  "C\x04\x07\xd3\x09\x1b",
  "C\x0a\x07\xd3\x09\x1b\x09\x28\x01\x07\xf4\x4a",
  "V\x07\xd3\x09\x1b\n",
  "U\x04\x07\xd3\x09\x1b",
  "cdatetime\ntimedelta\nK\x01K\x02K\x03\x87R",
  "cdateutil.tz.tz\ntzoffset\n)\x81",
  "}(V_name\nNV_offset\ncdatetime\ntimedelta\nK\x01K\x02K\x03\x87Ru",
].map(latin);

/** A date, or undefined when it was refused as it should be. */
function check(octets: Buffer): unknown {
  const what = (): string => `pickle ${octets.subarray(0, 5_000).toString("hex")}`;
  let value: unknown;
  try {
    value = readPickle(octets);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw new Error(what(), { cause: error });
  }
  const isDate = value instanceof PythonDateTime || value instanceof PythonDate;
  const isDelta = value instanceof PythonTimeDelta || value instanceof PythonTimeZone;
  // Names are what may be large in a date, and have 255 octets at most.
  if ((!isDate && !isDelta) || JSON.stringify(value).length > 2_000) throw new Error(what());
  return value;
}

function mutate(bytes: Buffer, other: Buffer, random: (below: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let count = 1 + random(3); count > 0; count--) {
    const at = random(out.length + 1);
    switch (random(5)) {
      case 0:
        if (at < out.length) out[at] = random(256);
        break;
      case 1:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + random(12))]);
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), PIECES[random(PIECES.length)] ?? Buffer.alloc(0), out.subarray(at)]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), other.subarray(random(other.length))]);
        break;
      default:
        out = Buffer.concat([out.subarray(0, at), out.subarray(random(out.length + 1), at), out.subarray(at)]);
    }
  }
  return out;
}

describe(`Pickles against a fuzzer (seed ${SEED})`, function () {
  this.timeout(Math.max(60_000, INPUTS));

  // Most of the time would go into stacks of errors that nobody looks at.
  const { stackTraceLimit } = Error;
  before(() => {
    Error.stackTraceLimit = 0;
  });
  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  it("reads what it begins with, and refuses what does harm", () => {
    for (const octets of GOOD) expect(check(octets), octets.toString("latin1")).to.be.an("object");
    for (const octets of EVIL) expect(check(octets), octets.toString("latin1")).to.equal(undefined);
  });

  it("survives each operation in each place", () => {
    // The longest of each kind hold all that the others do.
    const longest = [...GOOD].sort((one, other) => other.length - one.length).slice(0, 6);
    for (const octets of longest) {
      for (let at = 0; at <= octets.length; at++) {
        for (let op = 0; op < 256; op++) {
          const replaced = Buffer.from(octets);
          if (at < octets.length) replaced[at] = op;
          check(replaced);
          check(Buffer.concat([octets.subarray(0, at), Buffer.of(op), octets.subarray(at)]));
        }
      }
    }
  });

  it(`survives ${INPUTS} mutated pickles`, () => {
    const random = generator(SEED);
    const all = [...GOOD, ...EVIL];
    const pick = (): Buffer => all[random(all.length)] ?? Buffer.alloc(0);
    const table = new TranslationTable();
    let read = 0;
    let refused = 0;
    for (let run = 0; run < INPUTS; run++) {
      const octets = mutate(pick(), pick(), random);
      if (check(octets) === undefined) refused++;
      else read++;
      // Inside of a message it is a value in any case.
      const header = Buffer.alloc(6);
      header[0] = 0xc9;
      header.writeUInt32BE(octets.length, 1);
      header[5] = 123 + random(4);
      const value = decodeBody(Buffer.concat([header, octets]), table);
      if (ExtensionValue.is(value) && Buffer.compare(value.data, octets) !== 0) throw new Error(`run ${run}`);
    }
    // The mutations reach both sides of every decision, or the fuzzer would prove nothing.
    expect(read).to.be.greaterThan(INPUTS / 100);
    expect(refused).to.be.greaterThan(INPUTS / 100);
  });

  it(`survives ${INPUTS} programs of random pieces`, () => {
    const random = generator(SEED);
    let read = 0;
    for (let run = 0; run < INPUTS; run++) {
      const pieces = Array.from({ length: 1 + random(10) }, () => PIECES[random(PIECES.length)] ?? Buffer.alloc(0));
      if (check(Buffer.concat([...pieces, latin(".")])) !== undefined) read++;
    }
    expect(read).to.be.greaterThan(0);
  });

  it("takes no more memory than there are octets, times a constant", () => {
    // Each makes as much as can be made in the room that there is.
    const repeat = (head: string, body: string): Buffer =>
      latin(head + body.repeat((4_000 - head.length) / body.length));
    const greedy = [
      repeat("", ")"),
      repeat("", "}"),
      repeat("", "("),
      repeat("N", "\x85"),
      repeat("Nq\0", "h\0h\0\x86q\0"),
      repeat("K\x01", "r\xff\xff\xff\xff"),
      repeat(`c_codecs\nencode\nq\0Vlatin1\nq\x01V${"x".repeat(1_000)}\nq\x02`, "h\0h\x02h\x01\x86R"),
      repeat("c_codecs\nencode\nq\0Vlatin1\nq\x01V0123456789\nq\x02", "h\0h\x02h\x01\x86R"),
      repeat("cdatetime\ntimedelta\nq\0", "h\0K\x01K\x02K\x03\x87R"),
    ];
    const before = process.memoryUsage().rss;
    for (let run = 0; run < 200; run++) for (const octets of greedy) check(octets);
    expect(process.memoryUsage().rss - before).to.be.lessThan(256 * 1024 * 1024);
    const huge = Buffer.alloc(64 * 1024 * 1024, "}");
    expect(check(huge)).to.equal(undefined);
  });
});

import { expect } from "chai";
import { Types } from "../support/amp-commands.js";
import { MORE_TYPES, MoreTypes } from "../support/amp-interop-commands.js";
import { AMP_ROLES, useAmpMeeting } from "../support/amp-meeting.js";
import type { AmpTold } from "../support/amp-python.js";
import { ampVectors, valueOf } from "../support/amp-vectors.js";

/** Types of what `Types` gives back. */
const TYPES: Readonly<Record<string, string>> = {
  integer: "Integer",
  string: "String",
  unicode: "Unicode",
  boolean: "Boolean",
  float: "Float",
  decimal: "Decimal",
  datetime: "DateTime",
  integers: "ListOf(Integer)",
  unicodes: "ListOf(Unicode)",
  nested: "ListOf(ListOf(Integer))",
  rows: "AmpList(x Integer, label Unicode optional)",
  path: "Path",
};

const when = { year: 2024, month: 2, day: 29, hour: 12, minute: 0, second: 59, microsecond: 1 };
/** What the vectors do not have, by the name of the argument. */
const MORE: Readonly<Record<string, readonly unknown[]>> = {
  integer: [`9${"0".repeat(4299)}`, `-${"9".repeat(4000)}`, "9007199254740991", "-9007199254740992"],
  string: [`hex:${"00".repeat(65_535)}`, `hex:${"ff".repeat(65_535)}`],
  unicode: ["x".repeat(65_535), "☃".repeat(21_845), "\u{10ffff}\ufeff\uffff", "e\u0301 \r\n\t"],
  float: ["9999999999999998.0", "1e-323", "0.1234567890123456", "-1e-07", "1e+100", "2251799813685248.5"],
  decimal: ["1E+999999", "-9.99E-999999", "0.000", "-0.0", "0E-7", "1.500", "-NaN7", "sNaN7", "9".repeat(1000)],
  datetime: [0, 1, -1, 59, -59, 60, -60, 345, -570, 1439, -1439].map((offsetMinutes) => ({ ...when, offsetMinutes })),
  integers: [["0", `-${"1".repeat(100)}`, "9007199254740993"], Array.from({ length: 13_107 }, () => "123")],
  unicodes: [["", "", ""], ["x".repeat(65_533)]],
  nested: [[], [[]], [[], [], []], [["1"], ["-2", "3"]]],
  rows: [
    [{ x: "-1", label: "" }],
    [
      { x: "1", label: null },
      { x: "2", label: "☃" },
    ],
  ],
  path: ["/", "/a b/☃"],
  strings: [[], ["hex:"], ["hex:00ff", "hex:"]],
  booleans: [[], [false, false, true]],
  floats: [["nan", "inf", "-inf", "-0.0", "5e-324"]],
  decimals: [["1.10", "-Infinity", "0E+6", "NaN"]],
  datetimes: [
    [
      { ...when, offsetMinutes: -90 },
      { ...when, offsetMinutes: 0 },
    ],
  ],
  paths: [["/tmp", "/"]],
  tree: [
    [{ name: "", kids: [] }],
    [
      { name: "p", kids: [{ n: "1" }, { n: String(2n ** 80n) }] },
      { name: "q", kids: [] },
    ],
  ],
};

/** What a peer in Python is told of a value: date-times in their parts. */
function toldOf(type: string, told: unknown): unknown {
  return type === "DateTime" && typeof told === "string" ? { ...(valueOf(type, told) as object) } : told;
}

/** Every type of argument, with all vectors and what else may be difficult, as argument and as result. */
for (const way of AMP_ROLES) {
  describe(`AMP: values between Twisted and ours, ${way.name}`, () => {
    const meeting = useAmpMeeting(way);

    for (const [name, type] of Object.entries({ ...TYPES, ...MORE_TYPES })) {
      const command = name in TYPES ? Types : MoreTypes;
      const names = Object.keys(command.arguments);
      const absent = Object.fromEntries(names.map((one) => [one, null]));
      const vectors = ampVectors("argument").filter(({ decoded }) => decoded?.type === type);
      const values = [...vectors.map(({ decoded }) => decoded?.value), ...(MORE[name] ?? [])];

      it(`${values.length} of ${type} come back to us`, async () => {
        const { ours } = await meeting.meet();
        for (const told of values) {
          const value = valueOf(type, told);
          const result: unknown = await ours.callRemote(command, { [name]: value } as never);
          expect(result).to.deep.equal({ ...absent, [name]: value });
        }
      });

      it(`${values.length} of ${type} come back to them`, async () => {
        await meeting.meet();
        for (const one of values) {
          const told = toldOf(type, one);
          const { result, error } = await meeting.theirs.call(command.name, { [name]: told });
          expect(error, JSON.stringify(told).slice(0, 100)).to.equal(undefined);
          expect(result).to.deep.equal({ ...absent, [name]: completed(type, told) });
        }
      });
    }

    it("all at once, and none at all", async () => {
      const { ours } = await meeting.meet();
      const all: AmpTold = Object.fromEntries(Object.keys(TYPES).map((name) => [name, MORE[name]?.at(-1) ?? true]));
      const none = Object.fromEntries(Object.keys(TYPES).map((name) => [name, null]));
      const values = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [name, valueOf(type, all[name])]));
      expect(await ours.callRemote(Types, values)).to.deep.equal(values);
      expect(await ours.callRemote(Types, {})).to.deep.equal(none);
      expect(await meeting.theirs.call("Types", all)).to.deep.equal({ result: all });
      expect(await meeting.theirs.call("Types")).to.deep.equal({ result: none });
    });
  });
}

/** Rows come with `null` for what is absent. */
function completed(type: string, told: unknown): unknown {
  if (!type.includes("optional")) return told;
  return (told as { x: string; label?: string | null }[]).map(({ x, label = null }) => ({ x, label }));
}

import { expect } from "chai";
import { defineCommand, respond } from "../../src/compat/amp/index.js";
import { type AmpField, type AmpType, integer } from "../../src/wire/amp/index.js";
import { Types } from "../support/amp-commands.js";
import { MORE_TYPES, MoreTypes } from "../support/amp-interop-commands.js";
import { AMP_ROLES, useAmpMeeting } from "../support/amp-meeting.js";
import type { AmpTold } from "../support/amp-python.js";
import { ampVectors, valueOf } from "../support/amp-vectors.js";
import { failureOf } from "../support/mesh.js";

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
  paths: [["/srv", "/"]],
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

    it("types of one's own take what keys they like", async () => {
      const pair: AmpField<readonly [number, number], readonly [number, number], "required"> = {
        presence: "required",
        write(box, _name, numbers) {
          const [a, b] = numbers ?? [0, 0];
          box.set("a", Buffer.from(String(a))).set("b", Buffer.from(String(b)));
        },
        read: (box) => [Number(box.get("a")), Number(box.get("b"))],
      };
      const reversed: AmpType<string> = {
        encode: (text) => Buffer.from(text.split("").reverse().join("")),
        decode: (octets) => Buffer.from(octets).toString().split("").reverse().join(""),
      };
      const response = { total: integer({ as: "bigint" }) };
      const SumOfPair = defineCommand({ name: "Sum", arguments: { pair }, response });
      const Reversed = defineCommand({
        name: "Repeat",
        arguments: { text: reversed, times: integer() },
        response: { text: reversed },
      });
      const { ours } = await meeting.meet({
        responders: [
          respond(SumOfPair, ({ pair: [a, b] }) => ({ total: a * b })),
          respond(Reversed, ({ text }) => ({ text: `${text}!` })),
        ],
      });
      expect(await ours.callRemote(SumOfPair, { pair: [20, 3] })).to.deep.equal({ total: 23n });
      expect(await ours.callRemote(Reversed, { text: "abc", times: 2 })).to.deep.equal({ text: "abcabc" });
      expect(await meeting.theirs.call("Sum", { a: "20", b: "3" })).to.deep.equal({ result: { total: "60" } });
      expect(await meeting.theirs.call("Repeat", { text: "abc", times: "1" })).to.deep.equal({
        result: { text: "!abc" },
      });
    });

    it("what cannot be sent is refused at either end, and the connection stays", async () => {
      const { ours } = await meeting.meet();
      for (const [args, code] of [
        [{ string: new Uint8Array(65_536) }, "TOO_LARGE"],
        [{ integers: Array.from({ length: 22_000 }, () => 1) }, "TOO_LARGE"],
        [{ integer: 1.5 }, "BAD_REQUEST"],
        [{ unknown: 1 }, "BAD_REQUEST"],
      ] as const) {
        const failure = await failureOf(ours.callRemote(Types, args as never));
        expect(failure).to.include({ code, outcome: "not-sent", method: "Types" });
      }
      const { error, stays } = await meeting.theirs.call(
        "Types",
        { string: `hex:${"00".repeat(65_536)}` },
        { probe: true },
      );
      expect([error?.class, stays]).to.deep.equal(["TooLong", true]);
      expect(await ours.callRemote(Types, {})).to.have.property("integer", null);
    });

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

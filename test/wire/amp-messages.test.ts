import { expect } from "chai";
import fc from "fast-check";
import { RpcError } from "../../src/errors.js";
import {
  type AmpMessage,
  decodeMessage,
  encodeMessage,
  IncompleteErrorBoxError,
  MalformedBoxError,
  parseBoxes,
  tagOf,
} from "../../src/wire/amp/index.js";

type Pairs = Readonly<Record<string, string>>;
const boxOf = (pairs: Pairs): Map<string, Uint8Array> =>
  new Map(Object.entries(pairs).map(([key, value]) => [key, Buffer.from(value, "latin1")]));
const pairsOf = (octets: Uint8Array): Pairs =>
  Object.fromEntries(
    Array.from(parseBoxes(octets)[0] ?? [], ([key, value]) => [key, Buffer.from(value).toString("latin1")]),
  );

function failure(action: () => unknown): RpcError {
  try {
    action();
  } catch (error) {
    if (RpcError.isRpcError(error)) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

const ask = (values: Pairs = {}): AmpMessage => ({ kind: "ask", tag: "1", command: "Sum", values: boxOf(values) });

describe("Messages of AMP", () => {
  it("count requests in lower-case hexadecimal", () => {
    expect([1, 9, 10, 15, 16, 17, 255].map(tagOf)).to.deep.equal(["1", "9", "a", "f", "10", "11", "ff"]);
  });

  it("have the values of a request apart from its own keys", () => {
    const box = boxOf({ _ask: "x", _command: "Sum", a: "1", _answered: "2" });
    const message = decodeMessage(box);
    expect(message).to.deep.equal({ kind: "ask", tag: "x", command: "Sum", values: boxOf({ a: "1", _answered: "2" }) });
    expect(box.size).to.equal(4);
    expect(decodeMessage(boxOf({ _command: "Sum" }))).to.have.property("tag", undefined);
    expect(decodeMessage(boxOf({ _command: "", _ask: "" }))).to.include({ tag: "", command: "" });
  });

  it("are an answer before an error before a request, in the dialect of asyncio-amp a request first", () => {
    const all = { _answer: "1", _error: "2", _error_code: "C", _error_description: "d", _command: "X", _ask: "3" };
    expect(decodeMessage(boxOf(all)).kind).to.equal("answer");
    expect(decodeMessage(boxOf(all), "asyncio-amp").kind).to.equal("ask");
    const { _answer, ...rest } = all;
    expect(decodeMessage(boxOf(rest)).kind).to.equal("error");
    expect(decodeMessage(boxOf({ _answer })).kind).to.equal("answer");
    expect(decodeMessage(boxOf({ _answer }), "asyncio-amp").kind).to.equal("answer");
  });

  it("keep the octets of tags, names and codes, whatever they are", () => {
    const text = fc.uint8Array({ maxLength: 20 }).map((octets) => Buffer.from(octets).toString("latin1"));
    const values = fc
      .dictionary(fc.string({ minLength: 1, maxLength: 5 }), text, { noNullPrototype: true })
      .map((pairs) => Object.fromEntries(Object.entries(pairs).filter(([key]) => !/[^\0-\xff]|^_/.test(key))))
      .map(boxOf);
    const message: fc.Arbitrary<AmpMessage> = fc.oneof(
      fc.record({ kind: fc.constant("ask" as const), tag: fc.option(text, { nil: undefined }), command: text, values }),
      fc.record({ kind: fc.constant("answer" as const), tag: text, values }),
      fc.record({
        kind: fc.constant("error" as const),
        tag: text,
        code: text,
        description: fc.string({ unit: "grapheme" }),
      }),
    );
    const plain = (one: AmpMessage): unknown =>
      "values" in one
        ? { ...one, values: Array.from(one.values, ([key, value]) => [key, Buffer.from(value).toString("hex")]).sort() }
        : one;
    fc.assert(
      fc.property(message, (sent) => {
        const [box = new Map<string, Uint8Array>()] = parseBoxes(encodeMessage(sent));
        expect(plain(decodeMessage(box))).to.deep.equal(plain(sent));
      }),
    );
  });

  it("refuse values under keys of their own, and names that are no octets", () => {
    const reserved = { _ask: "1", _command: "X", _answer: "1", _error: "1", _error_code: "C", _error_description: "d" };
    for (const key of Object.keys(reserved)) {
      expect(failure(() => encodeMessage(ask({ [key]: "2" })))).to.have.property("code", "BAD_REQUEST");
    }
    expect(decodeMessage(boxOf({ ...reserved, a: "1" }))).to.have.deep.property("values", boxOf({ a: "1" }));
    expect(failure(() => encodeMessage(ask({ _ask: "2" })))).to.include({
      code: "BAD_REQUEST",
      outcome: "not-sent",
      message: "No value can be named _ask, which is a key of AMP's own",
    });
    expect(failure(() => encodeMessage({ kind: "answer", tag: "1", values: boxOf({ _answer: "" }) }))).to.have.property(
      "code",
      "BAD_REQUEST",
    );
    for (const wrong of [{ tag: "☃" }, { command: "☃" }]) {
      expect(failure(() => encodeMessage({ ...ask(), ...wrong }))).to.have.property("code", "BAD_REQUEST");
    }
  });

  it("are not written when a value is too long", () => {
    const values = new Map([["text", new Uint8Array(70_000)]]);
    for (const message of [
      { kind: "ask", tag: "1", command: "X", values },
      { kind: "answer", tag: "1", values },
    ] as const) {
      expect(failure(() => encodeMessage(message))).to.include({
        code: "TOO_LARGE",
        message: 'The value of "text" has 70000 octets, the limit is 65535',
      });
    }
  });

  it("cut a description that does not fit between two characters", () => {
    for (const [text, size] of [
      ["x".repeat(70_000), 65_535],
      ["é".repeat(40_000), 65_534],
      [`x${"é".repeat(40_000)}`, 65_535],
      ["😀".repeat(20_000), 65_532],
    ] as const) {
      const octets = encodeMessage({ kind: "error", tag: "1", code: "C", description: text });
      const description = parseBoxes(octets)[0]?.get("_error_description") ?? Buffer.alloc(0);
      expect(description.byteLength).to.equal(size);
      expect(text.startsWith(Buffer.from(description).toString())).to.equal(true);
    }
  });

  it("say the code where peers of asyncio-amp would break at an empty description", () => {
    const message: AmpMessage = { kind: "error", tag: "1", code: "C", description: "" };
    expect(pairsOf(encodeMessage(message, "asyncio-amp"))).to.include({ _error_description: "C" });
    expect(pairsOf(encodeMessage(message))).to.include({ _error_description: "" });
  });

  it("replace what is no text in descriptions, either way", () => {
    const box = boxOf({ _error: "1", _error_code: "C\xff", _error_description: "caf\xc3\xa9 \xff" });
    expect(decodeMessage(box)).to.deep.equal({ kind: "error", tag: "1", code: "C\xff", description: "café \ufffd" });
    const octets = encodeMessage({ kind: "error", tag: "1", code: "C", description: "\ud83d!" });
    expect(pairsOf(octets)).to.have.property("_error_description", Buffer.from("\ufffd!").toString("latin1"));
  });

  it("name the request of an error that says nothing", () => {
    for (const pairs of [
      { _error: "7" },
      { _error: "7", _error_code: "C" },
      { _error: "7", _error_description: "d" },
    ]) {
      const error = failure(() => decodeMessage(boxOf(pairs)));
      expect(error).to.be.instanceOf(IncompleteErrorBoxError);
      expect(error).to.be.instanceOf(MalformedBoxError);
      expect(error).to.include({ code: "PROTOCOL", fault: "incomplete-error", tag: "7" });
    }
  });

  it("are none of an empty box, and of one that is nothing", () => {
    expect(failure(() => decodeMessage(new Map()))).to.include({ code: "PROTOCOL", fault: "empty" });
    expect(failure(() => decodeMessage(boxOf({ _ask: "1", a: "2" })))).to.include({
      code: "PROTOCOL",
      fault: "no-kind",
    });
  });
});

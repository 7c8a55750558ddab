import { expect } from "chai";
import { connectAmp, connectBoxes, defineCommand, RemoteAmpError } from "../../src/compat/amp/index.js";
import { MethodNotFoundError } from "../../src/index.js";
import { unicode } from "../../src/wire/amp/index.js";
import { BaseProblem, Divide, Fail, Notify, Repeat, Sum, Types, ZeroDivision } from "../support/amp-commands.js";
import { CallMe, Nope, Slow } from "../support/amp-interop-commands.js";
import { AMP_WAYS, useAmpMeeting } from "../support/amp-meeting.js";
import { AmpPython, type AmpTold, useAmpCleanUp } from "../support/amp-python.js";
import { ampVectors, valueOf } from "../support/amp-vectors.js";
import { failureOf } from "../support/mesh.js";

/** All that asyncio-amp has, with a value for each: it wants all arguments that are declared, optional or not. */
const FULL: AmpTold = { integer: "1", string: "hex:00ff", unicode: "é☃", boolean: true, float: "1.5" };
const NAMES = { integer: "Integer", string: "String", unicode: "Unicode", boolean: "Boolean", float: "Float" } as const;
const ABSENT = { decimal: null, datetime: null, integers: null, unicodes: null, nested: null, rows: null, path: null };
const OPTIONS = { dialect: "asyncio-amp" } as const;
const SHORT = { timeoutMs: 200 } as const;
const ZERO = { numerator: 1, denominator: 0 };

/** What of each type can be sent to such a peer. */
const VALUES = Object.entries(NAMES).flatMap(([name, type]) =>
  ampVectors("argument")
    .filter(({ decoded, hex }) => decoded?.type === type && hex !== "")
    .map(({ decoded }) => [name, decoded?.value] as const),
);

function valuesOf(told: AmpTold): Record<string, unknown> {
  return Object.fromEntries(Object.entries(NAMES).map(([name, type]) => [name, valueOf(type, told[name])]));
}

/** asyncio-amp is played by a stand-in, which does what it does right, and what it does wrong. */
for (const way of AMP_WAYS.filter(({ transport }) => transport !== "tls")) {
  describe(`AMP: asyncio-amp and ours, ${way.name}`, () => {
    const meeting = useAmpMeeting(way, "asyncio");

    for (const dialect of ["asyncio-amp", "twisted"] as const) {
      it(`both call, in the dialect ${dialect}`, async () => {
        const { ours } = await meeting.meet({ dialect });
        expect(await ours.callRemote(Sum, { a: 2n ** 64n, b: -1 })).to.deep.equal({ total: 2n ** 64n - 1n });
        expect(await ours.callRemote(Repeat, { text: "é☃", times: 3 })).to.deep.equal({ text: "é☃é☃é☃" });
        const long = "x".repeat(65_535);
        expect(await ours.callRemote(Repeat, { text: long, times: 1 })).to.deep.equal({ text: long });
        expect(await ours.callRemote(Divide, { numerator: 1, denominator: 3 })).to.deep.equal({ result: 1 / 3 });
        expect(await ours.callRemote(CallMe, { numerator: 1, denominator: 4 })).to.deep.equal({ result: 0.25 });
        for (const [command, args, result] of [
          ["Sum", { a: String(2n ** 64n), b: "-1" }, { total: String(2n ** 64n - 1n) }],
          ["Repeat", { text: "é☃", times: "3" }, { text: "é☃é☃é☃" }],
          ["Divide", { numerator: "1", denominator: "3" }, { result: "0.3333333333333333" }],
          ["CallMe", { numerator: "1", denominator: "4" }, { result: "0.25" }],
          ["Types", FULL, FULL],
        ] as const) {
          expect(await meeting.theirs.call(command, args, { probe: true })).to.deep.equal({ result, stays: true });
        }
      });
    }

    it(`${VALUES.length} values of all its types come back to us and to them`, async () => {
      const { ours } = await meeting.meet(OPTIONS);
      for (const [name, value] of VALUES) {
        const told = { ...FULL, [name]: value };
        expect(await ours.callRemote(Types, valuesOf(told))).to.deep.equal({ ...ABSENT, ...valuesOf(told) });
        expect(await meeting.theirs.call("Types", told)).to.deep.equal({ result: told });
      }
    });

    it("1,000 calls are under way each way at once, and answers come when they are ready", async () => {
      const { ours } = await meeting.meet(OPTIONS);
      const order: number[] = [];
      const slow = [200, 1].map(async (milliseconds) => {
        await ours.callRemote(Slow, { milliseconds });
        order.push(milliseconds);
      });
      const theirs = meeting.theirs.many(1000);
      const numbers = Array.from({ length: 1000 }, (_, index) => index);
      const sums = await Promise.all(numbers.map((a) => ours.callRemote(Sum, { a, b: 1 })));
      expect(sums.map(({ total }) => total)).to.deep.equal(numbers.map((a) => a + 1));
      expect(await theirs).to.deep.equal({ right: 1000, wrong: 0, failed: 0 });
      await Promise.all(slow);
      expect(order).to.deep.equal([1, 200]);
    });

    it("empty values are not sent, and read as what they are", async () => {
      const { ours } = await meeting.meet(OPTIONS);
      const empty = await failureOf(ours.callRemote(Repeat, { text: "", times: 3 }));
      expect(empty).to.include({ code: "BAD_REQUEST", outcome: "not-sent", method: "Repeat" });
      expect(empty.message).to.match(/args\.text is empty/);
      const { error, stays } = await meeting.theirs.call("Repeat", { text: "x", times: "0" }, { probe: true });
      expect(error).to.include({ class: "UnknownRemoteError", code: "UNKNOWN" });
      expect(error?.description).to.match(/result\.text is empty/);
      expect(stays).to.equal(true);
      expect(await meeting.theirs.call("Notify", { text: "" })).to.deep.equal({ result: {} });
      expect(meeting.notified).to.deep.equal([""]);
      expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    });

    it("an empty value that is sent after all makes it deaf, and nothing here waits for ever", async () => {
      const { ours, on } = await meeting.meet();
      const failure = await failureOf(ours.callRemote(Repeat, { text: "", times: 3 }, SHORT));
      expect(failure).to.include({ code: "TIMEOUT", outcome: "unknown" });
      await meeting.theirs.happens("failed", { on, deaf: true });
      const later = await failureOf(ours.callRemote(Sum, { a: 1, b: 2 }, SHORT));
      expect(later).to.include({ code: "TIMEOUT", outcome: "unknown" });
      expect(ours.info.isOpen).to.equal(true);
      await ours.close();
      await meeting.theirs.happens("lost", { on });
    });

    it("its errors come to us as what they are, and the connection stays", async () => {
      const { ours } = await meeting.meet(OPTIONS);
      for (const command of [Divide, CallMe]) {
        const failure = await failureOf(ours.callRemote(command, ZERO));
        expect(failure).to.be.instanceOf(ZeroDivision).and.have.property("message", "division by zero");
      }
      const known = await failureOf(ours.callRemote(Fail, { kind: "known" }));
      expect(known).to.be.instanceOf(BaseProblem).and.have.property("message", "declared");
      for (const [kind, description] of [
        ["derived", "child of a declared class"],
        ["unknown", "told as it is"],
        ["toolong", "Response too long"],
      ] as const) {
        const failure = await failureOf(ours.callRemote(Fail, { kind }));
        expect(failure)
          .to.be.instanceOf(RemoteAmpError)
          .and.include({ errorCode: "UNKNOWN", description, outcome: "executed" });
      }
      const missing = await failureOf(ours.callRemote(Nope));
      expect(missing).to.be.instanceOf(MethodNotFoundError).and.include({ outcome: "not-executed" });
      expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    });

    it("our errors come to it as what they are, and the connection stays", async () => {
      await meeting.meet(OPTIONS);
      const zero = { numerator: "1", denominator: "0" };
      const unknown = { class: "UnknownRemoteError", code: "UNKNOWN" };
      for (const [command, args, expected] of [
        ["Divide", zero, { class: "ZERO_DIVISION", text: "division by zero" }],
        ["CallMe", zero, { class: "ZERO_DIVISION", text: "division by zero" }],
        ["Fail", { kind: "known" }, { class: "BASE_PROBLEM", text: "declared" }],
        ["Fail", { kind: "derived" }, { class: "BASE_PROBLEM", text: "child of a declared class" }],
        ["Fail", { kind: "unknown" }, { ...unknown, description: "a secret" }],
        ["Fail", { kind: "wordless" }, { ...unknown, description: "Unknown Error" }],
        ["Fail", { kind: "badreturn" }, unknown],
        ["Fail", { kind: "toolong" }, unknown],
        ["Fail", { kind: "remote" }, { ...unknown, code: "OF_ITS_OWN", description: "not declared" }],
        ["Nope", {}, { class: "UnhandledCommandError", code: "UNHANDLED" }],
      ] as const) {
        const { error, stays } = await meeting.theirs.call(command, args, { probe: true });
        expect(error, JSON.stringify(args)).to.include(expected);
        expect(stays, JSON.stringify(args)).to.equal(true);
      }
    });

    it("our fatal errors end the connection, as they say", async () => {
      const { ours, on } = await meeting.meet(OPTIONS);
      const { error } = await meeting.theirs.call("Fail", { kind: "fatal" });
      expect(error).to.include({ class: "UnknownRemoteError", code: "FATAL_PROBLEM" });
      await meeting.theirs.lost(on);
      await ours.closed;
    });

    it("what it never answers fails when its time is up, and the connection goes on", async () => {
      const { ours, on } = await meeting.meet(OPTIONS);
      const calls = [
        ["IndexError", () => ours.callRemote(Fail, { kind: "wordless" }, SHORT)],
        ["AttributeError", () => ours.callRemote(Fail, { kind: "number" }, SHORT)],
        ["KeyError", () => ours.callRemote(Fail, { kind: "badreturn" }, SHORT)],
        ["KeyError", () => ours.callRemote(Types, { integer: 1 }, SHORT)],
        ["ValueError", () => ours.callBox("Sum", new Map(["a", "b"].map((name) => [name, Buffer.from("x")])), SHORT)],
      ] as const;
      for (const [what, call] of calls) {
        expect(await failureOf(call())).to.include({ code: "TIMEOUT", outcome: "unknown" });
        await meeting.theirs.happens("failed", { on, class: what, deaf: false });
      }
      expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    });

    it("what it left out is missing in our answer, of which it tells its caller", async () => {
      await meeting.meet(OPTIONS);
      const { error, stays } = await meeting.theirs.call("Types", { integer: "1" }, { probe: true });
      expect([error?.class, stays]).to.deep.equal(["KeyError", true]);
    });

    it("calls without an answer are run, but not if it does not know them", async () => {
      const { ours, on } = await meeting.meet(OPTIONS);
      await ours.callRemote(Notify, { text: "no answer" });
      await meeting.theirs.happens("notified", { on, text: "no answer" });
      const asking = defineCommand({ name: "Notify", arguments: { text: unicode() } });
      expect(await ours.callRemote(asking, { text: "answer" })).to.deep.equal({});
      await ours.callRemote(defineCommand({ name: "Nope", requiresAnswer: false }));
      await meeting.theirs.happens("failed", { on, class: "KeyError", deaf: false });
      expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    });

    it("our end closes at what is no AMP", async () => {
      const { ours, on } = await meeting.meet(OPTIONS);
      const waiting = failureOf(ours.callRemote(Slow, { milliseconds: 60_000 }));
      await ours.callRemote(Sum, { a: 1, b: 2 });
      const theirs = meeting.theirs.call("Slow", { milliseconds: "60000" });
      await meeting.theirs.call("Sum", { a: "1", b: "2" });
      await meeting.theirs.write(Buffer.alloc(2));
      expect(await waiting).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "Slow" });
      expect(await ours.closed).to.include({ code: "PROTOCOL" });
      expect((await theirs).error?.class).to.equal("ConnectionLostError");
      await meeting.theirs.happens("lost", { on });
      expect((await meeting.theirs.call("Sum", { a: "1", b: "2" })).error?.text).to.equal("Not connected");
    });

    it("either end closes, and what waits fails", async () => {
      const { ours } = await meeting.meet(OPTIONS);
      const waiting = failureOf(ours.callRemote(Slow, { milliseconds: 60_000 }));
      await ours.callRemote(Sum, { a: 1, b: 2 });
      await meeting.theirs.disconnect();
      expect(await waiting).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      const again = await meeting.meet(OPTIONS);
      const theirs = meeting.theirs.call("Slow", { milliseconds: "60000" });
      await meeting.theirs.call("Sum", { a: "1", b: "2" });
      await again.ours.close();
      expect((await theirs).error?.class).to.equal("ConnectionLostError");
    });
  });
}

describe("AMP: asyncio-amp and ours", () => {
  useAmpCleanUp();

  for (const [what, pairs] of [
    ["an empty box", []],
    ["a box of no kind", [["a", "b"]]],
    ["an answer with an unknown tag", [["_answer", "99"]]],
  ] as const) {
    it(`${what} makes it deaf, and our boxes are closed by us`, async () => {
      const theirs = await AmpPython.asyncioServer();
      const connection = connectBoxes(theirs.address, {
        startReceivingBoxes: (sender) => {
          sender.sendBox(new Map(pairs.map(([key, value]) => [key, Buffer.from(value)])));
        },
        boxReceived: () => undefined,
        stopReceivingBoxes: () => undefined,
      });
      await theirs.happens("failed", { deaf: true });
      expect(connection.isOpen).to.equal(true);
      connection.destroy(new RemoteAmpError("", "done"));
      await theirs.happens("lost");
    });
  }

  it("is killed under a call", async () => {
    const theirs = await AmpPython.asyncioServer();
    await using ours = await connectAmp(theirs.address, OPTIONS);
    const waiting = failureOf(ours.callRemote(Slow, { milliseconds: 60_000 }));
    await ours.callRemote(Sum, { a: 1, b: 2 });
    await theirs.kill();
    expect(await waiting).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(await ours.closed).to.include({ code: "UNAVAILABLE" });
  });
});

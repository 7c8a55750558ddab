import { expect } from "chai";
import { defineCommand, RemoteAmpError } from "../../src/compat/amp/index.js";
import { MethodNotFoundError, RpcError } from "../../src/index.js";
import { unicode } from "../../src/wire/amp/index.js";
import {
  BaseProblem,
  Bye,
  Divide,
  Fail,
  FatalProblem,
  Mapped,
  Notify,
  Repeat,
  Sum,
  ZeroDivision,
} from "../support/amp-commands.js";
import { CallMe, FailMore, MoreProblem, Nope, Slow } from "../support/amp-interop-commands.js";
import { AMP_WAYS, useAmpMeeting } from "../support/amp-meeting.js";
import { failureOf } from "../support/mesh.js";

/** Commands with arguments and results that both ends have to agree about; in the notation of the vectors. */
const CALLS = [
  ["Sum", { a: String(2n ** 64n), b: "-1" }, { total: String(2n ** 64n - 1n) }],
  ["Repeat", { text: "é☃😀", times: "3" }, { text: "é☃😀é☃😀é☃😀" }],
  ["Repeat", { text: "", times: "3" }, { text: "" }],
  ["Repeat", { text: "x".repeat(65_535), times: "1" }, { text: "x".repeat(65_535) }],
  ["Divide", { numerator: "1", denominator: "3" }, { result: "0.3333333333333333" }],
  ["mapped-command", { "dash-arg": "d", from: "f", mixedCase: "m" }, { class: "d|f|-|m" }],
  ["mapped-command", { "dash-arg": "d", from: "f", print: "p", mixedCase: "m" }, { class: "d|f|p|m" }],
  ["Fail", { kind: "not at all" }, { text: "not at all" }],
  ["CallMe", { numerator: "1", denominator: "4" }, { result: "0.25" }],
] as const;

const ZERO = { numerator: 1, denominator: 0 };
const UNKNOWN = { class: "UnknownRemoteError", code: "UNKNOWN", description: "Unknown Error" };

/** Twisted 22.4 of Debian, and ours: whatever both have, both ways. */
for (const way of AMP_WAYS) {
  describe(`AMP: Twisted and ours, ${way.name}`, () => {
    const meeting = useAmpMeeting(way);

    it("we call", async () => {
      const { ours } = await meeting.meet();
      expect(await ours.callRemote(Sum, { a: 2n ** 64n, b: -1 })).to.deep.equal({ total: 2n ** 64n - 1n });
      expect(await ours.callRemote(Repeat, { text: "é☃😀", times: 3 })).to.deep.equal({ text: "é☃😀é☃😀é☃😀" });
      expect(await ours.callRemote(Repeat, { text: "", times: 3 })).to.deep.equal({ text: "" });
      const long = "x".repeat(65_535);
      expect(await ours.callRemote(Repeat, { text: long, times: 1 })).to.deep.equal({ text: long });
      expect(await ours.callRemote(Divide, { numerator: 1, denominator: 3 })).to.deep.equal({ result: 1 / 3 });
      const names = { "dash-arg": "d", from: "f", mixedCase: "m" };
      expect(await ours.callRemote(Mapped, names)).to.deep.equal({ class: "d|f|-|m" });
      expect(await ours.callRemote(Mapped, { ...names, print: "p" })).to.deep.equal({ class: "d|f|p|m" });
      expect(await ours.callRemote(CallMe, { numerator: 1, denominator: 4 })).to.deep.equal({ result: 0.25 });
      expect(await ours.lowLevel?.({ data: Uint8Array.of(255, 0) })).to.deep.equal({ echo: Uint8Array.of(255, 0) });
      expect(await ours.Repeat?.({ text: "ab", times: 2 })).to.deep.equal({ text: "abab" });
    });

    it("they call", async () => {
      const { theirs } = meeting;
      await meeting.meet();
      for (const [command, args, result] of CALLS) {
        expect(await theirs.call(command, args, { probe: true })).to.deep.equal({ result, stays: true });
      }
      const { box } = await theirs.low("lowLevel", { data: "hex:ff00" });
      expect(box).to.have.property("echo", "hex:ff00");
    });

    it("calls without an answer are run", async () => {
      const { ours, on } = await meeting.meet();
      await ours.callRemote(Notify, { text: "from us" });
      await meeting.theirs.happens("notified", { on, text: "from us" });
      expect(await meeting.theirs.call("Notify", { text: "from them" }, { probe: true })).to.deep.equal({
        result: null,
        stays: true,
      });
      expect(meeting.notified).to.deep.equal(["from them"]);
      // Whoever asks for an answer gets one, whatever the command says.
      const asking = defineCommand({ name: "Notify", arguments: { text: unicode() } });
      expect(await ours.callRemote(asking, { text: "answer" })).to.deep.equal({});
      expect(Object.keys((await meeting.theirs.low("Notify", { text: "hex:61" })).box ?? {})).to.deep.equal([
        "_answer",
      ]);
    });

    it("1,000 calls are under way each way at once", async () => {
      const { ours } = await meeting.meet();
      const theirs = meeting.theirs.many(1000);
      const numbers = Array.from({ length: 1000 }, (_, index) => index);
      const sums = await Promise.all(numbers.map((a) => ours.callRemote(Sum, { a, b: 1 })));
      expect(sums.map(({ total }) => total)).to.deep.equal(numbers.map((a) => a + 1));
      expect(await theirs).to.deep.equal({ right: 1000, wrong: 0, failed: 0 });
    });

    it("calls that call back are under way each way at once, and large ones", async () => {
      const { ours } = await meeting.meet();
      const text = "x".repeat(60_000);
      const back = Array.from({ length: 200 }, (_, index) =>
        ours.callRemote(CallMe, { numerator: index, denominator: 2 }),
      );
      const theirs = Array.from({ length: 200 }, (_, index) =>
        meeting.theirs.call("CallMe", { numerator: String(index), denominator: "1" }),
      );
      const large = Array.from({ length: 200 }, () => ours.callRemote(Repeat, { text, times: 1 }));
      expect((await Promise.all(back)).map(({ result }) => result * 2)).to.deep.equal(back.map((_, index) => index));
      for (const [index, outcome] of (await Promise.all(theirs)).entries()) {
        expect(outcome).to.deep.equal({ result: { result: `${index}.0` } });
      }
      for (const one of await Promise.all(large)) expect(one.text === text).to.equal(true);
    });

    it("answers come when they are ready", async () => {
      const { ours } = await meeting.meet();
      const order: string[] = [];
      const slow = [200, 1].map(async (milliseconds) => {
        await ours.callRemote(Slow, { milliseconds });
        order.push(`ours ${milliseconds}`);
      });
      const theirs = [200, 1].map(async (milliseconds) => {
        await meeting.theirs.call("Slow", { milliseconds: String(milliseconds) });
        order.push(`theirs ${milliseconds}`);
      });
      await Promise.all([...slow, ...theirs]);
      expect(order.filter((one) => one.startsWith("ours"))).to.deep.equal(["ours 1", "ours 200"]);
      expect(order.filter((one) => one.startsWith("theirs"))).to.deep.equal(["theirs 1", "theirs 200"]);
    });

    it("errors that leave the connection open come to us as what they are", async () => {
      const { ours } = await meeting.meet();
      for (const command of [Divide, CallMe]) {
        const failure = await failureOf(ours.callRemote(command, ZERO));
        expect(failure).to.be.instanceOf(ZeroDivision).and.have.property("message", "division by zero");
      }
      const rows = [
        [Fail, "known", BaseProblem, "declared"],
        [Fail, "derived", BaseProblem, "child of a declared class"],
        [FailMore, "more", MoreProblem, "declared by the derived command"],
        [FailMore, "derived", BaseProblem, "child of a declared class"],
      ] as const;
      for (const [command, kind, Class, message] of rows) {
        const failure = await failureOf(ours.callRemote(command, { kind }));
        expect(failure).to.be.instanceOf(Class).and.have.property("message", message);
        expect(failure.cause).to.be.instanceOf(RemoteAmpError).and.include({ outcome: "executed", received: true });
      }
      const own = await failureOf(ours.callRemote(Fail, { kind: "remote" }));
      expect(own)
        .to.be.instanceOf(RemoteAmpError)
        .and.include({ errorCode: "OF_ITS_OWN", description: "not declared" });
      const missing = await failureOf(ours.callRemote(Nope));
      expect(missing).to.be.instanceOf(MethodNotFoundError).and.include({ outcome: "not-executed", method: "Nope" });
      expect(await ours.callRemote(Sum, { a: 1, b: 1 })).to.deep.equal({ total: 2 });
    });

    it("errors that leave the connection open come to them as what they are", async () => {
      await meeting.meet();
      const zero = { numerator: "1", denominator: "0" };
      const rows = [
        ["Divide", zero, { class: "ZeroDivisionError", text: "division by zero" }],
        ["CallMe", zero, { class: "ZeroDivisionError", text: "division by zero" }],
        ["Fail", { kind: "known" }, { class: "BaseProblem", text: "declared" }],
        ["Fail", { kind: "derived" }, { class: "BaseProblem", text: "child of a declared class" }],
        ["FailMore", { kind: "more" }, { class: "MoreProblem", text: "declared by the derived command" }],
        ["FailMore", { kind: "derived" }, { class: "BaseProblem", text: "child of a declared class" }],
        ["Fail", { kind: "remote" }, { ...UNKNOWN, description: "not declared" }],
        ["Nope", {}, { class: "UnhandledCommand", code: "UNHANDLED", description: "Unhandled Command: Nope" }],
      ] as const;
      for (const [command, args, expected] of rows) {
        const { error, stays } = await meeting.theirs.call(command, args, { probe: true });
        expect(error, command).to.include(expected);
        expect(stays).to.equal(true);
      }
      // Without a command's words, the code can be seen.
      const { error } = await meeting.theirs.low("Fail", { kind: "hex:72656d6f7465" });
      expect(error).to.include({ class: "RemoteAmpError", code: "OF_ITS_OWN", description: "not declared" });
    });

    const unknown = { name: "RemoteAmpError", errorCode: "UNKNOWN", description: "Unknown Error", outcome: "executed" };
    const endings = [
      [FailMore, "fatal", { message: "declared and fatal" }],
      [Fail, "unknown", unknown],
      [Fail, "badreturn", unknown],
      [Fail, "remote-fatal", { errorCode: "OF_ITS_OWN", description: "not declared, and fatal" }],
      [Fail, "toolong", { code: "UNAVAILABLE", outcome: "unknown" }],
    ] as const;
    for (const [command, kind, expected] of endings) {
      it(`after the error "${kind}" of theirs the connection is closed`, async () => {
        const { ours } = await meeting.meet();
        const failure = await failureOf(ours.callRemote(command, { kind }));
        expect(failure).to.include(expected);
        if (kind === "fatal") expect(failure).to.be.instanceOf(FatalProblem);
        expect(await ours.closed)
          .to.be.instanceOf(RpcError)
          .and.include({ code: "UNAVAILABLE" });
        expect(await failureOf(ours.callRemote(Sum, { a: 1, b: 1 }))).to.include({ outcome: "not-sent" });
      });
    }

    const theirEndings = [
      ["FailMore", "fatal", { class: "FatalProblem", text: "declared and fatal" }],
      ["Fail", "unknown", UNKNOWN],
      ["Fail", "badreturn", UNKNOWN],
      ["Fail", "remote-fatal", { ...UNKNOWN, description: "not declared, and fatal" }],
      ["Fail", "toolong", { class: "ConnectionDone" }],
    ] as const;
    for (const [command, kind, expected] of theirEndings) {
      it(`after the error "${kind}" of ours the connection is closed`, async () => {
        const { ours, on } = await meeting.meet();
        const { error } = await meeting.theirs.call(command, { kind });
        expect(error).to.include(expected);
        expect(await meeting.theirs.lost(on)).to.match(/^Connection/);
        await ours.closed;
        const later = await meeting.theirs.call("Sum", { a: "1", b: "1" });
        expect(later.error?.class).to.match(/^Connection/);
        const isOurs = kind === "unknown" || kind === "badreturn" || kind === "toolong";
        expect(meeting.kept.lines("error")).to.have.length(isOurs ? 1 : 0);
      });
    }

    it("arguments that cannot be read are told as nothing, and the connection is closed", async () => {
      for (const values of [{ a: "hex:78", b: "hex:31" }, { a: "hex:31" }]) {
        const { ours, on } = await meeting.meet();
        const { error } = await meeting.theirs.low("Sum", values);
        expect(error).to.include({ code: "UNKNOWN", description: "Unknown Error" });
        expect(await meeting.theirs.lost(on)).to.equal("ConnectionDone");
        await ours.closed;
        const again = await meeting.meet();
        const box = Object.entries(values).map(([name, hex]) => [name, Buffer.from(hex.slice(4), "hex")] as const);
        const failure = await failureOf(again.ours.callBox("Sum", new Map(box)));
        expect(failure).to.include({ errorCode: "UNKNOWN", outcome: "executed" });
        await again.ours.closed;
      }
    });

    it("what fails and wants no answer closes the connection", async () => {
      const kinds = [
        ["Fail", "known"],
        ["Fail", "remote"],
        ["Fail", "fatal"],
        ["Nope", ""],
      ] as const;
      for (const [name, kind] of kinds) {
        const { ours, on } = await meeting.meet();
        const args = { kind: `hex:${Buffer.from(kind).toString("hex")}` };
        expect(await meeting.theirs.low(name, args, { answer: false })).to.deep.equal({ box: null });
        expect(await meeting.theirs.lost(on)).to.equal("ConnectionDone");
        await ours.closed;
        const again = await meeting.meet();
        const silent = defineCommand({ name, arguments: { kind: unicode() }, requiresAnswer: false });
        await again.ours.callRemote(silent, { kind });
        expect(await again.ours.closed).to.include({ code: "UNAVAILABLE" });
      }
    });

    it("a good-bye ends the connection behind its answer", async () => {
      const { ours, on } = await meeting.meet();
      const waiting = ours.callRemote(Slow, { milliseconds: 60_000 });
      const failed = failureOf(waiting);
      expect(await ours.callRemote(Bye)).to.deep.equal({ text: "bye" });
      expect(await failed).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "Slow" });
      expect(await ours.closed).to.include({ code: "UNAVAILABLE" });
      await meeting.theirs.happens("lost", { on });
      const again = await meeting.meet();
      const theirs = meeting.theirs.call("Slow", { milliseconds: "60000" });
      expect(await meeting.theirs.call("Bye")).to.deep.equal({ result: { text: "bye" } });
      expect((await theirs).error?.class).to.equal("ConnectionDone");
      await again.ours.closed;
    });
  });
}

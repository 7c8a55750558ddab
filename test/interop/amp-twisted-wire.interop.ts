import { once } from "node:events";
import type { Duplex } from "node:stream";
import { expect } from "chai";
import { connectBoxes } from "../../src/compat/amp/index.js";
import type { RpcError } from "../../src/index.js";
import type { Box } from "../../src/wire/amp/index.js";
import { BaseProblem, Sum, Switch } from "../support/amp-commands.js";
import { interopResponders, Slow } from "../support/amp-interop-commands.js";
import { AMP_ROLES, AMP_WAYS, useAmpMeeting } from "../support/amp-meeting.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { AmpPython, useAmpCleanUp } from "../support/amp-python.js";
import { failureOf } from "../support/mesh.js";
import { until } from "../support/until.js";

/** A box in octets. */
function octetsOf(pairs: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(pairs).flatMap(([key, value]) =>
    [key, value].map((text) => Buffer.concat([Buffer.of(text.length >> 8, text.length), Buffer.from(text)])),
  );
  return Buffer.concat([...parts, Buffer.alloc(2)]);
}

function boxOf(pairs: Readonly<Record<string, string>>): Box {
  return new Map(Object.entries(pairs).map(([key, value]) => [key, Buffer.from(value)]));
}

/** Boxes that break the protocol, for an end that waits for the answers to 1 and 2. */
const BROKEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "an empty box": {},
  "a box of no kind": { a: "b" },
  "an answer with an unknown tag": { _answer: "99" },
  "an error with an unknown tag": { _error: "99", _error_code: "X", _error_description: "x" },
  "an error without a code": { _error: "1", _error_description: "x" },
  "an error without a description": { _error: "1", _error_code: "X" },
};
const BROKEN_OCTETS: Readonly<Record<string, Buffer>> = {
  "a key that is too long": Buffer.from("0100" + "6b".repeat(256), "hex"),
  "what is no AMP": Buffer.from("GET / HTTP/1.1\r\n\r\n"),
  ...Object.fromEntries(Object.entries(BROKEN).map(([name, pairs]) => [name, octetsOf(pairs)])),
};

/** So many octets. */
async function read(socket: Duplex, count: number): Promise<string> {
  let come = Buffer.alloc(0);
  while (come.length < count) {
    const chunk = socket.read() as Buffer | null;
    if (chunk) come = Buffer.concat([come, chunk]);
    else await once(socket, "readable");
  }
  return come.toString();
}

for (const way of AMP_WAYS) {
  describe(`AMP: what ends between Twisted and ours, ${way.name}`, () => {
    const meeting = useAmpMeeting(way);

    it("we switch the connection to something else, or are refused", async () => {
      const { ours, on } = await meeting.meet();
      const waiting = failureOf(ours.callRemote(Slow, { milliseconds: 100 }));
      const refused = await failureOf(ours.switchProtocol(Switch, { to: "nothing" }));
      expect(refused).to.be.instanceOf(BaseProblem).and.have.property("message", "there is no protocol nothing");
      expect(await ours.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
      const socket = await ours.switchProtocol(Switch, { to: "prefix-echo" });
      expect(await waiting).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "Slow" });
      // It comes right behind the answer.
      expect(await read(socket, 5)).to.equal("echo:");
      socket.write("\0\0");
      expect(await read(socket, 2)).to.equal("\0\0");
      expect(await failureOf(ours.callRemote(Sum, { a: 1, b: 2 }))).to.include({ name: "ProtocolSwitchedError" });
      socket.end();
      await once(socket, "close");
      await meeting.theirs.happens("lost", { on });
      await meeting.theirs.happens("inner-lost");
    });

    it("they switch the connection to something else, or are refused", async () => {
      const { theirs } = meeting;
      const { ours, on } = await meeting.meet();
      const waiting = failureOf(ours.callRemote(Slow, { milliseconds: 60_000 }));
      const refused = await theirs.switchTo("nothing", { probe: true });
      expect(refused.error).to.include({ class: "BaseProblem", text: "there is no protocol nothing" });
      expect(refused.stays).to.equal(true);
      expect(await theirs.switchTo("prefix-echo")).to.deep.equal({ result: {} });
      expect(String((await theirs.read(5)).octets)).to.equal("echo:");
      await theirs.write(Buffer.from("\0\0tail"));
      expect(String((await theirs.read(6)).octets)).to.equal("\0\0tail");
      expect(await waiting).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "Slow" });
      expect(await ours.closed).to.include({ name: "ProtocolSwitchedError" });
      expect((await theirs.call("Sum", { a: "1", b: "2" })).error?.class).to.equal("ProtocolSwitched");
      await theirs.disconnect(on);
    });

    for (const [what, octets] of Object.entries(BROKEN_OCTETS)) {
      it(`our end closes at ${what}, and everything that waits fails`, async () => {
        const { ours, on } = await meeting.meet();
        const waiting = [1, 2].map(() => failureOf(ours.callRemote(Slow, { milliseconds: 60_000 })));
        const theirs = meeting.theirs.call("Slow", { milliseconds: "60000" });
        await meeting.theirs.call("Sum", { a: "1", b: "2" });
        await meeting.theirs.write(octets);
        for (const failed of waiting) {
          expect(await failed).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "Slow" });
        }
        expect(await ours.closed).to.include({ code: "PROTOCOL" });
        expect((await theirs).error?.class).to.match(/^Connection/);
        expect(await meeting.theirs.lost(on)).to.match(/^Connection/);
        expect(await failureOf(ours.callRemote(Sum, { a: 1, b: 2 }))).to.include({ outcome: "not-sent" });
      });
    }

    it("half a box is nothing", async () => {
      const { ours } = await meeting.meet();
      const waiting = failureOf(ours.callRemote(Slow, { milliseconds: 60_000 }));
      await meeting.theirs.write(octetsOf({ _answer: "1", milliseconds: "1" }).subarray(0, -1));
      await meeting.theirs.disconnect();
      expect(await waiting).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(await ours.closed).to.include({ code: "UNAVAILABLE" });
    });

    it("their end closes, and what waits fails", async () => {
      const { ours, on } = await meeting.meet();
      const waiting = failureOf(ours.callRemote(Slow, { milliseconds: 60_000 }));
      await ours.callRemote(Sum, { a: 1, b: 2 });
      await meeting.theirs.disconnect(on);
      expect(await waiting).to.include({ code: "UNAVAILABLE", outcome: "unknown", method: "Slow" });
      expect(await ours.closed).to.include({ code: "UNAVAILABLE" });
    });

    it("our end closes, and what waits fails", async () => {
      const { ours, on } = await meeting.meet();
      const theirs = meeting.theirs.call("Slow", { milliseconds: "60000" });
      const waiting = failureOf(ours.callRemote(Slow, { milliseconds: 60_000 }));
      await meeting.theirs.call("Sum", { a: "1", b: "2" });
      await ours.close();
      expect(await waiting).to.include({ outcome: "unknown", method: "Slow" });
      expect((await theirs).error?.class).to.equal("ConnectionDone");
      expect(await meeting.theirs.lost(on)).to.equal("ConnectionDone");
    });
  });
}

describe("AMP: what ends between Twisted and ours", () => {
  const amp = useAmpPairs();
  useAmpCleanUp();

  it("octets right behind the box that switches are for the new protocol", async () => {
    const server = await amp.listen(interopResponders());
    await using theirs = await AmpPython.twistedClient();
    await theirs.open(server.address);
    await theirs.write(
      Buffer.concat([octetsOf({ _ask: "z", _command: "Switch", to: "upper-echo" }), Buffer.from("tail")]),
    );
    const expected = Buffer.concat([octetsOf({ _answer: "z" }), Buffer.from("TAIL")]);
    expect((await theirs.read(expected.length)).octets).to.deep.equal(expected);
    await theirs.disconnect();
  });

  it("boxes that are cut anywhere are boxes", async () => {
    const server = await amp.listen(interopResponders());
    await using theirs = await AmpPython.twistedClient();
    await theirs.open(server.address);
    for (const octet of octetsOf({ _command: "Sum", a: "13", _ask: "z", b: "81" }))
      await theirs.write(Buffer.of(octet));
    const expected = octetsOf({ _answer: "z", total: "94" });
    expect((await theirs.read(expected.length)).octets).to.deep.equal(expected);
  });

  for (const [what, pairs] of Object.entries(BROKEN)) {
    it(`their end closes at ${what}, which our boxes see`, async () => {
      await using theirs = await AmpPython.twistedServer();
      const stopped = new Promise<RpcError>((resolve) => {
        connectBoxes(theirs.address, {
          startReceivingBoxes: (sender) => {
            sender.sendBox(boxOf(pairs));
          },
          boxReceived: () => undefined,
          stopReceivingBoxes: resolve,
        });
      });
      expect(await stopped).to.include({ code: "UNAVAILABLE" });
    });
  }

  for (const { name, weConnect } of AMP_ROLES) {
    it(`their process is killed under calls both ways: ${name}`, async () => {
      const theirs = await (weConnect ? AmpPython.twistedServer() : AmpPython.twistedClient());
      const server = await amp.listen(interopResponders());
      if (!weConnect) {
        await theirs.connect(server.address);
        await until(() => server.peers.length > 0);
      }
      const ours = weConnect ? await amp.connect(theirs.address, { responders: interopResponders() }) : server.peers[0];
      if (!ours) throw new Error("nobody has connected");
      const waiting = Array.from({ length: 100 }, () => failureOf(ours.callRemote(Slow, { milliseconds: 60_000 })));
      await theirs.happens("connected");
      theirs.call("Slow", { milliseconds: "60000" }).catch(() => undefined);
      await theirs.call("Sum", { a: "1", b: "2" });
      await ours.callRemote(Sum, { a: 1, b: 2 });
      expect([ours.info.pending, ours.info.running]).to.deep.equal([100, 1]);
      await theirs.kill();
      for (const failed of waiting) expect(await failed).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(await ours.closed).to.include({ code: "UNAVAILABLE" });
      expect([ours.info.pending, ours.info.running]).to.deep.equal([0, 0]);
    });
  }

  it("our server lets calls finish when it closes, and takes no more", async () => {
    const server = await amp.listen(interopResponders(), { drainTimeoutMs: 10_000 });
    await using theirs = await AmpPython.twistedClient();
    await theirs.connect(server.address);
    const running = theirs.call("Slow", { milliseconds: "300" });
    await theirs.call("Sum", { a: "1", b: "2" });
    const closed = server.close();
    const refused = await theirs.low("Sum", { a: "hex:31", b: "hex:31" });
    expect(refused.error).to.include({ class: "RemoteAmpError", code: "DRAINING" });
    expect(await running).to.deep.equal({ result: { milliseconds: "300" } });
    await closed;
    expect(await theirs.lost()).to.equal("ConnectionDone");
  });

  it("our server closes in the end, whatever runs", async () => {
    const server = await amp.listen(interopResponders(), { drainTimeoutMs: 50 });
    await using theirs = await AmpPython.twistedClient();
    await theirs.connect(server.address);
    const running = theirs.call("Slow", { milliseconds: "60000" });
    await theirs.call("Sum", { a: "1", b: "2" });
    await server.close();
    expect((await running).error?.class).to.equal("ConnectionDone");
  });
});

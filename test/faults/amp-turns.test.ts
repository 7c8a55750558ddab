import { expect } from "chai";
import { connectAmp, defineCommand, listen, respond } from "../../src/compat/amp/index.js";
import { withOptions } from "../../src/index.js";
import { Sum, Switch, vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { certified } from "../support/streams.js";

const Wait = defineCommand({ name: "Wait" });
const UNUSABLE = { cert: "no certificate", key: "no key" };

describe("Connections of AMP that are to become something else, and are asked for too much", () => {
  const amp = useAmpPairs();

  it("take no calls while a switch is under way, whatever else is asked for and refused", async () => {
    const answers: (() => void)[] = [];
    let sums = 0;
    const server = await amp.listen([
      respond(Switch, async () => {
        await new Promise<void>((resolve) => answers.push(resolve));
        return (socket) => void socket.end("switched");
      }),
      respond(Sum, () => ({ total: ++sums })),
    ]);
    const peer = await amp.connect(server);
    const switched = peer.switchProtocol(Switch, { to: "" });
    const refused = [
      () => peer.switchProtocol(Switch, { to: "" }),
      () => peer.startTls(),
      () => peer.startTls({}, { signal: AbortSignal.abort() }),
      () => peer.callRemote(Sum, { a: 1, b: 2 }),
    ];
    for (const ask of refused) {
      expect(await failureOf(ask())).to.include({ name: "ProtocolSwitchedError", outcome: "not-sent" });
    }
    while (answers.length === 0) await new Promise(setImmediate);
    for (const answer of answers) answer();
    const socket = await switched;
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect([text, sums]).to.deep.equal(["switched", 0]);
  });

  it("go on in clear text when both ends ask for TLS at the same time, as each refuses the other", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server, { responders: vectorResponders() });
    const ends = [peer, ...server.peers];
    const asked = ends.map((end) => failureOf(end.startTls()));
    // What was to be encrypted is not said in clear text.
    const meanwhile = ends.map((end) => failureOf(end.callRemote(Sum, { a: 1, b: 2 })));
    for (const failure of await Promise.all(asked)) expect(failure).to.include({ errorCode: "TLS_ERROR" });
    for (const failure of await Promise.all(meanwhile)) expect(failure).to.include({ outcome: "not-sent" });
    for (const end of ends) expect(await end.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    await peer.startTls();
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    expect(ends.map(({ info }) => info.isSecure)).to.deep.equal([true, true]);
  });

  it("do not begin TLS with certificates that cannot be used, and say so before anything is asked", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server);
    expect(await failureOf(peer.startTls(UNUSABLE))).to.include({ code: "CONFIGURATION", outcome: "not-sent" });
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
    await peer.startTls();
    expect(await failureOf(listen("tcp://127.0.0.1:0", vectorResponders(), { tls: UNUSABLE }))).to.include({
      code: "CONFIGURATION",
    });
    expect(await failureOf(connectAmp(server.address, { tls: UNUSABLE }))).to.include({ code: "CONFIGURATION" });
    expect(await failureOf(connectAmp(server.address, { tls: { cert: certified("client").cert } }))).to.include({
      code: "CONFIGURATION",
    });
  });
});

describe("Times of AMP", () => {
  const amp = useAmpPairs();
  const wrong = [0, -1, Number.NaN, "100", {}] as readonly number[];
  const long = [Infinity, 2 ** 31, 1e300];

  it("that are none are refused before anything is sent", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server);
    for (const timeoutMs of wrong) {
      const all = [
        peer.callRemote(Sum, { a: 1, b: 2 }, { timeoutMs }),
        peer.callBox("Sum", new Map(), { timeoutMs }),
        peer.startTls({}, { timeoutMs }),
        peer.switchProtocol(Switch, { to: "" }, { timeoutMs }),
        withOptions(peer, { timeoutMs }).callRemote(Sum, { a: 1, b: 2 }, { timeoutMs }),
        connectAmp(server.address, { timeoutMs }),
        connectAmp(server.address, { connectTimeoutMs: timeoutMs }),
        listen("tcp://127.0.0.1:0", vectorResponders(), { timeoutMs }),
      ];
      for (const failure of await Promise.all(all.map(failureOf))) {
        expect(failure).to.include({ code: "CONFIGURATION", outcome: "not-sent" });
        expect(failure.message).to.include("milliseconds");
      }
    }
    const drainTimeoutMs = Number.NaN;
    expect(await failureOf(listen("tcp://127.0.0.1:0", vectorResponders(), { drainTimeoutMs }))).to.include({
      code: "CONFIGURATION",
    });
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("and limits and signals that are none are refused as well", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server);
    const none = Number.NaN;
    const options = [
      { maxInFlight: none },
      { maxRunning: 0 },
      { maxQueuedBytes: "1" as unknown as number },
      { limits: { maxPairs: none } },
      { limits: { maxMessageBytes: -1 } },
      { tls: 5 as unknown as object },
    ];
    for (const wrong of options) {
      expect(await failureOf(connectAmp(server.address, wrong))).to.include({ code: "CONFIGURATION" });
      expect(await failureOf(listen("tcp://127.0.0.1:0", vectorResponders(), wrong))).to.include({
        code: "CONFIGURATION",
      });
    }
    const signal = {} as AbortSignal;
    expect(await failureOf(connectAmp(server.address, { signal }))).to.include({ code: "CONFIGURATION" });
    expect(await failureOf(peer.callRemote(Sum, { a: 1, b: 2 }, { signal }))).to.include({ code: "CONFIGURATION" });
    expect(await failureOf(peer.startTls(null as unknown as object))).to.include({ code: "CONFIGURATION" });
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("and values that are no octets do not leave, nor what was in memory before", async () => {
    const peer = await amp.connect(await amp.listen(vectorResponders()));
    const none: unknown[] = [
      "text",
      null,
      undefined,
      5,
      [1],
      { byteLength: 100 },
      new ArrayBuffer(100),
      new Uint16Array(5),
    ];
    for (const value of none) {
      const failure = await failureOf(peer.callBox("Sum", new Map([["a", value as Uint8Array]])));
      expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(failure.message).to.include("not octets");
    }
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("may be longer than timers of Node.js go", async () => {
    const { log } = keepLog();
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on("warning", note);
    try {
      for (const ms of long) {
        let finish: () => void = () => undefined;
        const begun = new Promise<void>((resolve) => {
          finish = resolve;
        });
        const server = await amp.listen(
          [
            respond(Wait, async () => {
              finish();
              await new Promise<void>((resolve) => {
                finish = resolve;
              });
            }),
            ...vectorResponders(),
          ],
          { timeoutMs: ms, drainTimeoutMs: ms, log },
        );
        const peer = await amp.connect(server, { timeoutMs: ms, connectTimeoutMs: ms });
        await peer.startTls({}, { timeoutMs: ms });
        const waiting = peer.callRemote(Wait);
        await begun;
        const closed = server.close();
        expect(await failureOf(peer.callRemote(Sum, { a: 1, b: 2 }))).to.include({ errorCode: "DRAINING" });
        finish();
        expect(await waiting).to.deep.equal({});
        await closed;
      }
      await new Promise(setImmediate);
      expect(warnings).to.deep.equal([]);
    } finally {
      process.off("warning", note);
    }
  });
});

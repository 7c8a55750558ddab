import { once } from "node:events";
import { expect } from "chai";
import { respond } from "../../src/compat/amp/index.js";
import { encodeMessage, parseBoxes } from "../../src/wire/amp/index.js";
import { Notify, Repeat, Sum, Switch, vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { useRawEnds } from "../support/amp-raw.js";
import { failureOf } from "../support/mesh.js";

const TLS_ERROR = encodeMessage({ kind: "error", tag: "1", code: "TLS_ERROR", description: "no" });
const REFUSED = encodeMessage({ kind: "error", tag: "1", code: "BASE_PROBLEM", description: "no" });
const commandsIn = (hex: string): string[] =>
  parseBoxes(Buffer.from(hex, "hex")).map((box) => Buffer.from(box.get("_command") ?? []).toString());

describe("A connection of AMP that becomes another one", () => {
  const amp = useAmpPairs();
  const raw = useRawEnds();

  async function towardsRaw() {
    const { address, accepted } = await raw.listen();
    const peer = await amp.connect(address, { responders: vectorResponders() });
    return { peer, end: await accepted };
  }

  it("sends nothing in clear that was to be encrypted, when TLS is refused", async () => {
    const { peer, end } = await towardsRaw();
    const secured = peer.startTls();
    const meanwhile = peer.callRemote(Repeat, { text: "secret", times: 1 });
    meanwhile.catch(() => undefined);
    await end.until((hex) => hex.endsWith("0000"));
    end.send(TLS_ERROR);
    expect(await failureOf(secured)).to.include({ errorCode: "TLS_ERROR" });
    expect(await failureOf(meanwhile)).to.include({ outcome: "not-sent", method: "Repeat" });
    await peer.callRemote(Notify, { text: "later" });
    await end.until((hex) => commandsIn(hex).length === 2);
    expect(commandsIn(end.hex)).to.deep.equal(["StartTLS", "Notify"]);
  });

  it("tells the truth of calls that wait for TLS and are given up: they were not sent", async () => {
    const { peer, end } = await towardsRaw();
    const secured = peer.startTls();
    secured.catch(() => undefined);
    const controller = new AbortController();
    const cancelled = peer.callRemote(Sum, { a: 1, b: 2 }, { signal: controller.signal });
    const late = peer.callRemote(Sum, { a: 1, b: 2 }, { timeoutMs: 10 });
    const lost = peer.callRemote(Sum, { a: 1, b: 2 });
    lost.catch(() => undefined);
    controller.abort();
    expect(await failureOf(cancelled)).to.include({ code: "CANCELLED", outcome: "not-sent" });
    expect(await failureOf(late)).to.include({ code: "TIMEOUT", outcome: "not-sent" });
    end.close();
    expect(await failureOf(lost)).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
    expect(await failureOf(secured)).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
  });

  it("sends what has waited for TLS, in order, and not what was given up meanwhile", async () => {
    const told: string[] = [];
    const server = await amp.listen(respond(Notify, ({ text }) => void told.push(text)));
    const peer = await amp.connect(server);
    const secured = peer.startTls();
    const controller = new AbortController();
    const calls = ["a", "b", "c", "d"].map((text) =>
      peer.callRemote(Notify, { text }, text === "b" ? { signal: controller.signal } : {}),
    );
    calls[1]?.catch(() => undefined);
    controller.abort();
    await secured;
    await Promise.allSettled(calls);
    await server.peers[0]?.callRemote(Notify, { text: "" });
    await peer.close();
    await server.close();
    expect(told).to.deep.equal(["a", "c", "d"]);
  });

  it("uses the certificates that it was made with, unless told otherwise", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server, { tls: { verify: true } });
    const failure = await failureOf(peer.startTls());
    expect(failure).to.include({ code: "ACCESS_DENIED" });
    const other = await amp.connect(server, { tls: { verify: true } });
    await other.startTls({});
    expect(other.info.isSecure).to.equal(true);
  });

  it("is encrypted by startTls() alone, not by a box that looks like it", async () => {
    const peer = await amp.connect(await amp.listen(vectorResponders()));
    expect(await failureOf(peer.callBox("StartTLS", new Map()))).to.include({
      code: "CONFIGURATION",
      outcome: "not-sent",
    });
    expect(await peer.callRemote(Sum, { a: 1, b: 2 })).to.deep.equal({ total: 3 });
  });

  it("stays sealed behind a switch, whatever else is tried meanwhile", async () => {
    const { peer, end } = await towardsRaw();
    const switched = peer.switchProtocol(Switch, { to: "x" });
    for (const other of [
      peer.switchProtocol(Switch, { to: "y" }),
      peer.startTls(),
      peer.callRemote(Sum, { a: 1, b: 2 }),
    ]) {
      expect(await failureOf(other)).to.include({
        name: "ProtocolSwitchedError",
        outcome: "not-sent",
      });
    }
    await end.until((hex) => hex.endsWith("0000"));
    end.send(REFUSED);
    expect(await failureOf(switched)).to.have.property("name", "Error");
    expect(commandsIn(end.hex)).to.deep.equal(["Switch"]);
    await peer.callRemote(Notify, { text: "again" });
    await end.until((hex) => commandsIn(hex).length === 2);
  });

  it("can be switched inside of TLS, and is encrypted once", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server);
    await peer.startTls();
    expect(await failureOf(peer.startTls())).to.include({ name: "OnlyOneTlsError", outcome: "not-sent" });
    expect(await failureOf(peer.switchProtocol(Switch, { to: "?" }))).to.have.property("message", "no protocol ?");
    const socket = await peer.switchProtocol(Switch, { to: "upper-echo" });
    socket.write("still secret");
    const [chunk] = (await once(socket, "data")) as [Buffer];
    expect(chunk.toString()).to.equal("STILL SECRET");
    socket.end();
    await once(socket, "close");
  });

  it("ends at once when both ends switch it at the same time", async () => {
    const { peer, end } = await towardsRaw();
    const switched = peer.switchProtocol(Switch, { to: "x" });
    switched.catch(() => undefined);
    await end.until((hex) => hex.endsWith("0000"));
    end.send(encodeMessage({ kind: "ask", tag: "1", command: "Switch", values: new Map([["to", Buffer.from("y")]]) }));
    await end.ended();
    expect(await failureOf(switched)).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect((await peer.closed).message).to.include("at the same time");
  });

  for (const how of ["end", "reset"] as const) {
    it(`tells a responder of a switch that its caller has gone (${how})`, async () => {
      let begun: () => void = () => undefined;
      const started = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const server = await amp.listen(
        respond(Switch, async (_args, { signal }) => {
          begun();
          await once(signal, "abort");
          throw new Error("nobody is there");
        }),
      );
      const end = await raw.connect(server.address);
      end.send(
        encodeMessage({ kind: "ask", tag: "1", command: "Switch", values: new Map([["to", Buffer.from("x")]]) }),
      );
      await started;
      const [client] = server.peers;
      end[how]();
      expect(await client?.closed).to.include({ code: "UNAVAILABLE" });
      expect(server.peers).to.deep.equal([]);
    });
  }

  it("ends when somebody switches it and wants no answer", async () => {
    const server = await amp.listen(vectorResponders());
    const end = await raw.connect(server.address);
    for (const command of ["StartTLS", "Switch"]) {
      const other = await raw.connect(server.address);
      other.send(
        encodeMessage({ kind: "ask", tag: undefined, command, values: new Map([["to", Buffer.from("upper-echo")]]) }),
      );
      expect(await other.ended()).to.equal("");
    }
    end.send(
      encodeMessage({
        kind: "ask",
        tag: "1",
        command: "Sum",
        values: new Map([
          ["a", Buffer.from("1")],
          ["b", Buffer.from("2")],
        ]),
      }),
    );
    await end.until((hex) => hex.endsWith("0000"));
  });

  it("goes on draining when a request comes that wants no answer", async () => {
    let release: () => void = () => undefined;
    const begun = new Promise<void>((started) => {
      release = started;
    });
    let finish: () => void = () => undefined;
    const server = await amp.listen(
      [
        respond(Repeat, async ({ text }) => {
          release();
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
          return { text };
        }),
        respond(Notify, () => undefined),
      ],
      { drainTimeoutMs: 10_000 },
    );
    const peer = await amp.connect(server);
    const running = peer.callRemote(Repeat, { text: "done", times: 1 });
    await begun;
    const closed = server.close();
    await peer.callRemote(Notify, { text: "meanwhile" });
    expect(await failureOf(peer.callRemote(Repeat, { text: "", times: 1 }))).to.include({
      code: "DRAINING",
      outcome: "not-executed",
    });
    finish();
    expect(await running).to.deep.equal({ text: "done" });
    await closed;
  });
});

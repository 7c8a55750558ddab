import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "chai";
import {
  amp as ampProtocol,
  type CallsOf,
  connectAmp,
  defineCommand,
  listen,
  respond,
  unicode,
} from "../../src/compat/amp/index.js";
import { ConfigurationError, RpcError, withOptions } from "../../src/index.js";
import { Repeat, Sum, Switch, vectorResponders } from "../support/amp-commands.js";
import { useAmpPairs } from "../support/amp-pairs.js";
import { useRawEnds } from "../support/amp-raw.js";
import { failureOf } from "../support/mesh.js";

/** A file of the test certificates. */
function pem(name: string): Promise<Buffer> {
  return readFile(`test/fixtures/tls/${name}`);
}

const Wait = defineCommand({ name: "Wait" });
const wait = respond(Wait, async (_args, { signal }) => {
  await once(signal, "abort");
});

describe("Options of AMP", () => {
  const amp = useAmpPairs();
  const raw = useRawEnds();

  describe("are refused before anything is connected or bound", () => {
    const cases: readonly (readonly [options: object, text: RegExp])[] = [
      [{ timeoutMS: 5 }, /"timeoutMS".*timeoutMs/],
      [{ dialect: "asyncio" }, /dialect is "twisted" or "asyncio-amp", got 'asyncio'/],
      [{ timeoutMs: 0 }, /timeoutMs is a number of milliseconds above 0, got 0/],
      [{ timeoutMs: "5" }, /timeoutMs.*got '5'/],
      [{ timeoutMs: Number.NaN }, /timeoutMs/],
      [{ limits: { maxPairs: 0 } }, /limits.maxPairs is a number from 1 on, got 0/],
      [{ limits: { maxBytes: 5 } }, /limits.*"maxBytes"/],
      [{ maxRunning: -1 }, /maxRunning/],
      [{ maxInFlight: "many" }, /maxInFlight/],
      [{ maxQueuedBytes: Number.NaN }, /maxQueuedBytes/],
      [{ tls: { certificate: "" } }, /tls.*certificate/],
      [{ tls: true }, /tls has to be an object/],
      [{ log: {} }, /log has the methods/],
    ];
    for (const [options, text] of cases) {
      it(inspect(options), async () => {
        const { address, accepted } = await raw.listen();
        let connections = 0;
        void accepted.then(() => connections++);
        expect(await failureOf(connectAmp(address, options)))
          .to.match(text)
          .and.include({ code: "CONFIGURATION" });
        expect(await failureOf(listen("tcp://127.0.0.1:0", wait, options))).to.match(text);
        if (!Object.keys(options).some((name) => /^timeout|^max|^log/.test(name))) {
          expect(() => ampProtocol({}, options)).to.throw(ConfigurationError, text);
        }
        expect(connections).to.equal(0);
      });
    }

    it("those of one end only", async () => {
      const { address } = await raw.listen();
      const connecting: readonly object[] = [
        { signal: {} },
        { connectTimeoutMs: 0 },
        { onConnection: () => undefined },
        { commands: { x: {} } },
        { commands: 5 },
        { responders: {} },
        { responders: 5 },
      ];
      for (const options of connecting) {
        expect(await failureOf(connectAmp(address, options)), inspect(options)).to.include({ code: "CONFIGURATION" });
      }
      for (const options of [{ onConnection: 5 }, { connections: { all: 5 } }, { drainTimeoutMs: -1 }, { signal: 5 }]) {
        const failure = await failureOf(listen("tcp://127.0.0.1:0", wait, options as never));
        expect(failure, inspect(options)).to.include({ code: "CONFIGURATION" });
      }
    });

    it("no TLS at an address of TLS", async () => {
      expect(await failureOf(connectAmp("tls://127.0.0.1:1", { tls: false }))).to.match(/tls: false/);
      expect(await failureOf(listen("tls://127.0.0.1:0", wait, { tls: false }))).to.match(/tls: false/);
    });

    it("commands whose method would be one of the connection's own", async () => {
      type Methods = keyof CallsOf<{ readonly close: typeof Sum; readonly sum: typeof Sum }>;
      const only: [Methods] extends ["sum"] ? true : false = true;
      expect(only).to.equal(true);
      for (const name of ["callRemote", "callBox", "startTls", "switchProtocol", "close", "closed", "info"]) {
        const failure = await failureOf(connectAmp("tcp://127.0.0.1:1", { commands: { [name]: Sum } }));
        expect(failure)
          .to.include({ code: "CONFIGURATION" })
          .and.match(new RegExp(`commands\\.${name} `));
      }
    });
  });

  it("of a call are looked at before it is sent", async () => {
    const peer = await amp.connect(await amp.listen(vectorResponders()), { commands: { sum: Sum } });
    const args = { a: 1, b: 1 };
    const wrong: readonly object[] = [{ timeoutMs: 0 }, { timeoutMs: "5" }, { timeoutMS: 5 }, { signal: {} }];
    for (const options of wrong) {
      for (const failing of [
        peer.sum(args, options),
        peer.callRemote(Sum, args, options),
        peer.callBox("Sum", new Map(), options),
        peer.startTls({}, options),
        peer.switchProtocol(Switch, { to: "x" }, options),
      ]) {
        expect(await failureOf(failing), inspect(options)).to.include({ code: "CONFIGURATION", outcome: "not-sent" });
      }
    }
    expect(await failureOf(peer.startTls({ cA: "" } as never))).to.include({ code: "CONFIGURATION" });
    expect(await peer.sum(args, { timeoutMs: Infinity })).to.deep.equal({ total: 2 });
    await peer.startTls();
    expect(peer.info.isSecure).to.equal(true);
  });

  it("of withOptions are those of all that calls something", async () => {
    const server = await amp.listen([wait, ...(vectorResponders() as [])]);
    const peer = await amp.connect(server, { commands: { wait: Wait } });
    const hasty = withOptions(peer, { timeoutMs: 20 });
    const controller = new AbortController();
    const given = withOptions(hasty, { signal: controller.signal, timeoutMs: 60_000 });
    for (const failing of [hasty.wait(), hasty.callRemote(Wait), hasty.callBox("Wait", new Map())]) {
      expect(await failureOf(failing)).to.include({ code: "TIMEOUT" });
    }
    expect(await failureOf(given.callRemote(Wait, {}, { timeoutMs: 20 }))).to.include({ code: "TIMEOUT" });
    const cancelled = failureOf(given.callRemote(Wait));
    controller.abort();
    expect(await cancelled).to.include({ code: "CANCELLED" });
    expect(await failureOf(given.startTls())).to.include({ code: "CANCELLED", outcome: "not-sent" });
    expect(await failureOf(given.switchProtocol(Switch, { to: "x" }))).to.include({ code: "CANCELLED" });
    for (const options of [{ attachment: new Uint8Array(1) }, { extensions: { "a.b": 1 } }]) {
      const odd = withOptions(peer, options);
      for (const failing of [odd.wait(), odd.callRemote(Wait), odd.callBox("Wait", new Map())]) {
        expect(await failureOf(failing))
          .to.match(/The call of Wait has .*, and the protocol amp has none/i)
          .and.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      }
    }
    expect(await failureOf(withOptions(peer, { waitForMs: 5 }).wait())).to.include({ code: "CONFIGURATION" });
    expect(await withOptions(peer, { timeoutMs: 60_000 }).callRemote(Sum, { a: 1, b: 1 })).to.deep.equal({ total: 2 });
    expect(hasty.info).to.equal(peer.info);
    await hasty.close();
    expect(peer.info.isOpen).to.equal(false);
  });

  it("signal and connectTimeoutMs give it up to connect", async () => {
    const aborted = await failureOf(connectAmp("tcp://127.0.0.1:1", { signal: AbortSignal.abort() }));
    expect(RpcError.isRpcError(aborted)).to.equal(true);
    expect(aborted).to.include({ code: "CANCELLED", outcome: "not-sent" });
    // A handshake of TLS that nobody answers.
    const { address, accepted } = await raw.listen();
    const controller = new AbortController();
    const connecting = failureOf(connectAmp(address.replace("tcp", "tls"), { signal: controller.signal }));
    const end = await accepted;
    controller.abort(new Error("changed my mind"));
    expect(await connecting).to.include({ code: "CANCELLED", outcome: "not-sent" });
    expect((await connecting).cause).to.have.property("message", "changed my mind");
    await end.ended();
    const silent = await raw.listen();
    const late = connectAmp(silent.address.replace("tcp", "tls"), { connectTimeoutMs: 50 });
    expect(await failureOf(late))
      .to.match(/within 50 ms/)
      .and.include({ code: "UNAVAILABLE", outcome: "not-sent" });
  });

  it("info says how a connection is, and is nothing to do something with", async () => {
    const server = await amp.listen(vectorResponders());
    const peer = await amp.connect(server);
    for (const { info } of [peer, ...server.peers]) {
      expect(info).not.to.have.property("destroy");
      expect(info).not.to.have.property("connection");
      expect(inspect(info)).to.match(/label: .*isSecure: false.*isOpen: true/s);
      expect(info.label).to.include("127.0.0.1");
    }
    await amp.connect(server);
    expect(new Set(server.peers.map(({ info }) => info.label))).to.have.property("size", 2);
    await peer.close();
    expect(peer.info).to.include({ isOpen: false });
  });

  it("switching needs no arguments where the command has none", async () => {
    const Plain = defineCommand({ name: "Plain", switches: true });
    const peer = await amp.connect(await amp.listen(respond(Plain, () => (socket) => void socket.end("bye"))));
    const socket = await peer.switchProtocol(Plain);
    expect(String((await once(socket, "data"))[0])).to.equal("bye");
    socket.end();
    // @ts-expect-error -- a command that does not switch is no such command
    const wrong = peer.switchProtocol(Sum, { a: 1, b: 1 });
    expect(await failureOf(wrong)).to.include({ code: "CONFIGURATION" });
    await once(socket, "close");
  });

  it("commands are called over unix sockets, at the address that was given", async () => {
    const folder = await mkdtemp(join(tmpdir(), "amp-"));
    try {
      for (const scheme of ["unix", "ipc"]) {
        const address = `${scheme}://${join(folder, scheme)}`;
        const server = await amp.listen(vectorResponders(), { address });
        expect(server.address).to.equal(address);
        const peer = await amp.connect(server, { commands: { repeat: Repeat } });
        expect(await peer.repeat({ text: "a", times: 2 })).to.deep.equal({ text: "aa" });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("commands are called over TLS, and answered by who knows the client's certificate", async () => {
    const Who = defineCommand({ name: "Who", response: { size: unicode() } });
    const ca = await pem("ca.pem");
    const server = await amp.listen(
      respond(Who, (_args, { peer: { info } }) => ({ size: `${info.certificate?.byteLength} ${info.isSecure}` })),
      { address: "tls://127.0.0.1:0", tls: { cert: await pem("server.pem"), key: await pem("server.key"), ca } },
    );
    const peer = await amp.connect(server, {
      tls: { cert: await pem("client.pem"), key: await pem("client.key"), ca },
      commands: { who: Who },
    });
    const { size } = await peer.who();
    expect(size).to.match(/^\d+ true$/);
    expect(server.peers[0]?.info.certificate?.byteLength).to.equal(Number.parseInt(size, 10));
    expect(peer.info.certificate).to.be.instanceOf(Uint8Array);
  });
});

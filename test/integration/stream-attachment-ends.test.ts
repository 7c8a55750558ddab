import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect } from "chai";
import {
  type ClientEvent,
  defineInterface,
  type InterfaceOf,
  type Remote,
  rpcError,
  withOptions,
} from "../../src/index.js";
import { findTransport } from "../../src/transport/index.js";
import { CHUNK, type Files, makeFiles, useFiles } from "../support/files.js";
import { callOf, hello, LampPeer, PeerStream } from "../support/lamp-peer.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { CountedSource, readAll } from "../support/sources.js";
import { until } from "../support/until.js";
import { WeakLink } from "../support/weak-link.js";

describe("Streamed attachments, however a call ends,", () => {
  const mesh = useMesh();
  const start = useFiles(mesh);
  const { seesPeers } = findTransport(undefined).abilities;

  describe("end with it", () => {
    it("when the method throws, refuses, reads a part, or is not there", async () => {
      const { remote } = await start();
      const dynamic = remote as unknown as Remote<Record<string, (data: unknown, n?: number) => unknown>>;
      for (const [method, code] of [
        ["refuse", "ACCESS_DENIED"],
        ["nope", "METHOD_NOT_FOUND"],
        ["take", undefined],
      ] as const) {
        const source = new CountedSource(Infinity, CHUNK);
        const call = Promise.resolve(
          dynamic[method]?.(...(method === "take" ? [source.stream(), 3] : [source.stream()])),
        );
        if (code === undefined) expect(await call).to.equal(3 * CHUNK);
        else expect(await failureOf(call)).to.include({ code });
        await until(() => source.ended === 1);
      }
    });

    it("when the caller gives it up, even if source and method are stuck", async () => {
      const { remote, seen } = await start();
      for (const options of [{ timeoutMs: 300 }, {}]) {
        seen.begun = 0;
        const stuck = new CountedSource(1, CHUNK, { stalls: true });
        const cancel = new AbortController();
        const call = failureOf(withOptions(remote, { signal: cancel.signal, ...options }).hold(stuck.stream()));
        await until(() => seen.begun === 1);
        if (options.timeoutMs === undefined) cancel.abort();
        expect(await call).to.include({ code: options.timeoutMs ? "TIMEOUT" : "CANCELLED" });
        expect(stuck.ended).to.equal(1);
      }
    });

    it("with an error for who reads on after the answer", async () => {
      const { remote, seen } = await start();
      const source = new CountedSource(Infinity, CHUNK);
      await remote.keep(source.stream());
      await until(() => source.ended === 1);
      expect(await failureOf(seen.kept?.read() ?? Promise.resolve())).to.include({ code: "CANCELLED" });
    });

    for (const wire of ["lamp", "pycom"] as const) {
      it(`with the same error when they had come whole, on the wire ${wire}`, async () => {
        const { remote, seen } = await start(wire);
        await remote.keep(new Uint8Array(1_000));
        expect(await failureOf(seen.kept?.read() ?? Promise.resolve())).to.include({ code: "CANCELLED" });
      });
    }

    it("when the deadline passes, also for a caller that cannot say so", async () => {
      const { host, seen } = await start();
      const peer = mesh.own(await LampPeer.to(host.address));
      const call = { interface: "demo.files", timeoutMs: 100 };
      peer.send(hello(), callOf("swallow", { ...call, args: { data: new PeerStream(1) } }));
      await peer.hears("error");
      expect(seen.failed).to.include({ code: "TIMEOUT" });
      await peer.hears("stop");
    });

    it("when the host closes under it", async () => {
      const { host, remote, seen } = await start("lamp", { drainTimeoutMs: 10 });
      const source = new CountedSource(2, CHUNK, { stalls: true });
      const call = failureOf(remote.swallow(source.stream()));
      await until(() => seen.consumed === 2 * CHUNK);
      await host.close();
      expect(await call).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      await until(() => source.ended === 1);
    });

    it("with an error for a method that reads, and not as if it were complete", async () => {
      const { remote, seen } = await start();
      const cancel = new AbortController();
      const source = new CountedSource(2, CHUNK, { stalls: true });
      const call = failureOf(withOptions(remote, { signal: cancel.signal }).swallow(source.stream()));
      await until(() => seen.consumed === 2 * CHUNK);
      cancel.abort();
      expect(await call).to.include({ code: "CANCELLED" });
      await until(() => seen.failed !== undefined);
      expect(seen.failed).to.include({ code: "CANCELLED" });
    });

    it("when the connection breaks, without being sent a second time", async () => {
      const { host, seen } = await start("lamp", { drainTimeoutMs: 10 });
      const link = mesh.own(await WeakLink.to(host.address));
      const remote = mesh.client().connect<Files>(link.address, "demo.files", { wire: "lamp" });
      await remote.ping();
      const source = new CountedSource(5, CHUNK, { stalls: true });
      const call = failureOf(remote.swallow(source.stream()));
      await until(() => seen.consumed === 5 * CHUNK);
      link.break();
      // The method is idempotent: with bytes it would be tried again.
      expect(await call).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(source.ended).to.equal(1);
      // ROUTER sockets of libzmq tell nobody who is gone: there it takes a silence of 10 s.
      if (seesPeers) await until(() => seen.failed !== undefined);
      expect(seen.begun).to.equal(1);
      expect(await remote.ping()).to.equal("pong");
    });

    it("when nobody can be called, or a hook says no, before they were read", async () => {
      const unreachable = mesh.client().connect<Files>("tcp://127.0.0.1:1", "demo.files", { wire: "lamp" });
      const { host } = await start();
      const prehooks = [
        () => {
          throw new Error("a hook says no");
        },
      ];
      const hooked = mesh.client({ prehooks }).connect<Files>(host.address, "demo.files", { wire: "lamp" });
      const client = mesh.client();
      const closed = client.connect<Files>(host.address, "demo.files", { wire: "lamp" });
      await client.close();
      for (const remote of [withOptions(unreachable, { timeoutMs: 300 }), hooked, closed]) {
        const source = new CountedSource(5, CHUNK);
        await failureOf(remote.swallow(source.stream()));
        expect([source.taken, source.ended]).to.deep.equal([0, 1]);
        const file = Readable.from([new Uint8Array(5)]);
        await failureOf(remote.swallow(file));
        expect(file.destroyed).to.equal(true);
      }
    });

    it("when the call turns out not to have left, and the connection lives on", async () => {
      const { host } = await start();
      const transport = findTransport(undefined);
      let isFull = false;
      const client = mesh.client({
        transport: {
          ...transport,
          connect: (address, handlers, options) => {
            const link = transport.connect(address, handlers, options);
            const send = link.send.bind(link);
            link.send = (frames, unsent) => {
              if (isFull) unsent(rpcError("UNAVAILABLE", "cannot take a message now"));
              else send(frames, unsent);
              isFull = false;
            };
            return link;
          },
        },
      });
      const remote = client.connect<Files>(host.address, "demo.files", { wire: "lamp" });
      await remote.ping();
      for (const one of [remote, withOptions(remote, { oneWay: true })]) {
        const source = new CountedSource(Infinity, CHUNK);
        isFull = true;
        const failure = await failureOf(one.swallow(source.stream())).catch(() => undefined);
        if (one === remote) expect(failure).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
        await until(() => source.ended === 1);
      }
      expect(await remote.ping()).to.equal("pong");
    });

    it("on one-way calls, too", async () => {
      const { remote, seen } = await start();
      const oneWay = withOptions(remote, { oneWay: true });
      const whole = new CountedSource(20, CHUNK);
      await oneWay.swallow(whole.stream());
      await until(() => seen.consumed === 20 * CHUNK && whole.ended === 1);
      const endless = new CountedSource(Infinity, CHUNK);
      await oneWay.refuse(endless.stream());
      await until(() => endless.ended === 1);
    });
  });

  it("are streamed by methods that are written down, and are written down as what cannot be given again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lamplighter-once-"));
    let begun = 0;
    const copier = defineInterface("demo.copier", {
      methods: {
        copy: {
          params: ["data"],
          results: "copy",
          once: true,
          attachments: { incoming: "data", outgoing: "copy", stream: true },
          run: (data: ReadableStream<Uint8Array>) => {
            begun++;
            return data;
          },
        },
      },
    });
    try {
      const host = await mesh.host([copier], { journal: join(folder, "journal"), drainTimeoutMs: 10 });
      const link = mesh.own(await WeakLink.to(host.address));
      const remote = mesh.client().connect<InterfaceOf<typeof copier>>(link.address, "demo.copier", { wire: "lamp" });
      const copy = await remote.copy(new CountedSource(20, CHUNK).stream());
      expect((await readAll(copy)).byteLength).to.equal(20 * CHUNK);
      link.block("answers");
      const source = new CountedSource(Infinity, CHUNK);
      const lost = failureOf(remote.copy(source.stream()));
      await until(() => begun === 2);
      link.break();
      expect(await lost).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
      expect([begun, source.ended]).to.deep.equal([2, 1]);
      // Bytes can be asked for again; it is the answer that held a stream.
      expect(await readAll(await remote.copy(new Uint8Array(3)))).to.have.length(3);
      link.block("answers");
      const bytes = failureOf(remote.copy(new Uint8Array(5)));
      await until(() => begun === 4);
      link.break();
      expect(await bytes).to.include({ code: "REFERENCE_LOST", outcome: "executed" });
      expect(begun).to.equal(4);
      await host.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are sent after tries that did not get as far as reading them", async () => {
    const nameserver = await mesh.nameserver();
    const { files } = makeFiles();
    const gone = await mesh.host([files], { nameserver: nameserver.address, service: "/files" });
    let isLost = false;
    const onEvent = (event: ClientEvent): void => {
      if (event.type === "disconnected" && event.address !== nameserver.address) isLost = true;
    };
    const client = mesh.client({ nameserver: nameserver.address, onEvent });
    const remote = client.locate<Files>("demo.files");
    await remote.ping();
    await gone.close();
    await until(() => isLost);
    const source = new CountedSource(20, CHUNK);
    // Nobody is there, and what was known of it is out of date.
    const call = remote.swallow(source.stream());
    await mesh.host([makeFiles().files], { nameserver: nameserver.address, service: "/files" });
    expect(await call).to.equal(20 * CHUNK);
  });
});

import { createHash } from "node:crypto";
import { expect } from "chai";
import { componentOf, defineInterface, type InterfaceOf } from "../../src/index.js";
import { findTransport } from "../../src/transport/index.js";
import { CHUNK, makeFiles, useFiles } from "../support/files.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { json, useRawPeers } from "../support/raw.js";
import { CountedSource, readAll } from "../support/sources.js";
import { until } from "../support/until.js";

describe("Streamed attachments", () => {
  const mesh = useMesh();
  const start = useFiles(mesh);
  const raw = useRawPeers();
  const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

  describe("on PyCOM's wire", () => {
    it("are bytes on their way, and streams to methods and callers", async () => {
      const { remote, sources } = await start("pycom");
      const bytes = new Uint8Array(300_000).fill(7);
      expect(await remote.hash(bytes)).to.deep.equal({ hash: sha(bytes), chunks: 2, name: null });
      expect(await componentOf(remote).invoke("hash", {})).to.equal("none");
      const stream = await remote.read(5);
      expect(stream).to.be.instanceOf(ReadableStream);
      expect((await readAll(stream)).byteLength).to.equal(5 * CHUNK);
      expect(sources[0]?.ended).to.equal(1);
      const full = await componentOf(remote).invokeFull("generate", { chunks: 2 });
      expect([full.result, full.attachment?.byteLength]).to.deep.equal([{}, 2 * CHUNK]);
      expect(await failureOf(remote.broken())).to.include({ code: "ACCESS_DENIED" });
    });

    it("are what PyCOM's own peers know of them: the frame after the others", async () => {
      const { host } = await start();
      const ask = (method: string, args: unknown, ...more: Uint8Array[]): Promise<Uint8Array[]> =>
        raw.request(
          host.address,
          "CALL",
          JSON.stringify({ version: "1.0", interface: "demo.files", method, args }),
          ...more,
        );
      const bytes = new Uint8Array(1_000).fill(3);
      expect(json(await ask("hash", {}, bytes)).result).to.deep.equal({ hash: sha(bytes), chunks: 1, name: null });
      expect(json(await ask("hash", {})).result).to.equal("none");
      const answer = await ask("read", { chunks: 3 });
      expect(json(answer)).to.deep.equal({ code: 0, result: {} });
      expect(answer[2]?.byteLength).to.equal(3 * CHUNK);
      expect(await ask("nothing", null)).to.have.length(2);
      expect(json(await ask("broken", null))).to.include({ code: 5, error: "no further" });
    });

    it("are refused as streams before anything is sent, with a word on what to do, and ended", async () => {
      const { remote, seen } = await start("pycom");
      const source = new CountedSource(5, CHUNK);
      const failure = await failureOf(remote.swallow(source.stream()));
      expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(failure.message)
        .to.contain("args.data")
        .and.to.contain("the wire pycom does not carry: collect it")
        .and.to.contain("lamp");
      expect([source.taken, source.ended, seen.begun]).to.deep.equal([0, 1, 0]);
      expect(await failureOf(remote.swallow(new Blob(["x"])))).to.include({ code: "BAD_REQUEST" });
    });

    it("are told to be too large, and their source is ended where it went beyond", async () => {
      const { remote, sources } = await start("pycom", { maxMessageBytes: 10 * CHUNK });
      const failure = await failureOf(remote.read(1_000));
      expect(failure).to.include({ code: "TOO_LARGE", outcome: "executed" });
      expect(failure.message)
        .to.contain("file")
        .and.to.contain(`${10 * CHUNK} bytes`)
        .and.to.contain("the wire pycom, which carries no streams");
      expect([sources[0]?.taken, sources[0]?.ended]).to.deep.equal([11 * CHUNK, 1]);
      expect((await readAll(await remote.read(9))).byteLength).to.equal(9 * CHUNK);
    });

    it("are not collected any further when their caller is gone", async () => {
      const { files, sources } = makeFiles();
      const stalled = defineInterface("demo.stalled", {
        methods: {
          read: {
            results: "file",
            attachments: { outgoing: "file", stream: true },
            run: () => {
              const source = new CountedSource(2, CHUNK, { stalls: true });
              sources.push(source);
              return source.stream();
            },
          },
        },
      });
      const host = await mesh.host([files, stalled], { drainTimeoutMs: 10 });
      const client = mesh.client();
      const call = failureOf(
        client.connect<InterfaceOf<typeof stalled>>(host.address, "demo.stalled", { wire: "pycom" }).read(),
      );
      await until(() => sources[0]?.taken === 2 * CHUNK);
      await client.close();
      expect(await call).to.include({ code: "CLOSED" });
      // ROUTER sockets of libzmq tell nobody who is gone: there only the host's own end ends it.
      if (!findTransport(undefined).abilities.seesPeers) await host.close();
      await until(() => sources[0]?.ended === 1);
    });
  });
});

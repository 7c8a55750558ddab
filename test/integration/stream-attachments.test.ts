import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect } from "chai";
import {
  componentOf,
  currentCall,
  defineInterface,
  expose,
  type InterfaceOf,
  introspect,
  named,
  withOptions,
} from "../../src/index.js";
import { CHUNK, type Files, makeFiles, useFiles } from "../support/files.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { CountedSource, readAll } from "../support/sources.js";
import { until } from "../support/until.js";

/** What may be on its way, and the chunk that went beyond. */
const WINDOW = 1024 * 1024;

describe("Streamed attachments", () => {
  const mesh = useMesh();
  const start = useFiles(mesh);
  const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

  it("stand in the contract, and leave PyCOM's part of it as it is", async () => {
    const { remote } = await start();
    const told = await introspect(remote);
    expect(told.methods.hash).to.deep.equal({
      required_arguments: ["data"],
      optional_arguments: ["name"],
      results: [],
      docstring: null,
      attachments: { incoming: "data", outgoing: null },
    });
    expect(told.contract?.methods.hash).to.include({ stream: true });
    expect(told.contract?.methods.whole).to.not.have.property("stream");
  });

  for (const [what, attachments, more] of [
    ["without a name", { stream: true }, {}],
    ["of an optional argument", { incoming: "data", stream: true }, { params: ["data?"] }],
    ["with a flag that is none", { incoming: "data", stream: "yes" as never }, { params: ["data"] }],
    ["written in a transaction", { outgoing: "file", stream: true }, { results: "file", once: "transaction" }],
  ] as const) {
    it(`are refused ${what}`, async () => {
      const wrong = defineInterface("demo.wrong", { methods: { run: { attachments, ...more, run: () => null } } });
      expect(await failureOf(mesh.host([wrong]))).to.include({ code: "CONFIGURATION" });
    });
  }

  describe("as arguments", () => {
    const bytes = new Uint8Array(700_000).map((_, index) => index % 251);
    const folder = mkdtempSync(join(tmpdir(), "lamplighter-streams-"));
    const file = join(folder, "file");
    writeFileSync(file, bytes);
    after(() => {
      rmSync(folder, { recursive: true });
    });
    const halves = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 300_000);
      yield new Uint8Array(0);
      yield bytes.subarray(300_000);
    };
    for (const [what, source, chunks] of [
      ["Uint8Array", () => bytes, 3],
      ["Buffer", () => Buffer.from(bytes), 3],
      ["ArrayBuffer", () => bytes.buffer, 3],
      ["Blob", () => new Blob([bytes]), undefined],
      ["ReadableStream", () => ReadableStream.from(halves()), 4],
      ["file that is read", () => createReadStream(file), undefined],
      ["generator", halves, 4],
      ["iterable that is a plain object", () => ({ [Symbol.asyncIterator]: halves }), 4],
    ] as const) {
      it(`are made of a ${what}, in chunks that are not large`, async () => {
        const { remote } = await start();
        const { hash, ...rest } = (await remote.hash(source() as ReadableStream<Uint8Array>, "n")) as {
          hash: string;
          chunks: number;
          name: string;
        };
        expect(hash).to.equal(sha(bytes));
        expect(rest.name).to.equal("n");
        if (chunks !== undefined) expect(rest.chunks).to.equal(chunks);
        expect(await remote.hash(named({ data: source(), name: "other" }))).to.include({ hash, name: "other" });
        expect(await remote.hash({ data: source() } as never)).to.include({ hash, name: null });
      });
    }

    it("come as null when there is none, and as an empty stream when there is nothing in it", async () => {
      const { remote } = await start();
      expect(await componentOf(remote).invoke("hash", {})).to.equal("none");
      const empty = { hash: sha(new Uint8Array(0)), chunks: 0, name: null };
      expect(await remote.hash(new Uint8Array(0))).to.deep.equal(empty);
      expect(await remote.hash(new Blob([]))).to.deep.equal(empty);
    });

    it("may be larger than a message where they are bytes in memory, both ways", async () => {
      const { remote } = await start("lamp", { maxMessageBytes: 512 * 1024 });
      expect(await remote.hash(bytes)).to.include({ hash: sha(bytes) });
      expect(await withOptions(remote, { attachment: bytes }).hash(...([] as never))).to.include({ hash: sha(bytes) });
      expect(
        (await readAll((await remote.bytes(700_000)) as unknown as ReadableStream<Uint8Array>)).byteLength,
      ).to.equal(700_000);
    });

    it("stand among raw arguments by their name, and beside them as bytes", async () => {
      const { remote } = await start();
      const component = componentOf(remote);
      expect(await component.invoke("hash", { data: ReadableStream.from(halves()) })).to.include({ hash: sha(bytes) });
      expect(await component.invoke("hash", { data: bytes })).to.include({ hash: sha(bytes) });
      expect(await component.invoke("hash", {}, { attachment: bytes })).to.include({ hash: sha(bytes) });
      expect(await withOptions(remote, { attachment: bytes }).hash(...([] as never))).to.include({ hash: sha(bytes) });
      expect(await failureOf(component.invoke("hash", { data: "text" }))).to.include({
        code: "BAD_REQUEST",
        outcome: "not-executed",
      });
    });

    it("fail when they hold no bytes, or their source fails", async () => {
      const { remote, seen } = await start();
      for (const wrong of ["text", 5] as unknown[] as Uint8Array[]) {
        expect(await failureOf(remote.swallow(ReadableStream.from([wrong])))).to.include({
          code: "BAD_REQUEST",
        });
      }
      const missing = createReadStream(join(folder, "missing"));
      expect(await failureOf(remote.swallow(missing))).to.include({ outcome: "executed" });
      const broken = Readable.from([new Uint8Array(5)]);
      broken.destroy(new Error("broken from the start"));
      expect(await failureOf(remote.swallow(broken))).to.include({ outcome: "executed" });
      expect(seen.consumed).to.equal(0);
    });

    it("are refused as something else, and as a stream that is read already", async () => {
      const { remote } = await start();
      for (const wrong of ["text", 5, { deep: 1 }, ["list"]]) {
        const failure = await failureOf(remote.hash(wrong as never, "n"));
        expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
        expect(failure.message).to.contain("args.data of demo.files.hash");
      }
      const locked = ReadableStream.from(halves());
      locked.getReader();
      expect((await failureOf(remote.hash(locked))).message).to.contain("reads already");
    });

    it("are refused where the method takes bytes, before anything is sent, and ended", async () => {
      const { remote } = await start();
      const source = new CountedSource(10, CHUNK);
      const failure = await failureOf(remote.whole(source.stream() as unknown as Uint8Array));
      expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(failure.message).to.contain("args.data").and.to.contain("collect it");
      expect([source.taken, source.ended]).to.deep.equal([0, 1]);
      const raw = new CountedSource(10, CHUNK);
      expect(await failureOf(componentOf(remote).invoke("whole", { data: raw.stream() }))).to.include({
        code: "BAD_REQUEST",
        outcome: "not-executed",
      });
      await until(() => raw.ended === 1);
    });

    it("advance no further than what the method has read, and a window", async () => {
      const { remote, seen } = await start();
      const source = new CountedSource(640, CHUNK);
      let ahead = 0;
      source.onTaken = () => {
        ahead = Math.max(ahead, source.taken - seen.consumed);
      };
      expect(await remote.swallow(source.stream())).to.equal(640 * CHUNK);
      expect(ahead).to.be.within(CHUNK, WINDOW + CHUNK);
      expect(source.ended).to.equal(1);
    });

    it("stand still while the method reads nothing", async () => {
      const { remote, seen } = await start();
      const source = new CountedSource(640, CHUNK);
      const cancel = new AbortController();
      const call = failureOf(withOptions(remote, { signal: cancel.signal }).hold(source.stream()));
      await until(() => source.taken >= WINDOW);
      // What is asked now is answered after whatever was under way.
      for (let n = 0; n < 10; n++) await remote.ping();
      expect(source.taken).to.be.at.most(seen.begun * CHUNK + WINDOW + CHUNK);
      cancel.abort();
      expect(await call).to.include({ code: "CANCELLED" });
      await until(() => source.ended === 1);
    });
  });

  describe("as results", () => {
    it("are web streams to callers, of whatever the method returned", async () => {
      const { remote } = await start();
      for (const stream of [await remote.read(5), await remote.generate(5)] as ReadableStream<Uint8Array>[]) {
        expect(stream).to.be.instanceOf(ReadableStream);
        expect((await readAll(stream)).byteLength).to.equal(5 * CHUNK);
      }
      for (const [given, size] of [
        [remote.bytes(700_000), 700_000],
        [remote.bytes(0), 0],
        [remote.replied(), 5],
      ] as const) {
        const stream = (await given) as unknown as ReadableStream<Uint8Array>;
        expect(stream).to.be.instanceOf(ReadableStream);
        expect((await readAll(stream)).byteLength).to.equal(size);
      }
      expect(await remote.nothing()).to.equal(null);
      let iterated = 0;
      for await (const chunk of remote.read(3)) iterated += chunk.byteLength;
      expect(iterated).to.equal(3 * CHUNK);
    });

    it("stand under their name where there are several, and in raw results", async () => {
      const { remote } = await start();
      const { size, file } = await remote.both();
      expect((await readAll(file)).byteLength).to.equal(size);
      const full = await componentOf(remote).invokeFull("both");
      const { file: raw } = full.result as { file: ReadableStream<Uint8Array> };
      expect(full.attachment).to.equal(undefined);
      expect((await readAll(raw)).byteLength).to.equal(size);
      expect((await componentOf(remote).invokeFull("bytes", { size: 7 })).attachment).to.have.length(7);
    });

    it("advance no further than what the caller has read, and a window", async () => {
      const { remote, sources } = await start();
      let consumed = 0;
      let ahead = 0;
      for await (const chunk of remote.read(640)) {
        const [source] = sources;
        if (!source) throw new Error("no source");
        source.onTaken = () => {
          ahead = Math.max(ahead, source.taken - consumed);
        };
        consumed += chunk.byteLength;
      }
      expect(consumed).to.equal(640 * CHUNK);
      expect(ahead).to.be.within(CHUNK, WINDOW + CHUNK);
    });

    it("fail as the source does, and where it gives no bytes", async () => {
      const { remote } = await start();
      const stream = (await remote.broken()) as unknown as ReadableStream<Uint8Array>;
      expect(await failureOf(readAll(stream))).to.include({ code: "ACCESS_DENIED", message: "no further" });
      const texts = (await remote.texts()) as unknown as ReadableStream<Uint8Array>;
      expect(await failureOf(readAll(texts))).to.include({ code: "BAD_REQUEST" });
      expect(await failureOf(remote.number())).to.include({ code: "UNKNOWN", outcome: "executed" });
    });

    it("end their source when the reader breaks off, the client closes, or a posthook fails", async () => {
      const { host, remote, sources } = await start();
      for await (const _ of remote.read(1_000)) break;
      await until(() => sources[0]?.ended === 1);
      const client = mesh.client();
      const other = client.connect<Files>(host.address, "demo.files", { wire: "lamp" });
      const stream = await other.read(1_000);
      await client.close();
      await until(() => sources[1]?.ended === 1);
      expect(await failureOf(readAll(stream))).to.include({ code: "UNAVAILABLE" });
      expect(await failureOf(remote.mangled())).to.include({ code: "ACCESS_DENIED" });
      expect([sources[2]?.taken, sources[2]?.ended]).to.deep.equal([0, 1]);
    });

    it("may go on reading the incoming one after the answer, and end it when they end", async () => {
      const { remote } = await start();
      const source = new CountedSource(100, CHUNK);
      const doubled = (await remote.double(source.stream())) as unknown as ReadableStream<Uint8Array>;
      expect((await readAll(doubled)).byteLength).to.equal(200 * CHUNK);
      expect(source.ended).to.equal(1);
      const endless = new CountedSource(Infinity, CHUNK);
      const more = (await remote.double(endless.stream())) as unknown as ReadableStream<Uint8Array>;
      const reader = more.getReader();
      await reader.read();
      await reader.cancel();
      await until(() => endless.ended === 1);
    });
  });

  it("travel in chunks that fit into the messages which the other end takes", async () => {
    const { host, remote } = await start("lamp", { maxMessageBytes: 50_000 });
    const client = mesh.client({ maxMessageBytes: 40_000 });
    const modest = client.connect<Files>(host.address, "demo.files", { wire: "lamp" });
    for (const one of [remote, modest]) {
      expect(await one.hash(new CountedSource(3, CHUNK).stream())).to.include({ chunks: one === remote ? 9 : 12 });
      expect((await readAll(await one.read(3))).byteLength).to.equal(3 * CHUNK);
      expect((await readAll(await one.generate(3))).byteLength).to.equal(3 * CHUNK);
      const bytes = (await one.bytes(100_000)) as unknown as ReadableStream<Uint8Array>;
      expect((await readAll(bytes)).byteLength).to.equal(100_000);
    }
  });

  it("work the same within a process", async () => {
    const { sources, seen } = await start();
    const remote = mesh.client().connect<Files>("local", "demo.files");
    const source = new CountedSource(20, CHUNK);
    expect(await remote.swallow(source.stream())).to.equal(20 * CHUNK);
    expect((await readAll(await remote.read(5))).byteLength).to.equal(5 * CHUNK);
    const endless = new CountedSource(Infinity, CHUNK);
    expect(await failureOf(remote.refuse(endless.stream()))).to.include({ code: "ACCESS_DENIED" });
    expect(endless.ended).to.equal(1);
    const part = new CountedSource(Infinity, CHUNK);
    await remote.take(part.stream(), 2);
    expect(part.ended).to.equal(1);
    const doubled = (await remote.double(
      new CountedSource(3, CHUNK).stream(),
    )) as unknown as ReadableStream<Uint8Array>;
    expect((await readAll(doubled)).byteLength).to.equal(6 * CHUNK);
    expect(sources[0]?.ended).to.equal(1);
    expect(seen.begun).to.equal(1);
  });

  it("travel back to the caller of a caller, whose methods stream as well", async () => {
    const relay = defineInterface("demo.relay", {
      methods: {
        ask: async (chunks: number) => {
          const peer = currentCall().peerAs<Files>("demo.files");
          return await peer.hash(new CountedSource(chunks, CHUNK).stream(), "back");
        },
      },
    });
    const host = await mesh.host([relay]);
    const client = mesh.client();
    client.provide(makeFiles().files);
    const remote = client.connect<InterfaceOf<typeof relay>>(host.address, "demo.relay", { wire: "lamp" });
    expect(await remote.ask(7)).to.include({ chunks: 7, name: "back" });
  });

  it("are declared by expose() as well", async () => {
    class Sized {
      async size(data: ReadableStream<Uint8Array>): Promise<number> {
        return (await readAll(data)).byteLength;
      }
    }
    const size = { params: ["data"], attachments: { incoming: "data", stream: true } };
    expose(Sized.prototype, { size }, { name: "demo.sized" });
    const host = await mesh.host([new Sized()]);
    const remote = mesh.client().connect<Sized>(host.address, "demo.sized", { wire: "lamp" });
    expect(await remote.size(new CountedSource(4, CHUNK).generate())).to.equal(4 * CHUNK);
  });
});

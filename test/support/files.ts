import { createHash } from "node:crypto";
import { defineInterface, type HostOptions, type InterfaceOf, reply, rpcError } from "../../src/index.js";
import type { Mesh } from "./mesh.js";
import { CountedSource } from "./sources.js";

/** Bytes of a chunk of its sources. */
export const CHUNK = 64 * 1024;
/** A service of files, and what became of its sources. */
export function makeFiles() {
  const sources: CountedSource[] = [];
  const made = (chunks: number): CountedSource => {
    const source = new CountedSource(chunks, CHUNK);
    sources.push(source);
    return source;
  };
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const seen = {
    consumed: 0,
    failed: undefined as unknown,
    begun: 0,
    kept: undefined as ReadableStreamDefaultReader<Uint8Array> | undefined,
  };
  const upload = { params: ["data"], attachments: { incoming: "data", stream: true } } as const;
  const download = { results: "file", attachments: { outgoing: "file", stream: true } } as const;
  const files = defineInterface("demo.files", {
    methods: {
      hash: {
        ...upload,
        params: ["data", "name?"],
        run: async (data: ReadableStream<Uint8Array> | null, name?: string) => {
          if (!data) return "none";
          if (!(data instanceof ReadableStream)) throw new TypeError("no stream");
          const hash = createHash("sha256");
          let chunks = 0;
          for await (const chunk of data) {
            if (!(chunk instanceof Uint8Array) || Buffer.isBuffer(chunk)) throw new TypeError("no bytes");
            hash.update(chunk);
            chunks++;
          }
          return { hash: hash.digest("hex"), chunks, name: name ?? null };
        },
      },
      swallow: {
        ...upload,
        idempotent: true,
        run: async (data: ReadableStream<Uint8Array>) => {
          seen.begun++;
          try {
            for await (const chunk of data) seen.consumed += chunk.byteLength;
          } catch (error) {
            seen.failed = error;
            throw error;
          }
          return seen.consumed;
        },
      },
      take: {
        ...upload,
        params: { data: undefined, chunks: "integer" },
        run: async (data: ReadableStream<Uint8Array>, chunks: number) => {
          const reader = data.getReader();
          for (let n = 0; n < chunks; n++) seen.consumed += (await reader.read()).value?.byteLength ?? 0;
          return seen.consumed;
        },
      },
      keep: {
        ...upload,
        run: (data: ReadableStream<Uint8Array>) => {
          seen.kept = data.getReader();
          return "kept";
        },
      },
      refuse: {
        ...upload,
        run: async (data: ReadableStream<Uint8Array>): Promise<null> => {
          await data.getReader().read();
          throw rpcError("ACCESS_DENIED", "not this one");
        },
      },
      hold: {
        ...upload,
        run: async (data: ReadableStream<Uint8Array>) => {
          await data.getReader().read();
          seen.begun++;
          // It minds neither its signal nor its stream.
          await held;
          return null;
        },
      },
      ping: () => "pong",
      whole: {
        params: ["data"],
        attachments: { incoming: "data" },
        run: (data: Uint8Array | null) => data?.byteLength ?? null,
      },
      read: { ...download, params: ["chunks"], run: (chunks: number) => made(chunks).stream() },
      generate: { ...download, params: ["chunks"], run: (chunks: number) => made(chunks).generate() },
      bytes: { ...download, params: ["size"], run: (size: number) => new Uint8Array(size) },
      replied: { ...download, run: () => reply(null, { attachment: new Uint8Array(5) }) },
      nothing: { ...download, run: () => null },
      broken: {
        ...download,
        run: async function* () {
          yield new Uint8Array(3);
          throw rpcError("ACCESS_DENIED", "no further");
        },
      },
      texts: {
        ...download,
        run: async function* () {
          yield "no bytes";
        },
      },
      number: { ...download, run: () => 5 },
      both: {
        results: ["size", "file"],
        attachments: { outgoing: "file", stream: true },
        run: () => ({ size: 3 * CHUNK, file: made(3).stream() }),
      },
      double: {
        params: ["data"],
        results: "file",
        attachments: { incoming: "data", outgoing: "file", stream: true },
        run: async function* (data: ReadableStream<Uint8Array>) {
          for await (const chunk of data) {
            yield chunk;
            yield chunk;
          }
        },
      },
      mangled: {
        ...download,
        posthooks: [
          () => {
            throw rpcError("ACCESS_DENIED", "a posthook says no");
          },
        ],
        run: () => made(10).stream(),
      },
    },
  });
  return { files, seen, sources, letGo };
}

/** Its type. */
export type Files = InterfaceOf<ReturnType<typeof makeFiles>["files"]>;

/** Starts a service of files, and a proxy of it. */
export function useFiles(mesh: Mesh) {
  return async (wire: "lamp" | "pycom" = "lamp", options: HostOptions = {}) => {
    const { files, letGo, ...rest } = makeFiles();
    const host = await mesh.host([files], options);
    mesh.own({ close: letGo });
    const remote = mesh.client().connect<Files>(host.address, "demo.files", { wire });
    return { host, remote, ...rest };
  };
}

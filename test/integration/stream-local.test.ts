import { Readable } from "node:stream";
import { expect } from "chai";
import { defineInterface, type InterfaceOf, rpcError, withOptions } from "../../src/index.js";
import { CHUNK } from "../support/files.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { CountedSource, readAll } from "../support/sources.js";
import { until } from "../support/until.js";

/** Chunks that are more than may be on their way. */
const MANY = 40;

/** Methods that keep the streams which they are given, and answer with others. */
function makeKeeper() {
  const seen = { begun: 0, kept: [] as ReadableStreamDefaultReader<Uint8Array>[] };
  const own: CountedSource[] = [];
  const fails: (() => void)[] = [];
  const made = (): CountedSource => {
    const source = new CountedSource(MANY, CHUNK);
    own.push(source);
    return source;
  };
  const keep = (data: ReadableStream<Uint8Array>): void => {
    seen.begun++;
    seen.kept.push(data.getReader());
  };
  const upload = { params: ["data"], attachments: { incoming: "data", stream: true } } as const;
  const keeper = defineInterface("demo.keeper", {
    methods: {
      file: {
        params: ["data"],
        results: "file",
        attachments: { incoming: "data", outgoing: "file", stream: true },
        run: (data: ReadableStream<Uint8Array>) => {
          keep(data);
          return made().stream();
        },
      },
      several: {
        ...upload,
        run: (data: ReadableStream<Uint8Array>) => {
          keep(data);
          return { list: [made().stream()], map: new Map([["generator", made().generate()]]), size: 5 };
        },
      },
      readable: {
        ...upload,
        run: (data: ReadableStream<Uint8Array>) => {
          keep(data);
          return Readable.from([new Uint8Array(3)]);
        },
      },
      busy: {
        ...upload,
        idempotent: true,
        prehooks: [
          () => {
            seen.begun++;
            throw rpcError("OVERLOADED", "later");
          },
        ],
        run: (_data: ReadableStream<Uint8Array>) => null,
      },
      ignore: { params: ["items"], run: (_items: unknown) => "not looked at" },
      stuck: {
        params: ["items"],
        run: (_items: unknown) =>
          new Promise((_resolve, reject) => {
            seen.begun++;
            fails.push(() => {
              reject(new Error("at last"));
            });
          }),
      },
    },
  });
  return { keeper, seen, own, fails };
}

type Keeper = InterfaceOf<ReturnType<typeof makeKeeper>["keeper"]>;

describe("Streams of a call, with a wire or within a process,", () => {
  const mesh = useMesh();
  for (const where of ["lamp", "local"] as const) {
    const connect = async () => {
      const { keeper, fails, ...rest } = makeKeeper();
      const host = await mesh.host([keeper]);
      mesh.own({
        close: () => {
          for (const fail of fails) fail();
        },
      });
      const client = mesh.client();
      const address = where === "local" ? "local" : host.address;
      return { client, remote: client.connect<Keeper>(address, "demo.keeper", { wire: "lamp" }), ...rest };
    };

    describe(where, () => {
      it("end when those of the result have ended, and not before", async () => {
        const { remote, seen, own } = await connect();
        const source = new CountedSource(Infinity, CHUNK);
        const file = await remote.file(source.stream());
        expect(await seen.kept[0]?.read()).to.include({ done: false });
        expect((await readAll(file)).byteLength).to.equal(MANY * CHUNK);
        await until(() => source.ended === 1 && own[0]?.ended === 1);
        expect(await failureOf(seen.kept[0]?.read() ?? Promise.resolve())).to.include({ code: "CANCELLED" });
      });

      it("end when the last of several has ended or was given up", async () => {
        const { remote, seen, own } = await connect();
        const source = new CountedSource(Infinity, CHUNK);
        const several = await remote.several(source.stream());
        expect(several.size).to.equal(5);
        expect((await readAll(several.map.get("generator") ?? failing())).byteLength).to.equal(MANY * CHUNK);
        expect(await seen.kept[0]?.read()).to.include({ done: false });
        await several.list[0]?.cancel();
        await until(() => source.ended === 1);
        expect(own.map(({ ended }) => ended)).to.deep.equal([1, 1]);
      });

      it("end when a stream of Node's has", async () => {
        const { remote } = await connect();
        const source = new CountedSource(Infinity, CHUNK);
        expect(await readAll((await remote.readable(source.stream())) as AsyncIterable<Uint8Array>)).to.have.length(3);
        await until(() => source.ended === 1);
      });

      it("are not given to a second try, and end with the first", async () => {
        const { remote, seen } = await connect();
        const source = new CountedSource(Infinity, CHUNK);
        expect(await failureOf(remote.busy(source.stream()))).to.include({ code: "OVERLOADED" });
        await until(() => source.ended === 1);
        expect(seen.begun).to.equal(1);
      });

      it("end when the method does not look at them", async () => {
        const { remote } = await connect();
        const source = new CountedSource(5, CHUNK);
        const file = Readable.from([new Uint8Array(3)]);
        expect(await remote.ignore([source.stream(), file])).to.equal("not looked at");
        await until(() => source.ended === 1 && file.destroyed);
      });

      it("end when the caller gives up, and when the client closes", async () => {
        const { client, remote, seen } = await connect();
        const given = new CountedSource(Infinity, CHUNK);
        expect(await failureOf(withOptions(remote, { timeoutMs: 50 }).stuck(given.stream()))).to.include({
          code: "TIMEOUT",
        });
        await until(() => given.ended === 1);
        const source = new CountedSource(Infinity, CHUNK);
        const call = failureOf(remote.stuck(source.stream()));
        await until(() => seen.begun === 2);
        await client.close();
        expect(await call).to.include({ code: "CLOSED", outcome: "unknown" });
        await until(() => source.ended === 1);
      });
    });
  }
});

function failing(): never {
  throw new Error("not there");
}

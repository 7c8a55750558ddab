import { expect } from "chai";
import { currentCall, defineInterface, RemoteStream } from "../../src/index.js";
import { callOf, hello, LampPeer, PeerStream } from "../support/lamp-peer.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

interface Numbers {
  count(to: number): AsyncGenerator<number>;
  endless(): AsyncGenerator<number>;
  blobs(count: number): AsyncGenerator<Uint8Array>;
  broken(after: number): AsyncGenerator<number>;
  odd(): AsyncGenerator;
  web(to: number): ReadableStream<number>;
  sync(to: number): AsyncGenerator<number>;
  collections(): unknown;
  both(): { a: AsyncGenerator<number>; b: AsyncGenerator<number> };
  sizes(items: AsyncIterable<string | [Uint8Array]>): AsyncGenerator<number>;
  sum(items: AsyncIterable<number>): Promise<number>;
  first(items: AsyncIterable<number>): Promise<number>;
  ignore(items: AsyncIterable<number>): string;
  double(items: AsyncIterable<number>): AsyncGenerator<number>;
  kind(items: AsyncIterable<number>): string;
  who(): AsyncGenerator;
  produced(): number;
  ended(): string[];
  value(): number;
}

/** Streams of every kind, and what became of them. */
function numbers(): ReturnType<typeof defineInterface> {
  let produced = 0;
  const ended: string[] = [];
  async function* upTo(to: number, name: string): AsyncGenerator<number> {
    try {
      for (let n = 0; n < to; n++) {
        produced++;
        yield n;
      }
    } finally {
      ended.push(name);
    }
  }
  return defineInterface("demo.numbers", {
    methods: {
      count: (to: number) => upTo(to, "count"),
      endless: () => upTo(Number.POSITIVE_INFINITY, "endless"),
      blobs: async function* (count: number) {
        for (let n = 0; n < count; n++) {
          produced++;
          yield new Uint8Array(256 * 1024).fill(n);
        }
      },
      broken: async function* (after: number) {
        yield* upTo(after, "broken");
        throw new RangeError("secret reason");
      },
      odd: async function* () {
        yield { fine: true };
        yield { wrong: Symbol("s") };
      },
      sync: function* (to: number) {
        try {
          for (let n = 0; n < to; n++) yield n;
        } finally {
          ended.push("sync");
        }
      },
      collections: () => [[1], new Map([[1, 2]]), new Set([3]), "text"],
      web: (to: number) => ReadableStream.from(upTo(to, "web")),
      both: () => ({ a: upTo(3, "a"), b: upTo(3, "b") }),
      sum: async (items: AsyncIterable<number>) => {
        let sum = 0;
        for await (const item of items) sum += item;
        return sum;
      },
      first: async (items: AsyncIterable<number>) => {
        for await (const item of items) return item;
        return -1;
      },
      ignore: () => "not looked at",
      double: async function* (items: AsyncIterable<number>) {
        for await (const item of items) yield item * 2;
      },
      sizes: async function* (items: AsyncIterable<string | [Uint8Array]>) {
        for await (const item of items) yield typeof item === "string" ? item.length : item[0].byteLength;
      },
      kind: (items: AsyncIterable<number>) => (items instanceof ReadableStream ? "web" : "iterable"),
      who: async function* () {
        const call = currentCall();
        yield call.method;
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield currentCall() === call;
        yield call.remainingMs;
      },
      produced: () => produced,
      ended: () => ended,
      value: () => 1,
    },
  });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("Streams", () => {
  const mesh = useMesh();
  const connect = async (): Promise<{
    remote: ReturnType<typeof remoteOf>;
    host: Awaited<ReturnType<typeof mesh.host>>;
  }> => {
    const host = await mesh.host([numbers()]);
    return { host, remote: remoteOf(host.address) };
  };
  const remoteOf = (address: string) => mesh.client().connect<Numbers>(address, "demo.numbers", { wire: "lamp" });

  describe("as results", () => {
    it("are iterated straight from the call, or from its awaited result", async () => {
      const { remote } = await connect();
      expect(await collect(remote.count(200))).to.deep.equal(Array.from({ length: 200 }, (_, n) => n));
      const stream = await remote.count(3);
      expect(stream).to.be.instanceOf(RemoteStream);
      expect(await collect(stream)).to.deep.equal([0, 1, 2]);
      expect(await stream.next()).to.deep.equal({ done: true, value: undefined });
    });

    it("come as what they were: web streams as web streams", async () => {
      const { remote } = await connect();
      const stream = await remote.web(100);
      expect(stream).to.be.instanceOf(ReadableStream);
      expect(await collect(stream)).to.have.length(100);
      const reader = (await remote.web(1_000)).getReader();
      expect(await reader.read()).to.deep.equal({ done: false, value: 0 });
      await reader.cancel();
      await until(async () => (await remote.ended()).filter((name) => name === "web").length === 2);
    });

    it("come from generators that wait for nothing, too", async () => {
      const { remote } = await connect();
      expect(await collect(remote.sync(200))).to.have.length(200);
      const stream = await remote.sync(Number.POSITIVE_INFINITY);
      expect(await stream.next()).to.deep.equal({ done: false, value: 0 });
      await stream.return();
      await until(async () => (await remote.ended()).filter((name) => name === "sync").length === 2);
      expect(await remote.collections()).to.deep.equal([[1], new Map([[1, 2]]), new Set([3]), "text"]);
    });

    it("travel several at once, anywhere in a result", async () => {
      const { remote } = await connect();
      const { a, b } = await remote.both();
      expect(await Promise.all([collect(a), collect(b)])).to.deep.equal([
        [0, 1, 2],
        [0, 1, 2],
      ]);
    });

    it("advance no further than what was taken, and a window", async () => {
      const { remote } = await connect();
      const stream = await remote.endless();
      for (let n = 0; n < 500; n++) expect(await stream.next()).to.deep.equal({ done: false, value: n });
      // Whatever else was under way has arrived when this is answered.
      expect(await remote.produced()).to.be.within(500, 500 + 64 + 1);
      await stream.return();
      await until(async () => (await remote.ended()).includes("endless"));
    });

    it("are bounded in bytes as well", async () => {
      const { remote } = await connect();
      const stream = await remote.blobs(1_000);
      await stream.next();
      await remote.value();
      expect(await remote.produced()).to.be.lessThan(1 + 8);
      await stream.return();
    });

    it("go on when items are so large that few fill the window, and when one alone does", async () => {
      const { remote } = await connect();
      let bytes = 0;
      for await (const blob of remote.blobs(100)) bytes += blob.byteLength;
      expect(bytes).to.equal(100 * 256 * 1024);
      const large = new Uint8Array(3 * 1024 * 1024);
      const lengths = remote.sizes(
        (async function* () {
          for (let n = 0; n < 10; n++) yield n % 3 === 0 ? "x".repeat(large.byteLength) : [large];
        })(),
      );
      expect(await collect(lengths)).to.deep.equal(Array.from({ length: 10 }, () => large.byteLength));
    });

    it("end their generator when the consumer breaks off", async () => {
      const { remote } = await connect();
      for await (const n of remote.endless()) if (n === 10) break;
      await until(async () => (await remote.ended()).includes("endless"));
      const thrown = await failureOf(
        (async () => {
          for await (const n of remote.endless()) if (n === 5) throw new Error("enough");
        })(),
      );
      expect(thrown).to.have.property("message", "enough");
      await until(async () => (await remote.ended()).length === 2);
    });

    it("end their generator when the consumer's client closes, or is gone", async () => {
      const { host, remote } = await connect();
      const client = mesh.client();
      const other = client.connect<Numbers>(host.address, "demo.numbers", { wire: "lamp" });
      const stream = await other.endless();
      await stream.next();
      await client.close();
      await until(async () => (await remote.ended()).includes("endless"));
      expect(await failureOf(collect(stream))).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    });

    it("fail as the generator does, after what it had yielded", async () => {
      const { remote } = await connect();
      const stream = await remote.broken(3);
      const got: number[] = [];
      const failure = await failureOf(
        (async () => {
          for await (const n of stream) got.push(n);
        })(),
      );
      expect(got).to.deep.equal([0, 1, 2]);
      expect(failure).to.include({ code: "UNKNOWN", outcome: "executed" });
      expect((failure as Error).message).to.not.contain("secret");
    });

    it("fail at an item that cannot travel, and say which", async () => {
      const { remote } = await connect();
      const stream = await remote.odd();
      expect(await stream.next()).to.deep.equal({ done: false, value: { fine: true } });
      const failure = await failureOf(stream.next());
      expect(failure).to.include({ code: "BAD_REQUEST" });
      expect(failure.message).to.contain("An item of a stream cannot travel: item.wrong is a symbol");
      expect(await remote.value()).to.equal(1);
    });

    it("fail at an item that is too large, and say that it is one", async () => {
      const host = await mesh.host([numbers()], { maxMessageBytes: 100_000 });
      const stream = await remoteOf(host.address).blobs(3);
      const failure = await failureOf(stream.next());
      expect(failure).to.include({ code: "TOO_LARGE" });
      expect(failure.message).to.match(/^An item of a stream has 26\d{4} bytes, the limit is 100000/);
    });

    it("run as part of their call, without its deadline", async () => {
      const { remote } = await connect();
      expect(await collect(remote.who())).to.deep.equal(["who", true, Number.POSITIVE_INFINITY]);
    });

    it("break off with an error when the host closes", async () => {
      const { host, remote } = await connect();
      const stream = await remote.endless();
      await stream.next();
      const rest = failureOf(collect(stream));
      await host.close();
      expect(await rest).to.include({ code: "UNAVAILABLE" });
    });

    it("are refused by a wire that has none, and their generator is ended", async () => {
      const host = await mesh.host([numbers()]);
      const remote = mesh.client().connect<Numbers>(host.address, "demo.numbers");
      expect(((await failureOf(remote.count(3))) as Error).message).to.contain("stream");
    });

    it("say so when a result is none", async () => {
      const { remote } = await connect();
      const iterate = collect(remote.value() as unknown as AsyncIterable<number>);
      expect(((await failureOf(iterate)) as Error).message).to.contain("does not stream");
    });
  });

  describe("as arguments", () => {
    async function* local(to: number, ended?: () => void): AsyncGenerator<number> {
      try {
        for (let n = 0; n < to; n++) yield n;
      } finally {
        ended?.();
      }
    }

    it("are read by the method, generators and web streams alike", async () => {
      const { remote } = await connect();
      expect(await remote.sum(local(1_000))).to.equal(499_500);
      expect(await remote.sum(ReadableStream.from(local(1_000)))).to.equal(499_500);
      expect(await remote.kind(local(1))).to.equal("iterable");
      expect(await remote.kind(ReadableStream.from(local(1)))).to.equal("web");
    });

    it("end here when the method breaks off, or never looks at them", async () => {
      const { remote } = await connect();
      let ended = 0;
      const count = (): void => {
        ended++;
      };
      expect(await remote.first(local(1_000_000, count))).to.equal(0);
      expect(await remote.ignore(local(1_000_000, count))).to.equal("not looked at");
      await until(() => ended === 2);
    });

    it("pass through: in as arguments, out as results", async () => {
      const { remote } = await connect();
      expect(await collect(remote.double(local(300)))).to.deep.equal(Array.from({ length: 300 }, (_, n) => n * 2));
    });

    it("stand in items of other streams, and end with those that nobody takes", async () => {
      const { remote } = await connect();
      let open = 0;
      const inner = (): AsyncGenerator<number> =>
        (async function* () {
          open++;
          try {
            for (let n = 0; ; n++) yield n;
          } finally {
            open--;
          }
        })();
      let isOver = false;
      const outer = (async function* () {
        try {
          for (;;) yield inner();
        } finally {
          isOver = true;
        }
      })();
      // It takes the first of the outer ones, and nothing of that.
      const first = remote.first(outer as unknown as AsyncIterable<number>) as unknown as Promise<
        AsyncIterable<number>
      >;
      for await (const n of await first) if (n === 3) break;
      await until(() => isOver && open === 0);
    });

    it("end, too, in items that come when nobody takes them any more", async () => {
      const { host } = await connect();
      const peer = mesh.own(await LampPeer.to(host.address));
      const stops = (): number => peer.heard.filter((kind) => kind === "stop").length;
      const call = { interface: "demo.numbers", isPositional: true, args: [new PeerStream(1)] };
      peer.send(hello(), callOf("ignore", call));
      await until(() => stops() === 1);
      peer.send({ kind: "item", stream: 1, value: [new PeerStream(2)] });
      await until(() => stops() === 2);
    });

    it("go on from one service to another", async () => {
      const { remote } = await connect();
      const other = (await connect()).remote;
      expect(await other.sum(await remote.count(100))).to.equal(4_950);
    });
  });

  it("are bounded, and leave the calls beside them alone", async () => {
    const { remote } = await connect();
    const streams = await Promise.all(Array.from({ length: 10_000 }, () => remote.count(100)));
    expect(await failureOf(remote.count(1))).to.include({ outcome: "executed" });
    expect(await remote.value()).to.equal(1);
    for (const stream of streams) await stream.return();
    expect(await collect(remote.count(3))).to.deep.equal([0, 1, 2]);
  });

  it("are many at once", async () => {
    const { remote } = await connect();
    const sums = await Promise.all(Array.from({ length: 300 }, async () => (await collect(remote.count(100))).length));
    expect(sums.every((length) => length === 100)).to.equal(true);
  });
});

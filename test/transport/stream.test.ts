import { once } from "node:events";
import { connect as connectSocket, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { rpcError } from "../../src/errors.js";
import { SocketStream } from "../../src/transport/stream/socket-stream.js";
import { KINDS, makeEnd, useStreams } from "../support/streams.js";
import { until } from "../support/until.js";

const MEGABYTES_10 = Buffer.alloc(10 * 1024 * 1024, "0123456789abcde");

describe("A stream of octets", () => {
  const streams = useStreams();
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** Somebody else's server, on a free port. */
  const strangers = async (serve: (socket: Socket) => void, allowHalfOpen = false): Promise<string> => {
    const server = createServer({ allowHalfOpen }, (socket) => {
      socket.on("error", () => undefined);
      serve(socket);
    });
    servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    return `tcp://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}`;
  };

  for (const kind of KINDS) {
    describe(`over ${kind}`, () => {
      it("says who is there, carries octets both ways, and ends in order", async () => {
        const { near, far } = await streams.pair(kind);
        expect([near.stream.isAccepted, far.stream.isAccepted]).to.deep.equal([false, true]);
        expect([near.stream.isSecure, far.stream.isSecure]).to.deep.equal([kind === "tls", kind === "tls"]);
        const ip = kind === "unix" ? "" : "127.0.0.1";
        expect([near.stream.peer.remoteAddress, far.stream.peer.remoteAddress]).to.deep.equal([ip, ip]);
        near.stream.write(Buffer.from("one, "));
        near.stream.write(Buffer.from("two"));
        far.stream.write(Buffer.from("answer"));
        expect(String(await far.received(8))).to.equal("one, two");
        expect(String(await near.received(6))).to.equal("answer");
        near.stream.write(Buffer.from(", last"));
        near.stream.end();
        near.stream.end(rpcError("OVERLOADED", "too late"));
        const [here, there] = await Promise.all([near.ended, far.ended]);
        expect(String(far.got())).to.equal("one, two, last");
        expect([here.reason.code, there.reason.code]).to.deep.equal(["CLOSED", "UNAVAILABLE"]);
        expect(there.reason.message).to.match(/closed the connection$/);
        for (const { events } of [near, far]) expect(events).to.deep.equal(["opened", "octets", "closed"]);
        expect([near.stream.queuedBytes, far.stream.queuedBytes]).to.deep.equal([0, 0]);
      });

      it("carries 10 MB both ways at once, large pieces and small ones in order", async () => {
        const { near, far } = await streams.pair(kind);
        for (const { stream } of [near, far]) {
          for (let at = 0, size = 1; at < MEGABYTES_10.length; size = (size * 7) % 100_003) {
            stream.write(MEGABYTES_10.subarray(at, at + size));
            at += size;
          }
        }
        expect(near.stream.queuedBytes).to.equal(MEGABYTES_10.length);
        const [there, here] = await Promise.all([
          far.received(MEGABYTES_10.length),
          near.received(MEGABYTES_10.length),
        ]);
        expect(there.equals(MEGABYTES_10) && here.equals(MEGABYTES_10)).to.equal(true);
        await until(() => near.stream.queuedBytes === 0);
      });

      it("sends what was written before it was open", async () => {
        const { listener, next } = await streams.listen(
          kind === "unix" ? `unix://${streams.path()}` : `${kind}://127.0.0.1:0`,
        );
        const near = streams.connect(listener.address, { tls: { verify: false } });
        near.stream.write(Buffer.from("early"));
        expect(near.stream.queuedBytes).to.equal(5);
        expect(String(await (await next()).received(5))).to.equal("early");
        expect(near.events).to.deep.equal(["opened"]);
      });

      it("is destroyed at once, also while it is paused, and drops what is queued", async () => {
        const { near, far } = await streams.pair(kind);
        near.stream.pause();
        near.stream.write(Buffer.from("never"));
        near.stream.destroy(rpcError("OVERLOADED", "enough"));
        expect(near.events).to.deep.equal(["opened", "closed"]);
        near.stream.destroy();
        near.stream.end();
        near.stream.write(Buffer.from("late"));
        near.stream.resume();
        expect((await near.ended).reason.message).to.equal("enough");
        await far.ended;
        expect([near.events, far.events]).to.deep.equal([
          ["opened", "closed"],
          ["opened", "closed"],
        ]);
      });

      it("gives up an other end that never reads", async () => {
        const { near, far } = await streams.pair(kind, { maxQueuedBytes: 1_000_000 });
        far.stream.pause();
        while (near.events.length === 1) {
          near.stream.write(Buffer.alloc(50_000));
          await new Promise(setImmediate);
        }
        const { reason } = await near.ended;
        expect(reason.code).to.equal("OVERLOADED");
        expect(reason.message).to.match(/has not read for long: 1\d{6} bytes wait for it$/);
      });

      it("closes within a moment although the other end does not", async () => {
        const { near, far } = await streams.pair(kind);
        far.stream.pause();
        near.stream.write(MEGABYTES_10);
        near.stream.end();
        const { reason } = await near.ended;
        expect(reason.code).to.equal("CLOSED");
        far.stream.destroy();
      });

      it("writes what is left for an end that has ended, and reads until it does", async () => {
        const { near, far } = await streams.pair(
          kind,
          {},
          {
            far: {
              octets: ({ stream }) => {
                stream.write(MEGABYTES_10);
              },
            },
          },
        );
        near.stream.write(Buffer.from("question"));
        near.stream.end();
        await near.ended;
        expect(near.got().equals(MEGABYTES_10)).to.equal(true);
        expect((await far.ended).reason.message).to.match(/closed the connection$/);
      });

      it("is told apart from others when it is destroyed while it is accepted", async () => {
        const { listener, next } = await streams.listen(
          kind === "unix" ? `unix://${streams.path()}` : `${kind}://127.0.0.1:0`,
        );
        const near = streams.connect(listener.address, { tls: { verify: false } });
        const far = await next();
        far.stream.destroy();
        await Promise.all([near.ended, far.ended]);
        expect(far.events.at(-1)).to.equal("closed");
      });
    });
  }

  it("tells a reset from an end", async () => {
    const address = await strangers((socket) => {
      socket.write("begun");
      socket.once("data", () => socket.resetAndDestroy());
    });
    const near = streams.connect(address);
    await near.received(5);
    near.stream.write(Buffer.from("go on"));
    const { reason } = await near.ended;
    expect([reason.code, reason.message]).to.deep.equal(["UNAVAILABLE", `${address} lost the connection`]);
    expect(reason.service).to.equal(address);
  });

  it("delivers what was read before a reset, when it reads on", async () => {
    let far: Socket | undefined;
    const address = await strangers((socket) => {
      far = socket;
      socket.write("one ");
    });
    const socket = connectSocket({ port: Number(address.split(":")[2]), host: "127.0.0.1", allowHalfOpen: true });
    const { end, handlers } = makeEnd({
      octets: ({ stream }) => {
        stream.pause();
      },
    });
    const stream = new SocketStream(
      socket,
      {
        isAccepted: false,
        isTls: false,
        name: "The other end",
        service: undefined,
        host: undefined,
        tls: {},
        maxQueuedBytes: 1_000,
        handshakeTimeoutMs: 1_000,
      },
      handlers,
    );
    end.stream = stream;
    await once(socket, "connect");
    stream.start();
    await end.received(4);
    far?.write("two");
    await until(() => socket.bytesRead === 7);
    far?.resetAndDestroy();
    expect((await end.gone).message).to.equal("The other end lost the connection");
    expect(socket.closed).to.equal(true);
    expect(end.events).to.deep.equal(["opened", "octets", "gone"]);
    stream.resume();
    await end.received(7);
    expect(end.events).to.deep.equal(["opened", "octets", "gone", "octets"]);
    stream.resume();
    expect((await end.ended).reason.message).to.equal("The other end lost the connection");
    expect(String(end.got())).to.equal("one two");
  });

  it("closes within a moment when it is ended, paused, and reset by the other end", async () => {
    let far: Socket | undefined;
    const address = await strangers((socket) => {
      far = socket;
      socket.write("begun");
    });
    const near = streams.connect(address);
    await near.received(5);
    near.stream.pause();
    near.stream.end();
    far?.resetAndDestroy();
    expect((await near.gone).code).to.equal("CLOSED");
    await near.ended;
    expect(near.events).to.deep.equal(["opened", "octets", "gone", "closed"]);
  });

  it("gets octets cut anywhere", async () => {
    const address = await strangers((socket) => {
      socket.setNoDelay(true);
      const send = (at: number): void => {
        if (at === 10) socket.end();
        else
          socket.write(String(at), () =>
            setImmediate(() => {
              send(at + 1);
            }),
          );
      };
      send(0);
    });
    const near = streams.connect(address);
    expect((await near.ended).reason.message).to.equal(`${address} closed the connection`);
    expect(String(near.got())).to.equal("0123456789");
  });

  it("sends what is written in one turn as one piece", async () => {
    let pieces = 0;
    let whole: Buffer | undefined;
    const far = await streams.listen(
      "127.0.0.1:0",
      {},
      {
        octets: (_end, chunk) => {
          pieces++;
          whole = chunk;
        },
      },
    );
    const writer = streams.connect(far.listener.address);
    await writer.opened;
    for (let box = 0; box < 100; box++) writer.stream.write(Buffer.alloc(60, box));
    await (await far.next()).received(6_000);
    expect([pieces, whole?.length]).to.deep.equal([1, 6_000]);
  });

  it("says why nothing could be connected, by `closed` and not before it is returned", async () => {
    const free = await strangers(() => undefined);
    const server = servers.pop();
    server?.close();
    const rows: [string, RegExp][] = [
      [free, /^Cannot connect to tcp:\/\/127.0.0.1:\d+: refused the connection; nothing listens there$/],
      [`unix://${streams.path()}`, /^Cannot connect to ipc:\/\/\S+: the socket does not exist$/],
      [free.replace("tcp:", "tls:"), /^Cannot connect to tls:\/\/127.0.0.1:\d+: refused the connection/],
      [
        "tcp://no-such-host.invalid:1",
        /^Cannot connect to tcp:\/\/no-such-host.invalid:1: the host name (is not known|cannot)/,
      ],
    ];
    for (const [address, text] of rows) {
      const near = streams.connect(address);
      near.stream.write(Buffer.from("lost"));
      expect(near.events).to.deep.equal([]);
      const { reason } = await near.ended;
      expect([reason.code, reason.outcome]).to.deep.equal(["UNAVAILABLE", "not-sent"]);
      expect(reason.message).to.match(text);
      expect(near.events).to.deep.equal(["closed"]);
    }
  });

  it("ends before it is open, with what was written and without", async () => {
    const { listener, next } = await streams.listen("127.0.0.1:0");
    const silent = streams.connect(listener.address);
    silent.stream.end();
    expect(silent.events).to.deep.equal(["closed"]);
    const talking = streams.connect(listener.address);
    talking.stream.write(Buffer.from("only this"));
    talking.stream.end();
    await talking.ended;
    const ends = [await next()];
    if (ends[0]?.got().length === 0) ends.push(await next());
    expect(ends.map(({ got }) => String(got())).join("")).to.equal("only this");
  });

  it("is destroyed before it is open", async () => {
    const { listener } = await streams.listen("127.0.0.1:0");
    const near = streams.connect(listener.address);
    near.stream.destroy();
    expect((await near.ended).reason.code).to.equal("CLOSED");
    expect(near.events).to.deep.equal(["closed"]);
  });

  it("refuses addresses that are none, and those of others", async () => {
    const rows: [string, RegExp][] = [
      ["tcp://host", /the port is missing/],
      ["http://host:1", /the scheme http:\/\/ is not known/],
      ["inproc://x", /^The transport stream has no inproc:\/\/ addresses/],
      ["memory://x", /^The transport stream has no memory:\/\/ addresses/],
      ["unix://", /there is no path after unix:\/\//],
    ];
    for (const [address, text] of rows) {
      expect(() => streams.connect(address))
        .to.throw(text)
        .with.property("code", "CONFIGURATION");
      const error = await streams.listen(address).catch((reason: unknown) => reason as Error);
      expect(error).to.have.property("message").that.matches(text);
    }
  });

  it("reads from a socket that a foreign program has written to", async () => {
    const { listener, next } = await streams.listen("tcp://[::1]:0").catch(() => streams.listen("tcp://127.0.0.1:0"));
    const { hostname, port } = new URL(listener.address.replace("tcp:", "http:"));
    const socket = connectSocket(Number(port), hostname.replace(/[[\]]/g, ""));
    socket.end("from elsewhere");
    const far = await next();
    expect((await far.ended).reason.message).to.match(/closed the connection$/);
    expect(String(far.got())).to.equal("from elsewhere");
    expect(far.stream.peer.remoteAddress).to.equal(hostname.replace(/[[\]]/g, ""));
    socket.destroy();
  });
});

import { once } from "node:events";
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { expect } from "chai";
import type { StreamTls } from "../../src/transport/stream/index.js";
import { SocketStream } from "../../src/transport/stream/socket-stream.js";
import { certified, makeEnd, pem, type Reaction, useStreams } from "../support/streams.js";
import { until } from "../support/until.js";

const CA: StreamTls = { ca: pem("ca.pem"), serverName: "localhost" };
const NOTHING = Buffer.alloc(0);

describe("TLS that is started on a stream", () => {
  const streams = useStreams();

  for (const kind of ["tcp", "unix"] as const) {
    it(`encrypts both ways on ${kind} when both know where it begins`, async () => {
      const { near, far } = await streams.pair(
        kind,
        {},
        {
          far: {
            octets: ({ stream }, chunk) => {
              if (stream.isSecure) return;
              const end = chunk.indexOf("!") + 1;
              stream.write(Buffer.from("yes!"));
              stream.startTls({ ...certified("server"), ca: pem("ca.pem") }, chunk.subarray(end));
              stream.write(Buffer.from("secret answer"));
            },
          },
          near: {
            octets: ({ stream }, chunk) => {
              if (stream.isSecure) return;
              stream.startTls({ ...certified("client"), ...CA }, chunk.subarray(chunk.indexOf("!") + 1));
              stream.write(Buffer.from("secret"));
            },
          },
        },
      );
      near.stream.write(Buffer.from("please!"));
      await Promise.all([near.secured, far.secured]);
      expect([near.stream.isSecure, far.stream.isSecure]).to.deep.equal([true, true]);
      expect(near.stream.peer.certificate).to.not.equal(undefined);
      expect(far.stream.peer.certificate).to.not.equal(undefined);
      expect(String(await near.received(17))).to.match(/secret answer$/);
      expect(String(await far.received(13))).to.equal("please!secret");
      near.stream.end();
      expect((await far.ended).reason.message).to.match(/closed the connection$/);
      await near.ended;
      expect(near.events).to.deep.equal(["opened", "octets", "secured", "octets", "closed"]);
    });
  }

  it("takes a hello that came in the same read as the last clear octets", async () => {
    let first: Buffer | undefined;
    const reaction: Reaction = {
      octets: ({ stream }, chunk) => {
        if (stream.isSecure) return;
        first = chunk;
        stream.startTls(certified("server"), chunk.subarray(6));
      },
    };
    const server = await streams.listen("tcp://127.0.0.1:0", {}, reaction);
    const socket = connectSocket(Number(server.listener.address.split(":")[2]), "127.0.0.1");
    let clear = "clear!";
    const line = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        socket.write(Buffer.concat([Buffer.from(clear), chunk]), done);
        clear = "";
      },
    });
    socket.on("data", (chunk) => line.push(chunk));
    const client = connectTls({ socket: line, ...CA, servername: "localhost" } as ConnectionOptions);
    await once(client, "secureConnect");
    client.write("secret");
    const far = await server.next();
    await far.secured;
    const size = first?.length ?? 0;
    // A record of a handshake came with the clear octets.
    expect([first?.subarray(0, 6).toString(), first?.[6]]).to.deep.equal(["clear!", 22]);
    expect(String((await far.received(size + 6)).subarray(size))).to.equal("secret");
    far.stream.write(Buffer.from("answer"));
    const [answer] = (await once(client, "data")) as [Buffer];
    expect(String(answer)).to.equal("answer");
    client.destroy();
    socket.destroy();
  });

  it("takes a hello that came while nobody read", async () => {
    const server = createServer({ allowHalfOpen: true });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const near = streams.connect(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [socket] = (await once(server, "connection")) as [Socket];
    server.close();
    const { end, handlers } = makeEnd({
      octets: ({ stream }) => {
        if (!stream.isSecure) stream.pause();
      },
    });
    const stream = new SocketStream(
      socket,
      {
        isAccepted: true,
        isTls: false,
        name: "The other end",
        service: undefined,
        host: undefined,
        tls: {},
        maxQueuedBytes: 1_000,
        handshakeTimeoutMs: 10_000,
      },
      handlers,
    );
    end.stream = stream;
    stream.start();
    await near.opened;
    near.stream.write(Buffer.from("!"));
    await end.received(1);
    near.stream.startTls(CA, NOTHING);
    near.stream.write(Buffer.from("secret"));
    // Longer than the shortest hello: some of it has come, or all.
    await until(() => socket.bytesRead > 100);
    stream.startTls(certified("server"), NOTHING);
    expect(String(await end.received(7))).to.equal("!secret");
    expect(end.events).to.deep.equal(["opened", "octets", "secured", "octets"]);
    stream.destroy();
    await near.ended;
  });

  it("lets 40 MB of clear octets leave first", async () => {
    const size = 40 * 1024 * 1024;
    let clear = 0;
    let secret = "";
    const { near, far } = await streams.pair(
      "tcp",
      {},
      {
        far: {
          octets: ({ stream }, chunk) => {
            if (stream.isSecure) {
              secret += String(chunk);
              if (secret.length === 6) stream.end();
              return;
            }
            const rest = Math.max(0, clear + chunk.length - size);
            clear += chunk.length - rest;
            if (clear === size) stream.startTls(certified("server"), chunk.subarray(chunk.length - rest));
          },
        },
      },
    );
    // The first half is with the system, the second one waits in the socket for its turn.
    near.stream.write(Buffer.alloc(size / 2));
    await new Promise(setImmediate);
    near.stream.write(Buffer.alloc(size / 2));
    near.stream.startTls(CA, NOTHING);
    near.stream.write(Buffer.from("secret"));
    await far.ended;
    expect([clear, secret]).to.deep.equal([size, "secret"]);
  });

  it("is refused by an end that does not believe the other, which says why", async () => {
    for (const [tls, text] of [
      [certified("stranger"), /shows a certificate of an authority that is not trusted here/],
      [{}, /shows a certificate that it has signed itself/],
      [certified("elsewhere"), /not for localhost/],
    ] as const) {
      const { near, far } = await streams.pair("tcp");
      far.stream.startTls(tls, NOTHING);
      near.stream.startTls(CA, NOTHING);
      const { reason } = await near.ended;
      expect(reason.code).to.equal("ACCESS_DENIED");
      expect(reason.message).to.match(text);
      await far.ended;
      expect(near.events).to.deep.equal(["opened", "closed"]);
    }
  });

  it("is refused by an accepting end that wants a certificate", async () => {
    const { near, far } = await streams.pair("tcp");
    far.stream.startTls({ ...certified("server"), ca: pem("ca.pem") }, NOTHING);
    near.stream.startTls({}, NOTHING);
    const { reason } = await far.ended;
    expect(reason.code).to.equal("ACCESS_DENIED");
    expect(reason.message).to.match(/shows no certificate$/);
    await near.ended;
  });

  it("verifies nothing without authorities, and makes a certificate where there is none", async () => {
    const { near, far } = await streams.pair("unix");
    far.stream.startTls({}, NOTHING);
    near.stream.startTls({}, NOTHING);
    await Promise.all([near.secured, far.secured]);
    expect(near.stream.peer.certificate).to.equal(undefined);
  });

  it("fails when the other end goes, says nothing, or speaks something else", async () => {
    const gone = await streams.pair("tcp");
    gone.near.stream.startTls({}, NOTHING);
    gone.far.stream.end();
    expect((await gone.near.ended).reason.message).to.match(/closed the connection during the handshake of TLS$/);
    const silent = await streams.pair("tcp", { handshakeTimeoutMs: 20 });
    silent.near.stream.startTls({}, NOTHING);
    expect((await silent.near.ended).reason.message).to.match(/did not finish the handshake of TLS within 20 ms$/);
    const clear = await streams.pair("tcp");
    clear.far.stream.write(Buffer.from("what? what? what?"));
    clear.near.stream.startTls({}, NOTHING);
    expect((await clear.near.ended).reason.message).to.match(/does not speak TLS$/);
  });

  it("is not started twice, too early, or with what cannot be used", async () => {
    const { near, far, listener } = await streams.pair("tcp");
    const early = streams.connect(listener.address);
    expect(() => {
      early.stream.startTls({}, NOTHING);
    }).to.throw(/on a stream that is open/);
    for (const wrong of [{ cert: "none" }, { verify: 1 }, { serverName: "a\0b" }, { CA: pem("ca.pem") }]) {
      expect(() => {
        near.stream.startTls(wrong as StreamTls, NOTHING);
      })
        .to.throw(/tls\./)
        .with.property("code", "CONFIGURATION");
    }
    // It is as it was.
    near.stream.write(Buffer.from("clear"));
    await far.received(5);
    far.stream.startTls({}, NOTHING);
    near.stream.startTls({}, NOTHING);
    expect(() => {
      near.stream.startTls({}, NOTHING);
    }).to.throw(/encrypted already/);
    await Promise.all([near.secured, far.secured]);
    near.stream.destroy();
    await far.ended;
    expect(() => {
      far.stream.startTls({}, NOTHING);
    }).to.throw(/encrypted already/);
  });

  it("is destroyed and ended in the middle of it", async () => {
    const { near, far } = await streams.pair("tcp");
    near.stream.startTls({}, NOTHING);
    near.stream.destroy();
    expect(near.events).to.deep.equal(["opened", "closed"]);
    await far.ended;
    const second = await streams.pair("tcp");
    second.far.stream.startTls({}, NOTHING);
    second.near.stream.startTls({}, NOTHING);
    second.near.stream.write(Buffer.from("last words"));
    second.near.stream.end();
    await second.far.ended;
    expect(String(second.far.got())).to.equal("last words");
  });
});

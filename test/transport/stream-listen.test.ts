import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { expect } from "chai";
import { ConnectionQuota, findTransport, openSockets } from "../../src/transport/index.js";
import { failureOf } from "../support/mesh.js";
import { KINDS, useStreams } from "../support/streams.js";
import { until } from "../support/until.js";

describe("A listener of streams", () => {
  const streams = useStreams();

  for (const kind of KINDS) {
    it(`on ${kind} frees its address, and leaves its streams alone`, async () => {
      const before = openSockets.size;
      const { near, far, listener } = await streams.pair(kind);
      expect(openSockets.size).to.equal(before + 3);
      await Promise.all([listener.close(), listener.close()]);
      const again = await streams.listen(listener.address);
      expect(again.listener.address).to.equal(listener.address);
      near.stream.write(Buffer.from("still here"));
      expect(String(await far.received(10))).to.equal("still here");
      near.stream.destroy();
      await far.ended;
      await again.listener.close();
      expect(openSockets.size).to.equal(before);
    });

    it(`on ${kind} says that its address is in use`, async () => {
      const { listener } = await streams.listen(kind === "unix" ? `unix://${streams.path()}` : `${kind}://127.0.0.1:0`);
      const error = await failureOf(streams.listen(listener.address));
      expect(error.code).to.equal("CONFIGURATION");
      expect(error.message).to.match(/^Cannot bind \w+:\/\/\S+: the address is in use by another process or host/);
    });
  }

  it("takes over the unix socket of a process that was killed", async () => {
    const path = streams.path();
    const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("bound"))`;
    const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "close");
    expect(existsSync(path)).to.equal(true);
    const { listener, next } = await streams.listen(`ipc://${path}`);
    expect(listener.address).to.equal(`ipc://${path}`);
    const near = streams.connect(`unix://${path}`);
    await next();
    await near.opened;
  });

  it("stands for every IPv4 address with *, and has addresses of IPv6 in brackets", async () => {
    const { listener } = await streams.listen("tls://*:0");
    expect(listener.address).to.match(/^tls:\/\/0\.0\.0\.0:[1-9]\d*$/);
    const near = streams.connect(listener.address.replace("0.0.0.0", "localhost"), { tls: { verify: false } });
    await near.opened;
  });

  it("refuses one connection too many, and takes it when another has gone", async () => {
    const quota = new ConnectionQuota({ connections: 1 });
    const { listener, refused, next } = await streams.listen("127.0.0.1:0", { quota });
    const first = streams.connect(listener.address);
    const accepted = await next();
    const second = streams.connect(listener.address);
    await second.ended;
    expect(refused.map(([origin, { code, message }]) => [origin, code, message])).to.deep.equal([
      ["127.0.0.1", "OVERLOADED", "1 connections are open already (option limits.connections)"],
    ]);
    first.stream.destroy();
    await accepted.ended;
    await until(async () => {
      const third = streams.connect(listener.address);
      return await Promise.race([next().then(() => true), third.ended.then(() => false)]);
    });
  });

  it("counts a stream that was given away until it is closed", async () => {
    const quota = new ConnectionQuota({ connections: 1 });
    const { listener, refused, next } = await streams.listen("127.0.0.1:0", { quota });
    const first = streams.connect(listener.address);
    const taken = (await next()).stream.detach(Buffer.alloc(0));
    await streams.connect(listener.address).ended;
    expect(refused.length).to.equal(1);
    taken.destroy();
    await first.ended;
  });

  it("goes on when a stream is destroyed as it comes", async () => {
    const { listener, next } = await streams.listen(
      "127.0.0.1:0",
      {},
      {
        opened: ({ stream }) => {
          stream.destroy();
        },
      },
    );
    const near = streams.connect(listener.address);
    await near.ended;
    const far = await next();
    await far.ended;
    expect(far.events).to.deep.equal(["opened", "closed"]);
    const socket = connectSocket(Number(listener.address.split(":")[2]), "127.0.0.1");
    await once(socket.resume(), "close");
  });

  it("has addresses that ZeroMQ's transports refuse", async () => {
    for (const name of ["zmtp", "zeromq"] as const) {
      const transport = findTransport(name);
      const text = new RegExp(`^The transport ${name} has no tls:// addresses\\. They are for AMP`);
      const handlers = { opened: () => undefined, message: () => undefined, closed: () => undefined };
      expect(() => transport.connect("tls://127.0.0.1:1", handlers, { maxMessageBytes: 1 })).to.throw(text);
      const listening = transport.listen(
        "tls://127.0.0.1:0",
        { message: () => undefined, gone: () => undefined },
        { maxMessageBytes: 1 },
      );
      expect((await failureOf(listening)).message).to.match(text);
    }
  });
});

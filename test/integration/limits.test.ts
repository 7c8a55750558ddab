import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { defineInterface, Host, type HostLimits, withOptions } from "../../src/index.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { until } from "../support/until.js";

interface Slow {
  wait(value?: unknown): Promise<string>;
  now(value?: unknown): Promise<string>;
}

describe("Limits of a host", () => {
  const mesh = useMesh();
  let release: () => void;
  let running: number;
  let gate: Promise<void>;
  beforeEach(() => {
    running = 0;
    gate = new Promise((resolve) => {
      release = resolve;
    });
  });
  const slow = defineInterface("demo.slow", {
    methods: {
      wait: async (_value?: unknown) => {
        running++;
        await gate;
        return "done";
      },
      now: (_value?: unknown) => "now",
    },
  });

  async function start(limits: HostLimits, options: { maxConcurrent?: number } = {}) {
    const host = await mesh.host([slow], { limits, ...options });
    const remote = (wire: "lamp" | "pycom") =>
      mesh.client({ retry: false }).connect<Slow>(host.address, "demo.slow", { wire });
    return { host, remote };
  }

  for (const wire of ["lamp", "pycom"] as const) {
    it(`refuse a connection one call too many, and no other connection, on the wire ${wire}`, async () => {
      const { remote } = await start({ callsInFlight: 2 });
      const greedy = remote(wire);
      expect(await greedy.now()).to.equal("now");
      const waiting = [greedy.wait(), greedy.wait()];
      await until(() => running === 2);
      const error = await failureOf(greedy.now());
      expect(error).to.include({ code: "OVERLOADED", outcome: "not-executed" });
      expect(error.message).to.match(/2 calls of this connection .*limits\.callsInFlight/);
      expect(await remote(wire).now()).to.equal("now");
      release();
      expect(await Promise.all(waiting)).to.deep.equal(["done", "done"]);
      expect(await greedy.now()).to.equal("now");
    });

    it(`refuse a connection calls of more bytes than it may have under way, on the wire ${wire}`, async () => {
      const { remote } = await start({ bytesInFlight: 100_000 });
      const greedy = remote(wire);
      expect(await greedy.now("x".repeat(200_000))).to.equal("now");
      const waiting = greedy.wait("x".repeat(80_000));
      await until(() => running === 1);
      const error = await failureOf(greedy.now("x".repeat(30_000)));
      expect(error).to.include({ code: "OVERLOADED", outcome: "not-executed" });
      expect(await greedy.now("small")).to.equal("now");
      release();
      await waiting;
      expect(await greedy.now("x".repeat(30_000))).to.equal("now");
    });
  }

  it("count calls that wait for others to end", async () => {
    const { host, remote } = await start({ callsInFlight: 2 }, { maxConcurrent: 1 });
    const greedy = remote("lamp");
    const waiting = [greedy.wait(), greedy.wait()];
    await until(() => host.pending === 2);
    expect(await failureOf(greedy.now())).to.include({ code: "OVERLOADED" });
    release();
    await Promise.all(waiting);
    expect(await greedy.now()).to.equal("now");
  });

  it("count the bytes of calls that have waited as long as they run", async () => {
    const { host, remote } = await start({ bytesInFlight: 100_000 }, { maxConcurrent: 1 });
    const greedy = remote("lamp");
    const first = greedy.wait();
    await until(() => running === 1);
    const large = greedy.wait("x".repeat(80_000));
    await until(() => host.pending === 2);
    const releaseFirst = release;
    gate = new Promise((resolve) => {
      release = resolve;
    });
    releaseFirst();
    await first;
    await until(() => running === 2);
    expect(await failureOf(greedy.now("x".repeat(30_000)))).to.include({ code: "OVERLOADED" });
    release();
    await large;
    expect(await greedy.now("x".repeat(30_000))).to.equal("now");
  });

  it("count calls that nobody waits for, and those that wait for a result of their batch", async () => {
    const { host, remote } = await start({ callsInFlight: 3 });
    const greedy = remote("lamp");
    await greedy.now();
    await withOptions(greedy, { oneWay: true }).wait();
    await until(() => host.pending === 1);
    const results = greedy.wait() as unknown as Record<"length" | "other", PromiseLike<unknown>>;
    const kept = Promise.resolve(results.length);
    const error = await failureOf(results.other);
    expect(error).to.include({ code: "OVERLOADED", outcome: "not-executed" });
    release();
    expect(await kept).to.equal(undefined);
    await until(() => host.pending === 0);
    expect(await greedy.now()).to.equal("now");
  });

  it("are said by names that there are, as numbers", () => {
    const limits = (option: object) => () => new Host({ nameserver: false, limits: option });
    expect(limits({ conections: 5 })).to.throw(/did you mean "connections"/);
    expect(limits({ callsInFlight: 0 })).to.throw(/callsInFlight is a number from 1 on/);
  });

  if (process.env.LAMPLIGHTER_TRANSPORT === "zeromq") {
    it("of connections are refused where nobody sees connections", async () => {
      const host = mesh.own(new Host({ nameserver: false, limits: { connections: 5 } }).provide(slow));
      expect((await failureOf(host.start())).message).to.match(/cannot count connections/);
    });
    return;
  }

  it("of connections are refused by a transport that sees none", async () => {
    const host = mesh.own(
      new Host({ nameserver: false, transport: "zeromq", limits: { handshakes: 5 } }).provide(slow),
    );
    expect((await failureOf(host.start())).message).to.match(/cannot count connections/);
  });

  it("close one connection too many at once, and let in the next when one has gone", async () => {
    const { log, lines } = keepLog();
    const host = await mesh.host([slow], { limits: { connectionsPerAddress: 2 }, log });
    const clients = [mesh.client(), mesh.client()];
    for (const client of clients) await client.connect<Slow>(host.address, "demo.slow").now();
    const third = mesh.client({ retry: false }).connect<Slow>(host.address, "demo.slow");
    expect(await failureOf(third.now())).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
    expect(lines("warn").join()).to.match(
      /127\.0\.0\.1 was not let in: 2 connections of 127\.0\.0\.1 are open already/,
    );
    await clients[0]?.close();
    await until(() => host.peers.length === 1);
    expect(await third.now()).to.equal("now");
  });

  it("count the connections of all addresses of a host together", async () => {
    const host = await mesh.host([slow], {
      address: ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"],
      limits: { connections: 1 },
    });
    const [first = "", second = ""] = host.addresses;
    await mesh.client().connect<Slow>(first, "demo.slow").now();
    const refused = mesh.client({ retry: false }).connect<Slow>(second, "demo.slow");
    expect(await failureOf(refused.now())).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
  });

  it("keep nobody out for those who never finish a handshake", async () => {
    const host = await mesh.host([slow], { limits: { handshakes: 2 } });
    const { port } = new URL(host.address);
    const silent = (): Promise<Socket> =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(port), "127.0.0.1");
        mesh.own({ close: () => socket.destroy() });
        // The first bytes of the greeting show that it was accepted.
        socket.once("data", () => {
          resolve(socket);
        });
        socket.once("error", reject);
      });
    const first = await silent();
    const gone = once(first, "close");
    await silent();
    expect(await mesh.client().connect<Slow>(host.address, "demo.slow").now()).to.equal("now");
    await gone;
  });
});

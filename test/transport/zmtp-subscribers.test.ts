import { expect } from "chai";
import { rpcError } from "../../src/errors.js";
import { findTransport, type ListenerHandlers, type ListenOptions, type Peer } from "../../src/transport/index.js";
import { ZmtpConnection } from "../../src/transport/zmtp/connection.js";
import { admittingMechanism } from "../../src/transport/zmtp/mechanisms.js";
import { useLinks } from "../support/links.js";
import { failureOf } from "../support/mesh.js";
import { cancel, subscribe, TestPublisher } from "../support/publisher.js";
import { command, frame, greeting, ready, useRawZmtp } from "../support/raw-zmtp.js";
import { until } from "../support/until.js";

const MEGABYTE = Buffer.alloc(1 << 20);
const GREETING_BYTES = 64;
const unsent = (reason: Error): never => {
  throw reason;
};

describe("Subscribers, as ZMTP has them", () => {
  const links = useLinks();
  const raw = useRawZmtp();

  async function publish(options: Partial<ListenOptions> = {}) {
    const publisher = new TestPublisher();
    const callers = await links.echo("tcp://127.0.0.1:0", { subscribers: publisher, ...options });
    publisher.listener = callers.listener;
    const only = (): Peer => {
      const [peer] = publisher.peers;
      if (!peer) throw new Error("nobody is there");
      return peer;
    };
    return { publisher, only, ...callers };
  }

  for (const [theirs, ours] of [
    ["SUB", "XPUB"],
    ["XSUB", "XPUB"],
    ["DEALER", "ROUTER"],
    ["REQ", "ROUTER"],
  ]) {
    it(`are told apart by what they say they are: to a ${theirs} the listener is a ${ours}`, async () => {
      const { listener } = await publish();
      const peer = raw.connect(listener.address).write(greeting());
      await peer.hasBytes(GREETING_BYTES);
      // It cannot say what it is before it knows who asks.
      expect(peer.received).to.have.length(GREETING_BYTES);
      peer.write(ready(theirs ?? ""));
      await peer.has(ours ?? "");
      expect(peer.received.toString("latin1")).to.contain("Socket-Type").and.not.contain(theirs);
    });
  }

  it("cost others no time: where there are none, the listener says what it is at once", async () => {
    const { listener } = await publish({ subscribers: undefined });
    await raw.connect(listener.address).write(greeting()).has("ROUTER");
  });

  it("are the only ones beside callers: others are refused", async () => {
    const { publisher, listener, peers, refused } = await publish();
    for (const type of ["PUB", "XPUB", "PULL", "PAIR", "", "sub"]) {
      await raw.connect(listener.address).write(greeting(), ready(type)).closed();
    }
    await until(() => refused.length === 6);
    expect(refused.at(0)?.message).to.equal('A ROUTER socket cannot talk to a "PUB" socket');
    expect([publisher.told, peers.size]).to.deep.equal([[], 0]);
  });

  it("subscribe by messages and by commands, as both versions of ZMTP have it", async () => {
    const { publisher, listener } = await publish();
    raw
      .connect(listener.address)
      .write(greeting(), ready("SUB"))
      .write(frame(0, "\x01one"), command("SUBSCRIBE", "two"), command("SUBSCRIBE"))
      .write(command("CANCEL", "two"), frame(0, "\x00one"));
    await publisher.heard("-one");
    expect(publisher.told).to.deep.equal(["joined", "+one", "+two", "+", "-two", "-one"]);
  });

  it("say nothing by anything else", async () => {
    const { publisher, listener, peers } = await publish();
    const peer = raw.connect(listener.address).write(greeting(), ready("XSUB"));
    peer
      .write(frame(0, ""), frame(0, "\x02two"), frame(1, "\x01in"), frame(0, "two parts"))
      .write(command("JOIN", "group"), command("PING", "\0\0hear me"), command("SUBSCRIBED", "x"))
      .write(frame(0, "\x01last"));
    await publisher.heard("+last");
    expect(publisher.told).to.deep.equal(["joined", "+last"]);
    expect(peers.size).to.equal(0);
    await peer.has("PONGhear me");
  });

  for (const [what, bytes] of [
    ["a prefix of 4,097 octets in a message", frame(0, `\x01${"x".repeat(4_097)}`)],
    ["a prefix of 4,097 octets in a command", command("SUBSCRIBE", "x".repeat(4_097))],
    ["an endless prefix to cancel", command("CANCEL", "x".repeat(100_000))],
    ["a frame that is larger than any message", Buffer.from("0200000000ffffffff", "hex")],
    ["flags that do not exist", Buffer.from("1001ff", "hex")],
    ["a command without a name", frame(4, "")],
  ] as const) {
    it(`lose their connection by ${what}, and what came before counts`, async () => {
      const { publisher, listener } = await publish();
      const peer = raw.connect(listener.address).write(greeting(), ready("SUB"), frame(0, "\x01fine"));
      await publisher.heard("+fine");
      await peer.write(bytes, frame(0, "\x01after")).closed();
      await publisher.heard("gone");
      expect(publisher.told).to.deep.equal(["joined", "+fine", "gone"]);
    });
  }

  it("lose it by a READY that is none", async () => {
    const { publisher, listener, refused } = await publish();
    await raw.connect(listener.address).write(greeting(), frame(4, "\x05READY\x0bSocket")).closed();
    await raw.connect(listener.address).write(greeting(), frame(0, "\x01too early")).closed();
    await until(() => refused.length === 2);
    expect(publisher.told).to.deep.equal([]);
  });

  it("may not read for long: what they want is heard all the same, and what waits for them is told", async () => {
    const { publisher, listener, only } = await publish();
    const peer = raw.connect(listener.address).write(greeting(), ready("SUB"), frame(0, "\x01a"));
    await publisher.heard("+a");
    peer.socket.pause();
    // More than that stops a caller from being read.
    for (let sent = 0; sent < 40; sent++) listener.send(only(), [MEGABYTE]);
    await new Promise(setImmediate);
    expect(listener.queuedBytes(only())).to.be.greaterThan(17 << 20);
    peer.write(frame(0, "\x01b"));
    await publisher.heard("+b");
    expect(publisher.told).to.not.include("drained");
    peer.socket.resume();
    await publisher.heard("drained");
    expect(publisher.queuedAtDrained).to.deep.equal([0]);
    await peer.hasBytes(40 << 20);
  });

  it("are given up when too much waits for them, which is told once", async () => {
    const { publisher, listener, only } = await publish({ maxQueuedBytes: 8 << 20 });
    const peer = raw.connect(listener.address).write(greeting(), ready("SUB"), frame(0, "\x01a"));
    await publisher.heard("+a");
    peer.socket.pause();
    const one = only();
    for (let sent = 0; sent < 40; sent++) listener.send(one, [MEGABYTE]);
    await publisher.heard("gone");
    expect(listener.queuedBytes(one)).to.equal(0);
    peer.socket.resume();
    await peer.closed();
    expect(publisher.told).to.deep.equal(["joined", "+a", "gone"]);
  });

  it("are callers' equals: drained is told of those as well, where somebody wants to know", async () => {
    const told: string[] = [];
    const handlers: ListenerHandlers = {
      message: (peer, frames) => {
        listener.send(peer, frames);
        told.push(`queued ${listener.queuedBytes(peer)}`);
      },
      drained: (peer) => told.push(`drained ${listener.queuedBytes(peer)}`),
      gone: () => told.push("gone"),
    };
    const listener = await findTransport("zmtp").listen("tcp://127.0.0.1:0", handlers, { maxMessageBytes: 1_000 });
    const caller = links.connect(listener.address);
    await caller.opened;
    caller.link.send([Buffer.from("hello")], unsent);
    await caller.next();
    await until(() => told.length === 2);
    await listener.close(0);
    expect(told).to.deep.equal(["queued 7", "drained 0", "gone"]);
  });

  it("are not heard any more once they are disconnected, whatever they had sent by then", async () => {
    const { publisher, listener } = await publish();
    const message = publisher.message.bind(publisher);
    publisher.message = (peer, frames) => {
      message(peer, frames);
      listener.disconnect(peer, rpcError("OVERLOADED", "enough"));
    };
    const all = Array.from({ length: 10 }, (_, index) => frame(0, `\x01${index}`));
    await raw
      .connect(listener.address)
      .write(greeting(), ready("SUB"), ...all)
      .closed();
    expect(publisher.told).to.deep.equal(["joined", "+0", "gone"]);
  });

  it("cannot be had by an end that proves who it is to those who connect", async () => {
    const error = await failureOf(publish({ proof: { mechanism: "null" } }));
    expect(error.code).to.equal("CONFIGURATION");
    expect(error.message).to.contain("takes no subscribers");
  });

  for (const [type, fate] of [
    ["SUB", "stays, for it may be busy"],
    ["DEALER", "is given up"],
  ] as const) {
    it(`may be silent: a ${type} that does not answer ${fate}`, async () => {
      const { address, next } = await raw.listen();
      const peer = raw.connect(address).write(greeting(), ready(type));
      const { socket } = await next;
      const told: string[] = [];
      const own = { socketType: "ROUTER", takesSubscribers: true } as const;
      const connection = new ZmtpConnection(
        socket,
        {
          ...own,
          role: "server",
          maxMessageBytes: 1_000,
          maxQueuedBytes: 1_000,
          mechanism: (wanted) => admittingMechanism(wanted, { null: true }, own, { remoteAddress: "" }),
        },
        { ready: () => told.push("ready"), message: () => undefined, closed: () => told.push("closed") },
      );
      await peer.has("READY");
      for (let looks = 0; looks < 10; looks++) connection.look();
      expect(told).to.deep.equal(type === "SUB" ? ["ready"] : ["ready", "closed"]);
      connection.destroy();
    });
  }

  for (const [minor, wanted, ended] of [
    [1, command("SUBSCRIBE", "news"), command("CANCEL", "news")],
    [0, frame(0, "\x01news"), frame(0, "\x00news")],
  ] as const) {
    it(`are understood by publishers of ZMTP 3.${minor}`, async () => {
      const { address, next } = await raw.listen();
      const subscriber = links.connect(address, { socketType: "SUB" });
      const publisher = await next;
      publisher.write(greeting(minor), ready("PUB"));
      await subscriber.opened;
      for (const frames of [subscribe("news"), cancel("news"), [Buffer.from("upstream")]]) {
        subscriber.link.send(frames, unsent);
      }
      await publisher.has(Buffer.concat([wanted, ended, frame(0, "upstream")]));
      publisher.write(frame(1, "news"), frame(0, "one"));
      expect((await subscriber.next()).map(String)).to.deep.equal(["news", "one"]);
    });
  }

  it("do not talk to anything but publishers", async () => {
    const { address, next } = await raw.listen();
    const { closed } = links.connect(address, { socketType: "SUB" });
    (await next).write(greeting(), ready("ROUTER"));
    expect((await closed).message).to.equal(`${address}: A SUB socket cannot talk to a "ROUTER" socket`);
  });
});

import { expect } from "chai";
import {
  automaticTransport,
  ConnectionQuota,
  findTransport,
  generateKeyPair,
  type LinkSecurity,
  type ListenerSecurity,
  type ListenOptions,
} from "../../src/transport/index.js";
import { type TestLink, useLinks } from "../support/links.js";
import { failureOf } from "../support/mesh.js";
import { cancel, subscribe, TestPublisher } from "../support/publisher.js";
import { until } from "../support/until.js";

const server = generateKeyPair();
const client = generateKeyPair();
const texts = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString());
const unsent = (reason: Error): never => {
  throw reason;
};

describe("Subscribers at a listener", () => {
  const links = useLinks(automaticTransport);
  let nextName = 1;

  for (const [scheme, address] of [
    ["tcp", () => "tcp://127.0.0.1:0"],
    ["ipc", () => `ipc://@lamplighter-test-${process.pid}-${nextName++}`],
    ["memory", () => `memory://subscribers-${nextName++}`],
  ] as const) {
    if (scheme === "ipc" && process.platform !== "linux") continue;
    describe(`over ${scheme}`, () => {
      async function publish(options: Partial<ListenOptions> = {}) {
        const publisher = new TestPublisher();
        const callers = await links.echo(address(), { subscribers: publisher, ...options });
        publisher.listener = callers.listener;
        return { publisher, ...callers };
      }

      async function join(where: string, ...prefixes: string[]): Promise<TestLink> {
        const link = links.connect(where, { socketType: "SUB" });
        await link.opened;
        for (const prefix of prefixes) link.link.send(subscribe(prefix), unsent);
        return link;
      }

      it("are told of apart from callers, who are answered at the same address", async () => {
        const { publisher, listener, peers } = await publish();
        const subscriber = await join(listener.address, "news", "");
        const caller = links.connect(listener.address);
        await caller.opened;
        caller.link.send([Buffer.from("call")], unsent);
        expect(texts(await caller.next())).to.deep.equal(["call"]);
        await publisher.heard("+");
        expect(publisher.told).to.deep.equal(["joined", "+news", "+"]);
        expect([peers.size, publisher.peers.size]).to.deep.equal([1, 1]);
        publisher.publish("news", "one");
        publisher.publish("news", "two");
        expect(texts(await subscriber.next())).to.deep.equal(["news", "one"]);
        expect(texts(await subscriber.next())).to.deep.equal(["news", "two"]);
      });

      it("cancel, go, and come again", async () => {
        const { publisher, listener, peers } = await publish();
        const first = await join(listener.address, "a");
        first.link.send(cancel("a"), unsent);
        first.link.close();
        await publisher.heard("gone");
        expect(publisher.told).to.deep.equal(["joined", "+a", "-a", "gone"]);
        expect([publisher.peers.size, peers.size]).to.deep.equal([0, 0]);
        await join(listener.address, "b");
        await publisher.heard("+b");
        expect(publisher.told.slice(4)).to.deep.equal(["joined", "+b"]);
      });

      it("are disconnected, which is told once, and at once", async () => {
        const { publisher, listener } = await publish();
        const { closed } = await join(listener.address, "a");
        await publisher.heard("+a");
        const [peer] = publisher.peers;
        if (!peer) throw new Error("nobody is there");
        listener.disconnect(peer);
        listener.disconnect(peer);
        expect(publisher.told.slice(2)).to.deep.equal(["gone"]);
        listener.send(peer, [Buffer.from("too late")]);
        expect(listener.queuedBytes(peer)).to.equal(0);
        await closed;
        expect(publisher.told.filter((one) => one === "gone")).to.have.length(1);
      });

      it("are disconnected when a prefix is longer than 4,096 octets, and not before", async () => {
        const { publisher, listener } = await publish();
        const { link, closed } = await join(listener.address, "x".repeat(4_096));
        await publisher.heard("+4096");
        link.send(subscribe("x".repeat(4_097)), unsent);
        link.send(subscribe("after"), () => undefined);
        await closed;
        expect(publisher.told).to.deep.equal(["joined", "+4096", "gone"]);
      });

      it("are heard by nothing but subscriptions", async () => {
        const { publisher, listener, peers } = await publish();
        const { link } = await join(listener.address);
        link.send([Buffer.from("upstream")], unsent);
        link.send([...subscribe("a"), Buffer.from("more")], unsent);
        link.send([Buffer.alloc(0)], unsent);
        link.send([], unsent);
        link.send(subscribe("b"), unsent);
        await publisher.heard("+b");
        expect(publisher.told).to.deep.equal(["joined", "+b"]);
        expect(peers.size).to.equal(0);
      });

      it("have what was sent to them counted until it has left, which is told", async () => {
        const { publisher, listener } = await publish();
        const subscriber = await join(listener.address, "");
        await publisher.heard("+");
        const [peer] = publisher.peers;
        if (!peer) throw new Error("nobody is there");
        for (let round = 1; round <= 3; round++) {
          expect(listener.queuedBytes(peer)).to.equal(0);
          publisher.publish("hello");
          const one = listener.queuedBytes(peer);
          publisher.publish("hello");
          expect(one).to.be.greaterThanOrEqual(5);
          expect(listener.queuedBytes(peer)).to.equal(2 * one);
          await publisher.heard("drained", round);
          await subscriber.next();
          await subscriber.next();
        }
        expect(publisher.told.filter((told) => told === "drained")).to.have.length(3);
        expect(publisher.queuedAtDrained).to.deep.equal([0, 0, 0]);
      });

      it("are sent more from within that", async () => {
        const { publisher, listener } = await publish();
        const subscriber = await join(listener.address, "");
        await publisher.heard("+");
        let left = 3;
        const drained = publisher.drained.bind(publisher);
        publisher.drained = (peer) => {
          drained(peer);
          if (left-- > 0) publisher.publish(`left ${left}`);
        };
        publisher.publish("first");
        for (const text of ["first", "left 2", "left 1", "left 0"]) {
          expect(texts(await subscriber.next())).to.deep.equal([text]);
        }
        await publisher.heard("drained", 4);
      });

      it("are refused where nobody asked for them", async () => {
        const { listener, peers } = await publish({ subscribers: undefined });
        const error = await failureOf(links.connect(listener.address, { socketType: "SUB" }).opened);
        expect(error.code).to.equal("UNAVAILABLE");
        expect(error.message).to.contain('A SUB socket cannot talk to a "ROUTER" socket');
        expect(peers.size).to.equal(0);
      });

      it("may be the only ones that are let in", async () => {
        const publisher = new TestPublisher();
        const listener = await automaticTransport.listen(address(), publisher, {
          maxMessageBytes: 1_000,
          socketType: "XPUB",
        });
        publisher.listener = listener;
        const error = await failureOf(links.connect(listener.address).opened);
        expect([error.code, error.message]).to.deep.equal([
          "UNAVAILABLE",
          `${listener.address}: A DEALER socket cannot talk to a "XPUB" socket`,
        ]);
        const subscriber = await join(listener.address, "a");
        await publisher.heard("+a");
        publisher.publish("a");
        expect(texts(await subscriber.next())).to.deep.equal(["a"]);
        await listener.close(1_000);
        expect(publisher.told.at(-1)).to.equal("gone");
      });

      it("are let go when the listener closes, after what was sent to them", async () => {
        const { publisher, listener } = await publish();
        const subscriber = await join(listener.address, "");
        await publisher.heard("+");
        publisher.publish("last word");
        await listener.close(1_000);
        expect(texts(await subscriber.next())).to.deep.equal(["last word"]);
        expect((await subscriber.closed).code).to.equal("UNAVAILABLE");
        expect(publisher.told.filter((told) => told === "gone")).to.have.length(1);
      });

      if (scheme === "memory") return;

      const secrets: Record<string, [ListenerSecurity, LinkSecurity, string | undefined]> = {
        null: [{ null: true }, { mechanism: "null" }, undefined],
        plain: [
          {
            plain: (user, password) =>
              Buffer.from(password).toString() === "pa55" ? Buffer.from(user).toString() : undefined,
          },
          { mechanism: "plain", user: "ann", password: "pa55" },
          "ann",
        ],
        curve: [
          {
            curve: { keys: server, admit: (key) => (Buffer.compare(key, client.publicKey) === 0 ? "ann" : undefined) },
          },
          { mechanism: "curve", keys: client, serverKey: server.publicKey },
          "ann",
        ],
      };
      for (const [mechanism, [security, proof, user]] of Object.entries(secrets)) {
        it(`prove who they are as callers do (${mechanism})`, async () => {
          const { publisher, listener, peers } = await publish({ security });
          const subscriber = links.connect(listener.address, { security: proof, socketType: "SUB" });
          const caller = links.connect(listener.address, { security: proof });
          await Promise.all([subscriber.opened, caller.opened]);
          subscriber.link.send(subscribe("news"), unsent);
          await publisher.heard("+news");
          await until(() => peers.size === 1);
          publisher.publish("news", "one");
          expect(texts(await subscriber.next())).to.deep.equal(["news", "one"]);
          expect([...publisher.peers, ...peers].map(({ identity }) => identity.user)).to.deep.equal([user, user]);
          subscriber.link.send(cancel("news"), unsent);
          await publisher.heard("-news");
        });
      }

      it("are refused when they cannot prove it, and nobody is told of a subscription", async () => {
        const { publisher, listener, refused } = await publish({ security: { plain: () => undefined } });
        const subscriber = links.connect(listener.address, {
          socketType: "SUB",
          security: { mechanism: "plain", user: "ann", password: "wrong" },
        });
        expect((await subscriber.closed).code).to.equal("ACCESS_DENIED");
        await until(() => refused.length > 0);
        expect(publisher.told).to.deep.equal([]);
      });

      it("count as connections", async () => {
        const { publisher, listener } = await publish({ quota: new ConnectionQuota({ connections: 1 }) });
        const first = await join(listener.address, "a");
        expect((await links.connect(listener.address).closed).code).to.equal("UNAVAILABLE");
        expect((await links.connect(listener.address, { socketType: "SUB" }).closed).code).to.equal("UNAVAILABLE");
        first.link.close();
        await publisher.heard("gone");
        await links.connect(listener.address).opened;
      });
    });
  }

  it("have no routing ids", async () => {
    const publisher = new TestPublisher();
    const { listener } = await links.echo("tcp://127.0.0.1:0", { subscribers: publisher });
    const routingId = Buffer.from("worker");
    const caller = links.connect(listener.address, { routingId });
    await caller.opened;
    const subscriber = links.connect(listener.address, { routingId, socketType: "SUB" });
    await subscriber.opened;
    subscriber.link.send(subscribe(""), unsent);
    await publisher.heard("+");
    caller.link.send([Buffer.from("still here")], unsent);
    expect(texts(await caller.next())).to.deep.equal(["still here"]);
    expect(listener.find(routingId)).to.not.equal([...publisher.peers][0]);
  });

  it("are for transports that can tell them apart", async () => {
    const zeromq = findTransport("zeromq");
    const handlers = { message: () => undefined, gone: () => undefined };
    const error = await failureOf(
      zeromq.listen("tcp://127.0.0.1:0", handlers, { maxMessageBytes: 1, subscribers: handlers }),
    );
    expect([error.code, error.message]).to.deep.equal([
      "CONFIGURATION",
      "The transport zeromq takes no subscribers beside other peers; leave the option transport away, or bind another address for them",
    ]);
    const linkHandlers = { opened: () => undefined, message: () => undefined, closed: () => undefined };
    expect(() => zeromq.connect("tcp://127.0.0.1:1", linkHandlers, { maxMessageBytes: 1, socketType: "SUB" })).to.throw(
      "The transport zeromq makes no SUB sockets",
    );
    expect(
      [automaticTransport, findTransport("zmtp"), zeromq].map(({ abilities }) => abilities.takesSubscribers),
    ).to.deep.equal([true, true, false]);
  });
});

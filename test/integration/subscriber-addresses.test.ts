import { expect } from "chai";
import { defineInterface } from "../../src/index.js";
import { AnswerWindow } from "../../src/peer/answers/answer-window.js";
import { type AddressOption, readAddresses } from "../../src/peer/bound-address.js";
import { Dispatcher } from "../../src/peer/dispatcher.js";
import { buildInterface } from "../../src/peer/exposed/definition.js";
import { readLimits } from "../../src/peer/limits.js";
import { Sessions } from "../../src/peer/sessions.js";
import { Gate, type HostSecurity } from "../../src/security/gate.js";
import { keyText } from "../../src/security/keys.js";
import { HostAddresses, type HostAddressesOptions } from "../../src/service/host-addresses.js";
import type { SubscriberHandlers, SubscriberSocket } from "../../src/service/subscriber-endpoint.js";
import {
  automaticTransport,
  findTransport,
  generateKeyPair,
  isBoundHere,
  type LinkOptions,
  machineId,
} from "../../src/transport/index.js";
import { useLinks } from "../support/links.js";
import { keepLog } from "../support/log.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { cancel, subscribe } from "../support/publisher.js";
import { until } from "../support/until.js";

interface Where {
  where(): string;
}
const where = defineInterface("demo.where", { methods: { where: () => "here" } });
const texts = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString());
const unsent = (reason: Error): never => {
  throw reason;
};

/** Keeps what it is told, in order. */
class Subscriptions implements SubscriberHandlers {
  readonly told: string[] = [];
  readonly sockets = new Set<SubscriberSocket>();

  subscribed(socket: SubscriberSocket, prefix: Uint8Array): void {
    this.sockets.add(socket);
    this.told.push(`+${Buffer.from(prefix).toString()}`);
  }

  unsubscribed(_socket: SubscriberSocket, prefix: Uint8Array): void {
    this.told.push(`-${Buffer.from(prefix).toString()}`);
  }

  gone(socket: SubscriberSocket): void {
    this.told.push(this.sockets.delete(socket) ? "gone" : "a stranger is gone");
  }

  drained(socket: SubscriberSocket): void {
    this.told.push(this.sockets.has(socket) ? `drained ${socket.queuedBytes}` : "a stranger is drained");
  }

  async heard(what: string): Promise<void> {
    await until(() => this.told.includes(what));
  }
}

describe("The addresses of a host, and SUB sockets", () => {
  const links = useLinks(automaticTransport);
  const mesh = useMesh();
  let nextIncarnation = 1;

  async function bind(
    address: AddressOption,
    { security, ...options }: Partial<HostAddressesOptions> & { security?: HostSecurity } = {},
  ) {
    const { log, lines } = keepLog();
    const subscriptions = new Subscriptions();
    const incarnation = `subscribers-${process.pid}-${nextIncarnation++}`;
    const dispatcher = new Dispatcher({ sessions: new Sessions() });
    dispatcher.expose(
      buildInterface(where, {
        errors: undefined,
        contract: () => ({ incarnation, maxMessageBytes: 1_000_000 }),
        journal: () => {
          throw new Error("there is none");
        },
      }),
    );
    const answers = new AnswerWindow(dispatcher);
    const addresses = new HostAddresses({
      wanted: readAddresses(address),
      transport: automaticTransport,
      gate: security && new Gate(security, log),
      dispatcher,
      answers,
      incarnation,
      maxMessageBytes: 1_000_000,
      maxReferences: 10,
      limits: readLimits(),
      routingId: undefined,
      isRegistered: false,
      withinMachine: true,
      subscribers: () => subscriptions,
      log,
      ...options,
    });
    mesh.own({
      close: async () => {
        await addresses.close(1_000);
        answers.close();
      },
    });
    await addresses.bind();
    return { addresses, subscriptions, incarnation, lines };
  }

  async function join(address: string, options: Partial<LinkOptions> = {}) {
    const link = links.connect(address, { socketType: "SUB", ...options });
    await link.opened;
    return {
      ...link,
      send: (frames: Buffer[]) => {
        link.link.send(frames, unsent);
      },
    };
  }

  it("serve calls and subscriptions at once", async () => {
    const { addresses, subscriptions } = await bind("tcp://127.0.0.1:0");
    const [{ address } = { address: "" }] = addresses.bound;
    expect(addresses.subscriberEndpoints).to.deep.equal([{ address, wires: [] }]);
    const first = await join(address);
    first.send(subscribe("news"));
    await subscriptions.heard("+news");
    const remote = mesh.client({ transport: "zmtp" }).connect<Where>(address, "demo.where");
    expect(await remote.where()).to.equal("here");
    expect(addresses.peers()).to.have.length(1);
    const [socket] = subscriptions.sockets;
    expect([socket?.remoteAddress, socket?.identity.mechanism, socket?.queuedBytes]).to.deep.equal([
      "127.0.0.1",
      "null",
      0,
    ]);
    socket?.send([Buffer.from("news"), Buffer.from("one")]);
    expect(socket?.queuedBytes).to.equal(11);
    expect(texts(await first.next())).to.deep.equal(["news", "one"]);
    await subscriptions.heard("drained 0");
    first.link.close();
    await subscriptions.heard("gone");
    expect(await remote.where()).to.equal("here");
    expect(subscriptions.told).to.deep.equal(["+news", "drained 0", "gone"]);
  });

  it("tell of a subscription once, of its end once, and of the end of a socket that had any", async () => {
    const { addresses, subscriptions } = await bind("tcp://127.0.0.1:0");
    const [{ address } = { address: "" }] = addresses.bound;
    const silent = await join(address);
    silent.send(cancel("never had"));
    silent.link.close();
    const one = await join(address);
    for (const frames of [subscribe("a"), subscribe("a"), cancel("b"), cancel("a"), cancel("a"), subscribe("a")]) {
      one.send(frames);
    }
    one.send(subscribe(Buffer.from([0xff, 0xfe])));
    one.send(subscribe(Buffer.from([0xff, 0xfd])));
    one.send(subscribe(""));
    await subscriptions.heard("+");
    for (const socket of subscriptions.sockets) socket.disconnect();
    await one.closed;
    expect(subscriptions.told).to.deep.equal(["+a", "-a", "+a", "+\ufffd\ufffd", "+\ufffd\ufffd", "+", "gone"]);
  });

  it("refuse SUB sockets where nobody wants to know of them", async () => {
    for (const subscribers of [undefined, () => undefined]) {
      const { addresses } = await bind("tcp://127.0.0.1:0", { subscribers });
      expect(addresses.subscriberEndpoints).to.deep.equal([]);
      const [{ address } = { address: "" }] = addresses.bound;
      const { message } = await failureOf(links.connect(address, { socketType: "SUB" }).opened);
      expect(message).to.contain('cannot talk to a "ROUTER" socket');
    }
  });

  it("take 10,000 subscriptions of one socket; one more closes its connection, and the log says so", async () => {
    const { addresses, subscriptions, lines } = await bind("tcp://127.0.0.1:0");
    const [{ address } = { address: "" }] = addresses.bound;
    const greedy = await join(address);
    const modest = await join(address);
    modest.send(subscribe("a"));
    await subscriptions.heard("+a");
    for (let index = 0; index < 10_000; index++) greedy.send(subscribe(String(index)));
    greedy.send(subscribe("0"));
    greedy.send(cancel("1"));
    greedy.send(subscribe("again"));
    await subscriptions.heard("+again");
    expect(lines("warn")).to.deep.equal([]);
    greedy.send(subscribe("one more"));
    greedy.send(subscribe("and another"));
    await greedy.closed;
    await subscriptions.heard("gone");
    expect(subscriptions.told.slice(-2)).to.deep.equal(["+again", "gone"]);
    expect(lines("warn")).to.have.length(1);
    expect(lines("warn")[0]).to.match(
      /^127\.0\.0\.1#\d+ wanted more than 10000 subscriptions, or 1048576 octets of them, on one connection; the connection is closed$/,
    );
    modest.send(subscribe("b"));
    await subscriptions.heard("+b");
  });

  it("take 1 MiB of subscriptions of one socket", async () => {
    const { addresses, subscriptions, lines } = await bind("tcp://127.0.0.1:0");
    const [{ address } = { address: "" }] = addresses.bound;
    const greedy = await join(address);
    const long = (index: number): Buffer[] => subscribe(String(index).padEnd(4_096, "x"));
    for (let index = 0; index < 256; index++) greedy.send(long(index));
    greedy.send(cancel(String(0).padEnd(4_096, "x")));
    greedy.send(long(256));
    greedy.send(subscribe(""));
    await subscriptions.heard("+");
    expect(lines("warn")).to.deep.equal([]);
    greedy.send(subscribe("one more"));
    await greedy.closed;
    await subscriptions.heard("gone");
    expect(lines("warn")).to.have.length(1);
  });

  if (process.platform === "linux") {
    it("are taken by the shorter ways of this process and this machine as well, which come first", async () => {
      const { addresses, subscriptions, incarnation } = await bind(["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"], {
        isRegistered: true,
      });
      const machine = machineId();
      expect(addresses.subscriberEndpoints).to.deep.equal([
        { address: `memory://${incarnation}`, wires: [], machine },
        { address: `ipc://@lamplighter-${incarnation}`, wires: [], machine },
        ...addresses.bound.map(({ address }) => ({ address, wires: [] })),
      ]);
      expect(isBoundHere(`memory://${incarnation}`)).to.equal(true);
      for (const [index, { address }] of addresses.subscriberEndpoints.entries()) {
        const one = await join(address);
        one.send(subscribe(String(index)));
        await subscriptions.heard(`+${index}`);
        [...subscriptions.sockets].at(-1)?.send([Buffer.from("hello")]);
        expect(texts(await one.next())).to.deep.equal(["hello"]);
      }
      expect(subscriptions.sockets.size).to.equal(4);
      await addresses.close(1_000);
      expect(subscriptions.sockets.size).to.equal(0);
      expect(subscriptions.told.filter((told) => told === "gone")).to.have.length(4);
    });
  }

  it("are not those of other protocols", async () => {
    const protocol = {
      name: "other",
      schemes: ["tcp"],
      listen: () => Promise.resolve({ address: "tcp://127.0.0.1:9", close: () => Promise.resolve() }),
    };
    const wanted = [
      { address: "tcp://127.0.0.1:9", wire: protocol } as unknown as HostAddressesOptions["wanted"][number],
      ...readAddresses("tcp://127.0.0.1:0"),
    ];
    const { addresses } = await bind("tcp://127.0.0.1:0", { wanted });
    const [, own] = addresses.bound;
    expect(addresses.subscriberEndpoints).to.deep.equal([{ address: own?.address, wires: [] }]);
  });

  for (const [what, transport, wanted, host] of [
    ["zeromq at tcp", "zeromq", "tcp://127.0.0.1:0", "127.0.0.1"],
    ["zeromq at a name", "zeromq", { address: "tcp://*:0", advertise: "tcp://host.example:0" }, "host.example"],
    ["inproc", "automatic", "inproc://subscribers", "127.0.0.1"],
  ] as const) {
    it(`have one more beside them where they cannot take any (${what})`, async () => {
      const { addresses, subscriptions } = await bind(wanted, {
        transport: transport === "zeromq" ? findTransport(transport) : automaticTransport,
      });
      const [only, ...others] = addresses.subscriberEndpoints;
      expect(others).to.deep.equal([]);
      expect(only?.address).to.match(new RegExp(`^tcp://${host.replaceAll(".", "\\.")}:[1-9]\\d*$`));
      expect(only?.address).to.not.equal(addresses.bound[0]?.address);
      const reachable = only?.address.replace("host.example", "127.0.0.1") ?? "";
      const one = await join(reachable);
      one.send(subscribe("a"));
      await subscriptions.heard("+a");
      for (const socket of subscriptions.sockets) socket.send([Buffer.from("a")]);
      expect(texts(await one.next())).to.deep.equal(["a"]);
      expect((await failureOf(links.connect(reachable).opened)).message).to.contain('cannot talk to a "XPUB" socket');
      await addresses.close(1_000);
      expect(subscriptions.told.at(-1)).to.equal("gone");
      expect((await links.connect(reachable, { socketType: "SUB" }).closed).code).to.equal("UNAVAILABLE");
    });
  }

  it("have none more where one of them takes subscribers", async () => {
    const { addresses } = await bind(["inproc://subscribers", "tcp://127.0.0.1:0"]);
    expect(addresses.subscriberEndpoints.map(({ address }) => address)).to.deep.equal([addresses.bound[1]?.address]);
  });

  it("say how subscribers prove who they are, and let those go that are trusted no more", async () => {
    const [server, ann, bob] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
    const trusted = new Map([
      [keyText(ann.publicKey), "ann"],
      [keyText(bob.publicKey), "bob"],
    ]);
    const { addresses, subscriptions, lines } = await bind("tcp://127.0.0.1:0", {
      security: { keys: server, authenticator: { checkKey: (key) => trusted.get(keyText(key)) } },
    });
    const [{ address } = { address: "" }] = addresses.bound;
    expect(addresses.subscriberEndpoints).to.deep.equal([
      { address, wires: [], mechanisms: ["curve"], key: keyText(server.publicKey) },
    ]);
    expect((await links.connect(address, { socketType: "SUB" }).closed).code).to.equal("ACCESS_DENIED");
    const proof = (keys: typeof ann): Partial<LinkOptions> => ({
      security: { mechanism: "curve", keys, serverKey: server.publicKey },
    });
    const [first, second] = [await join(address, proof(ann)), await join(address, proof(bob))];
    first.send(subscribe("a"));
    second.send(subscribe("b"));
    await Promise.all([subscriptions.heard("+a"), subscriptions.heard("+b")]);
    trusted.delete(keyText(ann.publicKey));
    addresses.recheck();
    await first.closed;
    await subscriptions.heard("gone");
    expect([...subscriptions.sockets].map(({ identity }) => identity.user)).to.deep.equal(["bob"]);
    expect(lines("warn")).to.deep.equal(["ann is trusted no more; the connection is closed"]);
    second.send(subscribe("c"));
    await subscriptions.heard("+c");
  });
});

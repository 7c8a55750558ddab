import { expect } from "chai";
import {
  type Dispatcher,
  type DispatcherEvent,
  Node,
  NodeCollection,
  type NodeStatus,
  ShellNode,
} from "../../src/compat/nodeset/index.js";
import { defineInterface, rpcError } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { lineOf, Numbered, Recorder, useNodes } from "../support/nodes.js";
import { until } from "../support/until.js";

/** What strangers may say to a dispatcher, with whatever they like. */
interface Stranger {
  greet(greeting: unknown): unknown;
  subscribe(entries: unknown): null;
  unsubscribe(uri: string, name: string, member: number): null;
  publish(uri: string, publisher: string, number: number, isForAll: boolean, body: readonly Uint8Array[]): true;
}

describe("Nodes and dispatchers under attack", () => {
  const nodes = useNodes();
  const mesh = useMesh();

  /** Connects as a node does, and is as alive as `heartbeat` says. */
  function stranger(dispatcher: Dispatcher, heartbeat: () => unknown = () => true) {
    const client = mesh.client();
    client.provide(defineInterface("lamplighter.node", { methods: { heartbeat } }));
    return client.connect<Stranger>(dispatcher.address, "lamplighter.dispatcher", { wire: "lamp" });
  }

  it("keep a node whose handler fails as a lost connection does", async () => {
    const dispatcher = await nodes.dispatcher();
    class Failing extends Recorder {
      override catch(): never {
        throw rpcError("UNAVAILABLE", "What the handler has called is gone");
      }
    }
    const failing = await nodes.node("failing", {}, Failing);
    await failing.subscribe("ev");
    for (const n of [1, 2]) {
      await failing.publish("ev", Numbered, { n });
      await failing.came(n);
      await until(() => dispatcher.nodes.every(({ queuedBytes }) => queuedBytes === 0));
    }
    expect(dispatcher.table.map(lineOf)).to.deep.equal(["failing@localhost/ev"]);
  });

  it("keep what is subscribed to anew, or in another spelling, while a connection is made", async () => {
    const done: Promise<void>[] = [];
    // The node has told of all its subscriptions by then, and has no answer yet.
    const onEvent = ({ type }: DispatcherEvent): void => {
      if (type !== "joined") return;
      done.push(shell.unsubscribe("anew"), shell.subscribe("anew"), shell.unsubscribe("localhost/spelt"));
    };
    const first = await nodes.dispatcher();
    const shell = await nodes.node("shell", { dispatcher: first.address }, ShellNode);
    for (const event of ["anew", "spelt", "localhost/spelt"]) await shell.subscribe(event);
    const second = await nodes.dispatcher({ onEvent });
    await shell.switch(second.address);
    await Promise.all(done);
    // What was said meanwhile was said before this.
    await shell.subscribe("last");
    expect(second.table.map(({ event }) => event).sort()).to.deep.equal(["anew", "last", "spelt"]);
  });

  it("connect with more subscriptions than a dispatcher takes, and tell which it has not taken", async () => {
    const dispatcher = await nodes.dispatcher({ maxSubscriptions: 2 });
    const node = nodes.own(new Recorder({ dispatcher: dispatcher.address, name: "greedy" }));
    const taken = ["a", "b"].map((uri) => node.subscribe(uri));
    const refused = failureOf(node.subscribe("c"));
    await node.start();
    await Promise.all(taken);
    expect(await refused).to.include({ code: "OVERLOADED" });
    expect(node.getSubscriptions()).to.deep.equal(["a", "b"]);
    await node.publish("b", Numbered, { n: 1 });
    await node.came(1);
    await node.unsubscribe("a");
    await node.subscribe("c");
    expect(dispatcher.table.map(({ event }) => event)).to.deep.equal(["b", "c"]);
  });

  it("leave a node that lives alone, whoever else says that he has its address", async () => {
    const dispatcher = await nodes.dispatcher();
    const node = await nodes.node("victim");
    await node.subscribe("ev");
    let asked = 0;
    const other = stranger(dispatcher, () => ++asked);
    await other.greet({ name: "other", incarnation: "other", address: node.address });
    await other.subscribe([["ev", "other", 0]]);
    // The node was asked when the other came, and again since.
    await until(() => asked > 2);
    expect(dispatcher.nodes.map(({ name }) => name)).to.deep.equal(["victim", "other"]);
    await node.publish("ev", Numbered, { n: 1 });
    await node.came(1);
  });

  it("tell a node that is taken for another's former run, so that it comes back", async () => {
    const statuses: NodeStatus[] = [];
    const dispatcher = await nodes.dispatcher();
    const node = await nodes.node("victim", { onStatus: (status) => statuses.push(status) });
    await node.subscribe("ev");
    const thief = stranger(dispatcher);
    await thief.greet({ name: "thief", incarnation: node.incarnation });
    await until(() => statuses.filter(({ type }) => type === "connected").length === 2);
    await node.publish("ev", Numbered, { n: 1 });
    await node.came(1);
  });

  it("refuse what is none, and keep nothing that a stranger makes up", async () => {
    const dispatcher = await nodes.dispatcher();
    const remote = stranger(dispatcher);
    const long = "x".repeat(5_000);
    const code = async (call: PromiseLike<unknown>): Promise<unknown> => (await failureOf(call)).code;
    for (const greeting of [null, "x", {}, { name: long, incarnation: "i" }, { name: "n", incarnation: long }]) {
      expect(await code(remote.greet(greeting))).to.equal("BAD_REQUEST");
    }
    expect(await code(remote.subscribe([["ev", "n", 0]]))).to.equal("UNAVAILABLE");
    await remote.greet({ name: "n", incarnation: "i", address: long });
    expect(dispatcher.nodes[0]?.address).to.equal(undefined);
    const entries = [null, "x", ["x"], [[1, 2, 3]], [["h/", "n", 0]], [["e", "n", NaN]], [["e", "n", 0.5]]];
    for (const wrong of [...entries, [[long, "n", 0]], [["e", long, 0]]]) {
      expect(await code(remote.subscribe(wrong))).to.equal("BAD_REQUEST");
    }
    const body = [new Uint8Array([0x80])];
    for (const number of [0, -1, 0.5, NaN, Infinity, 2 ** 53]) {
      expect(await code(remote.publish("ev", "p", number, true, body))).to.equal("BAD_REQUEST");
    }
    expect(await code(remote.publish(long, "p", 1, true, body))).to.equal("BAD_REQUEST");
    expect(await code(remote.publish("ev", long, 1, true, body))).to.equal("BAD_REQUEST");
    expect(await code(remote.publish("ev", "p", 1, true, []))).to.equal("BAD_REQUEST");
    expect(dispatcher.table).to.deep.equal([]);
    // A number without a subscription is nobody's: it may be another's from now on.
    for (const name of ["one", "two"]) {
      await remote.subscribe([["__proto__", name, 7]]);
      expect(dispatcher.table.map(lineOf)).to.deep.equal([`${name}@localhost/__proto__`]);
      await remote.unsubscribe("__proto__", name, 7);
    }
  });

  it("believe no acknowledgement of what is no dispatcher", async () => {
    let greeted = 0;
    const greet = (): object => ({ incarnation: ++greeted });
    const fake = await mesh.host([
      defineInterface("lamplighter.dispatcher", { methods: { greet, subscribe: () => null } }),
    ]);
    const node = nodes.own(new Node({ dispatcher: fake.address, port: false }));
    let isTaken = false;
    const taken = node.subscribe("ev").then(() => (isTaken = true));
    taken.catch(() => undefined);
    node.start().catch(() => undefined);
    await until(() => greeted > 1);
    expect(isTaken).to.equal(false);
  });

  it("keep nothing of members that are closed, and take none into a collection that is", async () => {
    const dispatcher = await nodes.dispatcher();
    const collection = nodes.own(new NodeCollection({ dispatcher: dispatcher.address }));
    const stays = collection.adapt(new Node({ name: "stays" }));
    await collection.start();
    for (let round = 0; round < 20; round++) {
      const goes = collection.adapt(new Node({ name: "goes" }));
      await goes.subscribe("ev");
      await goes.close();
    }
    expect(collection.nodes).to.deep.equal([stays]);
    expect(dispatcher.table).to.deep.equal([]);
    await collection.close();
    const late = new Node();
    expect(() => collection.adapt(late))
      .to.throw()
      .with.property("code", "CLOSED");
    await late.close();
  });
});

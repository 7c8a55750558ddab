import { expect } from "chai";
import { type DispatcherEvent, type NodeStatus, ShellNode } from "../../src/compat/nodeset/index.js";
import { defineInterface } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { lineOf, Numbered, type RemoteDispatcher, useNodes } from "../support/nodes.js";
import { useProcesses } from "../support/processes.js";
import { until } from "../support/until.js";
import { WeakLink } from "../support/weak-link.js";

const NOWHERE = "tcp://127.0.0.1:1";
const QUICK = { heartbeatMs: 50, limitMs: 200 };

describe("Connections of nodes that are lost", () => {
  const nodes = useNodes();
  const mesh = useMesh();
  const start = useProcesses();

  it("are told of holes: what was published meanwhile, once, before the event behind them", async () => {
    const { address } = await nodes.dispatcher();
    const link = nodes.own(await WeakLink.to(address));
    const node = await nodes.node("subscriber", { dispatcher: link.address });
    await node.subscribe("ev");
    const publisher = await nodes.node("publisher");
    for (let n = 1; n <= 3; n++) await publisher.publish("ev", Numbered, { n });
    await node.came(3);
    link.break(NOWHERE);
    await until(() => !node.isConnected);
    for (let n = 4; n <= 6; n++) await publisher.publish("ev", Numbered, { n });
    link.break(address);
    await until(() => node.isConnected);
    for (let n = 7; n <= 8; n++) await publisher.publish("ev", Numbered, { n });
    await node.came(5);
    expect(node.seen()).to.deep.equal([1, 2, 3, 7, 8]);
    expect(node.gaps).to.deep.equal([{ uri: "ev", publisher: publisher.incarnation, missed: 3, isCertain: true }]);
  });

  it("are told of holes after the dispatcher was started anew, of which what failed at the publisher is none", async () => {
    const first = await nodes.dispatcher();
    const { address } = first;
    const link = nodes.own(await WeakLink.to(address));
    const node = await nodes.node("subscriber", { dispatcher: link.address });
    await node.subscribe("ev");
    const publisher = await nodes.node("publisher");
    await publisher.publish("ev", Numbered, { n: 1 });
    await node.came(1);
    link.break(NOWHERE);
    await first.close();
    await until(() => !publisher.isConnected);
    for (let tries = 0; tries < 5; tries++) {
      expect(await failureOf(publisher.publish("ev", Numbered, { n: 2 }))).to.include({ outcome: "not-sent" });
    }
    await nodes.dispatcher({ address });
    await until(() => publisher.isConnected);
    await publisher.publish("ev", Numbered, { n: 2 });
    await publisher.publish("ev", Numbered, { n: 3 });
    link.break(address);
    await until(() => node.isConnected);
    await publisher.publish("ev", Numbered, { n: 4 });
    await node.came(2);
    expect(node.seen()).to.deep.equal([1, 4]);
    expect(node.gaps.map(({ missed, isCertain }) => [missed, isCertain])).to.deep.equal([[2, true]]);
  });

  it("are told that events may have been lost, where nobody knows whom they were for", async () => {
    const dispatcher = await nodes.dispatcher({ heartbeatMs: 100, limitMs: 1_000 });
    const { address } = dispatcher;
    const link = nodes.own(await WeakLink.to(address));
    const node = await nodes.node("subscriber", { dispatcher: link.address });
    await node.subscribe("ev");
    const publisher = await nodes.node("publisher");
    const inTurn = (n: number) => publisher.publish("ev", Numbered, { n, _delivery_mode: "direct" });
    const other = await nodes.node("other");
    await other.subscribe("ev");
    for (let n = 1; n <= 4; n++) await inTurn(n);
    await node.came(2);
    await other.came(2);
    expect([...node.gaps, ...other.gaps]).to.deep.equal([]);
    link.break(NOWHERE);
    await until(() => !node.isConnected && dispatcher.table.length === 1);
    for (let n = 5; n <= 6; n++) await inTurn(n);
    const newcomer = await nodes.node("newcomer");
    for (let n = 1; n <= 2; n++) await newcomer.publish("ev", Numbered, { n: 10 * n });
    link.break(address);
    await until(() => node.isConnected);
    for (let n = 7; n <= 8; n++) await inTurn(n);
    await newcomer.publish("ev", Numbered, { n: 30 });
    await until(() => node.events.length >= 4 && other.events.length >= 8);
    expect(other.gaps).to.deep.equal([]);
    expect(node.gaps.map(({ isCertain }) => isCertain)).to.deep.equal([false, false]);
    expect(node.gaps[1]).to.deep.include({ publisher: newcomer.incarnation, missed: 2 });
  });

  it("are no hole where the node did not want the events", async () => {
    await nodes.dispatcher();
    const node = await nodes.node("subscriber");
    const publisher = await nodes.node("publisher");
    await publisher.publish("ev", Numbered, { n: 1 });
    await node.subscribe("ev");
    await publisher.publish("ev", Numbered, { n: 2 });
    await node.unsubscribe("ev");
    await publisher.publish("ev", Numbered, { n: 3 });
    await node.subscribe("ev");
    await publisher.publish("subscriber@localhost/ev", Numbered, { n: 4 });
    await publisher.publish("other@localhost/ev", Numbered, { n: 5 });
    await publisher.publish("/ev", Numbered, { n: 6 });
    await node.came(3);
    expect(node.seen()).to.deep.equal([2, 4, 6]);
    expect(node.gaps).to.deep.equal([]);
  });

  it("are given up when nothing comes over them, by both ends", async () => {
    const gone: DispatcherEvent[] = [];
    const dispatcher = await nodes.dispatcher({
      ...QUICK,
      onEvent: (event) => {
        if (event.type === "gone") gone.push(event);
      },
    });
    const link = nodes.own(await WeakLink.to(dispatcher.address));
    const statuses: NodeStatus[] = [];
    const node = await nodes.node("subscriber", {
      dispatcher: link.address,
      connectTimeoutMs: 200,
      onStatus: (status) => statuses.push(status),
    });
    await node.subscribe("ev");
    await node.subscribe("x@other/ev");
    link.block("requests");
    link.block("answers");
    await until(() => gone.length > 0 && !node.isConnected);
    expect(dispatcher.table).to.deep.equal([]);
    expect(gone[0]).to.deep.include({ reason: "it has given no sign of life for 200 ms" });
    expect(statuses[1]).to.include({ type: "disconnected" });
    expect((statuses[1] as { reason: string }).reason).to.match(/no sign of life for 200 ms/);
    link.break();
    await until(() => dispatcher.table.length === 2);
    await until(() => node.isConnected);
  });

  it("are kept as long as there are signs of life", async () => {
    const gone: DispatcherEvent[] = [];
    const dispatcher = await nodes.dispatcher({
      ...QUICK,
      onEvent: (event) => {
        if (event.type === "gone") gone.push(event);
      },
    });
    const statuses: NodeStatus[] = [];
    const node = await nodes.node("node", { onStatus: (status) => statuses.push(status) });
    await node.subscribe("ev");
    // Another one counts the heartbeats: far more than fit into the time that is too long without any.
    let asked = 0;
    const client = mesh.client();
    client.provide(defineInterface("lamplighter.node", { methods: { heartbeat: () => ++asked } }));
    const remote = client.connect<{ greet(greeting: object): object }>(dispatcher.address, "lamplighter.dispatcher", {
      wire: "lamp",
    });
    await remote.greet({ name: "counting", incarnation: "counting" });
    await until(() => asked >= 12);
    expect(gone).to.deep.equal([]);
    expect(statuses.map(({ type }) => type)).to.deep.equal(["connected"]);
    expect(dispatcher.table).to.have.length(1);
  });

  it("know what was subscribed to while they were being made, and forget what was ended then", async () => {
    const done: Promise<void>[] = [];
    // The node has told of all its subscriptions by then, and has no answer yet.
    const onEvent = ({ type }: DispatcherEvent): void => {
      if (type === "joined") done.push(shell.subscribe("late"), shell.unsubscribe("ended"));
    };
    const first = await nodes.dispatcher();
    const shell = await nodes.node("shell", { dispatcher: first.address }, ShellNode);
    for (const event of ["ended", "kept"]) await shell.subscribe(event);
    const second = await nodes.dispatcher({ onEvent });
    await shell.switch(second.address);
    await Promise.all(done);
    await until(() => second.table.length === 2);
    expect(second.table.map(({ event }) => event).sort()).to.deep.equal(["kept", "late"]);
    expect(shell.getSubscriptions()).to.deep.equal(["kept", "late"]);
  });

  it("belong to a process that hangs, which comes again when it goes on", async () => {
    const dispatcher = await nodes.dispatcher(QUICK);
    const child = start(process.execPath, [
      "--import",
      "tsx",
      "test/fixtures/nodeset.ts",
      "subscriber",
      dispatcher.address,
      "ev",
      "more",
    ]);
    await child.waitFor(/^ready$/m);
    const [{ incarnation } = { incarnation: "" }] = dispatcher.nodes;
    expect(dispatcher.table).to.have.length(2);
    child.process.kill("SIGSTOP");
    await until(() => dispatcher.nodes.length === 0);
    expect(dispatcher.table).to.deep.equal([]);
    child.process.kill("SIGCONT");
    await until(() => dispatcher.table.length === 2);
    expect(dispatcher.nodes.map((node) => node.incarnation)).to.deep.equal([incarnation]);
  });

  it("belong to a dispatcher that hangs, and are made again", async () => {
    const child = start(
      process.execPath,
      ["--import", "tsx", "test/fixtures/nodeset.ts", "dispatcher", "tcp://127.0.0.1:0"],
      {
        env: { HEARTBEAT_MS: "50", LIMIT_MS: "200" },
      },
    );
    const [, address = ""] = await child.waitFor(/^ready (\S+)$/m);
    const node = await nodes.node("a", { dispatcher: address, connectTimeoutMs: 200 });
    await node.subscribe("ev");
    child.process.kill("SIGSTOP");
    const lost = node.publish("ev");
    expect(await failureOf(lost)).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(await failureOf(node.publish("ev"))).to.include({ outcome: "not-sent" });
    child.process.kill("SIGCONT");
    await until(() => node.isConnected);
    await node.publish("ev", Numbered, { n: 2 });
    await until(() => node.seen().includes(2));
  });

  it("of a node that comes again take the place of those that it had", async () => {
    // It need not wait until the limit is over.
    const dispatcher = await nodes.dispatcher({ heartbeatMs: 50, limitMs: 1_000_000 });
    const greet = async (
      greeting: object,
      heartbeat: () => unknown = () => true,
    ): Promise<RemoteDispatcher & object> => {
      const client = mesh.client();
      client.provide(defineInterface("lamplighter.node", { methods: { heartbeat } }));
      const remote = client.connect<{
        greet(greeting: object): object;
        subscribe(entries: unknown[]): null;
      }>(dispatcher.address, "lamplighter.dispatcher", { wire: "lamp" });
      await remote.greet(greeting);
      await remote.subscribe([["ev", "again", 0]]);
      return remote as never;
    };
    await greet({ name: "again", incarnation: "one" });
    await greet({ name: "again", incarnation: "one" });
    expect(dispatcher.table).to.have.length(1);
    // One that hangs, though its connection stays.
    await greet(
      { name: "again", incarnation: "two", address: "tcp://127.0.0.1:7" },
      () => new Promise(() => undefined),
    );
    expect(dispatcher.table).to.have.length(2);
    // One address has one owner that lives: this is the same node, started anew.
    await greet({ name: "again", incarnation: "three", address: "tcp://127.0.0.1:7" });
    await until(() => dispatcher.table.length === 2);
    expect(dispatcher.table.map(({ incarnation }) => incarnation)).to.deep.equal(["one", "three"]);
  });

  it("are renewed with ten thousand subscriptions at once", async () => {
    const first = await nodes.dispatcher();
    const { address } = first;
    const node = await nodes.node("many");
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => node.subscribe(`ev${index}`)));
    expect(first.table).to.have.length(10_000);
    await first.close();
    await until(() => !node.isConnected);
    const again = await nodes.dispatcher({ address });
    await until(() => node.isConnected);
    expect(again.table.map(({ event }) => event)).to.deep.equal(node.getSubscriptions());
    await node.publish("ev9999", Numbered, { n: 1 });
    await node.came(1);
    await node.close();
    await until(() => again.table.length === 0);
  });

  it("keep what waits for them no longer than the node", async () => {
    const node = nodes.own(new ShellNode({ dispatcher: NOWHERE }));
    const waiting = [node.start(), node.subscribe("ev"), node.switch("tcp://127.0.0.1:2")];
    const failures = waiting.map(failureOf);
    await node.close();
    for (const failure of failures) expect(await failure).to.include({ code: "CLOSED" });
    for (const failing of [node.start(), node.subscribe("ev"), node.publish("ev")]) {
      expect(await failureOf(failing)).to.include({ code: "CLOSED", outcome: "not-sent" });
    }
  });

  it("lead to another dispatcher when a shell switches", async () => {
    const first = await nodes.dispatcher();
    const node = await nodes.node("shell", { dispatcher: first.address }, ShellNode);
    await node.subscribe("ev");
    const second = await nodes.dispatcher();
    await node.switch(second.address);
    expect(second.table.map(lineOf)).to.deep.equal(["shell@localhost/ev"]);
    await until(() => first.table.length === 0);
    node.register("answer", 42);
    expect([...node.names]).to.deep.equal([
      ["node", node],
      ["answer", 42],
    ]);
    expect([node.unregister("answer"), node.unregister("answer")]).to.deep.equal([true, false]);
  });

  it("lead to a dispatcher that a nameserver knows", async () => {
    const { address: nameserver } = await mesh.nameserver();
    const first = await nodes.dispatcher({ nameserver, service: "/org/example/dispatcher" });
    const node = await nodes.node("a", { dispatcher: { nameserver } });
    await node.subscribe("ev");
    expect(first.table).to.have.length(1);
    await first.close();
    const second = await nodes.dispatcher({ nameserver, service: "/org/example/dispatcher" });
    await until(() => second.table.length === 1);
    expect(second.address).to.not.equal(first.address);
  });
});

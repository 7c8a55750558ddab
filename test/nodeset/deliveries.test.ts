import { expect } from "chai";
import { Node, NodeCollection, NodeMessage, type RouteEntry, StreamNode } from "../../src/compat/nodeset/index.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { lineOf, Numbered, Recorder, useNodes } from "../support/nodes.js";
import { until } from "../support/until.js";

/** A node whose handlers end when the test says so. */
class Slow extends Recorder {
  readonly #held: (() => void)[] = [];
  #isFree = false;

  override onEvent(uri: string, message: NodeMessage): unknown {
    super.onEvent(uri, message);
    return this.#isFree ? undefined : new Promise<void>((resolve) => this.#held.push(resolve));
  }

  go(): void {
    this.#isFree = true;
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

describe("Deliveries between nodes", () => {
  const nodes = useNodes();

  it("keep the order of each publisher, and carry values of all kinds", async () => {
    await nodes.dispatcher();
    const [publisher, node] = [await nodes.node("publisher"), await nodes.node("node")];
    await node.subscribe("ev");
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => publisher.publish("ev", Numbered, { n })));
    await node.came(2_000);
    expect(node.seen()).to.deep.equal(Array.from({ length: 2_000 }, (_, n) => n));
    const values = {
      bytes: new Uint8Array([1, 2, 3]),
      large: new Uint8Array(100_000).fill(7),
      date: new Date(0),
      big: 2n ** 70n,
      map: new Map([[1, new Set(["a"])]]),
      nothing: undefined,
      nested: { list: [null, [NaN]] },
      ["__proto__"]: "own",
      toJson: "covered",
      _hidden: 1,
    };
    await publisher.publish("ev", {});
    const message = new NodeMessage();
    for (const [name, value] of Object.entries(values)) message.setAttribute(name, value);
    message.setAttribute("__proto__", "own");
    await publisher.publishMessage("ev", message);
    await node.came(2_002);
    const came = node.events.at(-1)?.message;
    for (const [name, value] of Object.entries(values)) expect(came?.get(name), name).to.deep.equal(value);
    expect(came?.get("__proto__")).to.equal("own");
    expect(Object.getPrototypeOf(came) === NodeMessage.prototype).to.equal(true);
    expect(came).to.include({ _hidden: 1 });
  });

  it("refuse what cannot travel, which is no hole", async () => {
    await nodes.dispatcher();
    const [publisher, node] = [await nodes.node("publisher"), await nodes.node("node")];
    await node.subscribe("ev");
    await publisher.publish("ev", Numbered, { n: 1 });
    const failure = await failureOf(publisher.publish("ev", Numbered, { n: (() => 1) as never }));
    expect(failure).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    expect(failure.message).to.match(/message\.get\("n"\) is a function/);
    const undeclared = await failureOf(publisher.publish("ev", Numbered, { nope: 1 } as never));
    expect(undeclared).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    expect(undeclared.message).to.match(/no attribute "nope"; there are n/);
    await publisher.publish("ev", Numbered, { n: 2 });
    await node.came(2);
    expect(node.gaps).to.deep.equal([]);
  });

  it("are left out for a node that is too slow, which hears of it, and no other node is slower for that", async () => {
    const logged = keepLog();
    const dispatcher = await nodes.dispatcher({ maxQueuedBytes: 2_000, heartbeatMs: 50, log: logged.log });
    const slow = await nodes.node("slow", {}, Slow);
    const quick = await nodes.node("quick");
    for (const node of [slow, quick]) await node.subscribe("ev");
    for (let n = 1; n <= 50; n++) await quick.publish("ev", Numbered, { n });
    await quick.came(50);
    expect(slow.events.length).to.be.within(2, 10);
    for (const { queuedBytes } of dispatcher.nodes) expect(queuedBytes).to.be.at.most(2_000);
    const missed = () => slow.gaps.reduce((sum, gap) => sum + gap.missed, 0);
    await until(() => missed() + slow.events.length === 50);
    slow.go();
    await until(() => dispatcher.nodes.every(({ queuedBytes }) => queuedBytes === 0));
    await quick.publish("ev", Numbered, { n: 51 });
    await until(() => slow.seen().includes(51));
    expect(missed() + slow.events.length).to.equal(51);
    expect(slow.gaps.every(({ isCertain }) => isCertain)).to.equal(true);
    expect(quick.gaps).to.deep.equal([]);
    expect([...new Set(logged.lines("warn"))]).to.deep.equal(["slow is too slow: events ev are left out"]);
  });

  it("in turn go to a node that has room, and are told of when none has", async () => {
    await nodes.dispatcher({ maxQueuedBytes: 600, heartbeatMs: 50 });
    const [first, second] = [await nodes.node("first", {}, Slow), await nodes.node("second", {}, Slow)];
    for (const node of [first, second]) await node.subscribe("ev");
    const publisher = await nodes.node("publisher");
    const inTurn = (n: number) => publisher.publish("ev", Numbered, { n, _delivery_mode: "direct" });
    await inTurn(1);
    await until(() => second.events.length === 1);
    // Both have one, and room for one more.
    for (let n = 2; n <= 10; n++) await inTurn(n);
    const all = () => [...first.gaps, ...second.gaps].reduce((sum, gap) => sum + gap.missed, 0);
    await until(() => all() + first.events.length + second.events.length === 10);
    expect([first.events.length, second.events.length]).to.deep.equal([2, 2]);
  });

  it("cost no more for subscriptions to other events", async () => {
    const dispatcher = await nodes.dispatcher();
    const node = await nodes.node("node");
    for (let index = 0; index < 5_000; index++) void node.subscribe(`other${index}`);
    await node.subscribe("ev");
    expect(dispatcher.table).to.have.length(5_001);
    expect(dispatcher.lookup("ev").map(lineOf)).to.deep.equal(["node@localhost/ev"]);
    const added: string[] = [];
    dispatcher.addObserver("remove", ({ uri }) => added.push(uri));
    await node.unsubscribe("other7");
    expect(added).to.deep.equal(["other7"]);
    await node.close();
    await until(() => dispatcher.table.length === 0);
    expect(added).to.have.length(5_001);
  });

  it("go where observers say as well, in order, however late they answer; and those that fail stop nobody", async () => {
    const logged = keepLog();
    const dispatcher = await nodes.dispatcher({ log: logged.log });
    const [node, spare] = [await nodes.node("node"), await nodes.node("spare")];
    await node.subscribe("ev");
    await spare.subscribe("spare");
    const [entry] = dispatcher.lookup("spare");
    const failing = dispatcher.addObserver("get", () => {
      throw new Error("an observer failed");
    });
    let answer: (entries: RouteEntry[]) => void = () => undefined;
    const late = dispatcher.addObserver("get", () => new Promise((resolve) => (answer = resolve)));
    const publisher = await nodes.node("publisher");
    await publisher.publish("ev", Numbered, { n: 1 });
    await publisher.publish("ev", Numbered, { n: 2 });
    await node.came(1);
    dispatcher.removeObserver(late);
    dispatcher.removeObserver(failing);
    expect([node.seen(), spare.seen()]).to.deep.equal([[1], []]);
    answer(entry ? [entry] : []);
    await publisher.publish("ev", Numbered, { n: 3 });
    await node.came(3);
    expect([node.seen(), spare.seen()]).to.deep.equal([[1, 2, 3], [1]]);
    expect(logged.lines("error")).to.have.length(1);
  });

  it("come to each node of a collection as if it stood alone, over one connection", async () => {
    const first = await nodes.dispatcher();
    const { address } = first;
    const collection = nodes.own(new NodeCollection({ dispatcher: address, name: "collection" }));
    const [a, b] = [collection.adapt(new Recorder({ name: "a" })), collection.adapt(new Recorder({ name: "b" }))];
    const early = a.subscribe("ev");
    await collection.start();
    await early;
    await b.subscribe("ev");
    expect(first.nodes.map(({ name }) => name)).to.deep.equal(["collection"]);
    const outside = await nodes.node("outside");
    await outside.subscribe("ev");
    const lines = ["a@localhost/ev", "b@localhost/ev", "outside@localhost/ev"];
    expect(first.table.map(lineOf)).to.have.members(lines);
    // What a member publishes comes to the others too, wherever they are.
    await a.publish("ev", Numbered, { n: 1 });
    for (const node of [a, b, outside]) await node.came(1);
    await outside.publish("b@localhost/ev", Numbered, { n: 2 });
    for (let n = 3; n <= 5; n++) await outside.publish("ev", Numbered, { n, _delivery_mode: "direct" });
    await until(() => a.events.length + b.events.length + outside.events.length === 7);
    expect([a.seen().length, b.seen().length, outside.seen().length]).to.deep.equal([2, 3, 2]);
    await first.close();
    await until(() => !collection.isConnected);
    const again = await nodes.dispatcher({ address });
    await until(() => again.table.length === 3);
    await until(() => a.isConnected && outside.isConnected);
    await b.unsubscribe("ev");
    expect(again.table.map(lineOf).sort()).to.deep.equal(["a@localhost/ev", "outside@localhost/ev"]);
    await b.subscribe("ev");
    await b.close();
    await until(() => again.table.length === 2);
    const late = collection.adapt(new Recorder({ name: "late" }));
    await late.subscribe("ev");
    expect(again.table.map(lineOf)).to.include("late@localhost/ev");
    expect(await failureOf(b.unsubscribe("never"))).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    expect(() => collection.adapt(late)).to.throw(/has a connection/);
  });

  it("are seen by onEvent first, whose errors only the log hears, and by whoever calls with bubble", async () => {
    const logged = keepLog();
    class Noisy extends Node {
      override onEvent(uri: string): unknown {
        if (uri === "later") return Promise.reject(new Error("it failed later"));
        throw new Error("it failed");
      }

      protected override catch(): unknown {
        return "caught";
      }
    }
    const node = nodes.own(new Noisy({ name: "noisy", log: logged.log }));
    const message = new Numbered();
    expect(node.event("ev", message)).to.equal("caught");
    expect(await node.event("later", message)).to.equal("caught");
    expect(() => node.event("ev", message, true)).to.throw("it failed");
    expect(String(await failureOf(Promise.resolve(node.event("later", message, true))))).to.match(/it failed later/);
    expect(logged.lines("error")).to.have.length(2);
    class Silent extends StreamNode {
      override onEvent(): unknown {
        return "seen";
      }
    }
    expect(nodes.own(new Silent()).event("ev", message)).to.equal("seen");
  });
});

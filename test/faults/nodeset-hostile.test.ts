import { expect } from "chai";
import { defineInterface, type RpcError } from "../../src/index.js";
import { failureOf, useMesh } from "../support/mesh.js";
import { Numbered, useNodes } from "../support/nodes.js";
import { until } from "../support/until.js";

/** What a dispatcher can be told by whoever connects to it. */
interface Open {
  greet(greeting: unknown): object;
  subscribe(entries: unknown): null;
  unsubscribe(uri: string, name: string, member: number): null;
  leave(member: number): null;
  publish(...event: unknown[]): true;
  relay(...event: unknown[]): true;
}

describe("A dispatcher of nodes and what it may be told", () => {
  const nodes = useNodes();
  const mesh = useMesh();

  function connect(address: string, heartbeat: () => unknown) {
    const client = mesh.client({ retry: false });
    client.provide(defineInterface("lamplighter.node", { methods: { heartbeat, event: () => null } }));
    return client.connect<Open>(address, "lamplighter.dispatcher", { wire: "lamp" });
  }

  it("refuses what makes no sense, and goes on", async () => {
    const dispatcher = await nodes.dispatcher({ maxSubscriptions: 3 });
    const remote = connect(dispatcher.address, () => new Promise(() => undefined));
    const body = [new Uint8Array([0x80])];
    const refused: Record<string, () => Promise<unknown>> = {
      "a subscription without a greeting": () => remote.subscribe([["ev", "x", 0]]),
      "a greeting of nobody": () => remote.greet({ name: 1 }),
      "a greeting of nothing": () => remote.greet(null),
      "an event without an address": () => remote.publish(1, "p", 1, true, body),
      "an event without a body": () => remote.publish("ev", "p", 1, true, []),
      "a body of text": () => remote.publish("ev", "p", 1, true, ["text"]),
      "an address without an event": () => remote.publish("h/", "p", 1, true, body),
      "an event of another dispatcher without a name": () => remote.relay("label", 1, 2),
    };
    for (const [what, refusing] of Object.entries(refused)) {
      expect((await failureOf(refusing())).code, what).to.be.oneOf(["BAD_REQUEST", "UNAVAILABLE"]);
    }
    await remote.greet({ name: "x", incarnation: "x" });
    const more: Record<string, () => Promise<unknown>> = {
      "no list": () => remote.subscribe("ev"),
      "no entries": () => remote.subscribe([1]),
      "a wrong address": () => remote.subscribe([["h/", "x", 0]]),
    };
    for (const [what, refusing] of Object.entries(more)) {
      expect((await failureOf(refusing())).code, what).to.equal("BAD_REQUEST");
    }
    await remote.subscribe([
      ["ev", "x", 0],
      ["ev", "y", 1],
      ["", "x", 0],
    ]);
    expect((await failureOf(remote.subscribe([["ev", "another", 0]]))).message).to.match(
      /called x, and keeps its name/,
    );
    await remote.unsubscribe("never", "x", 0);
    await remote.unsubscribe("ev", "x", 7);
    await remote.leave(7);
    const tooMany: RpcError = await failureOf(
      remote.subscribe([
        ["1", "x", 0],
        ["2", "x", 0],
      ]),
    );
    expect(tooMany).to.include({ code: "OVERLOADED" });
    expect(dispatcher.table).to.have.length(3);
    await remote.leave(0);
    expect(dispatcher.table.map(({ node }) => node)).to.deep.equal(["y"]);
    // What is no message disturbs only who gets it.
    const node = await nodes.node("node");
    await node.subscribe("ev");
    await remote.publish("ev", "p", 1, true, body);
    await remote.publish("ev", "p", 2, true, [new Uint8Array([0xc1])]);
    await node.publish("ev", Numbered, { n: 1 });
    await node.came(1);
    expect(node.seen()).to.deep.equal([1]);
  });

  it("does not ask faster than it wants to, however soon it is answered", async () => {
    const dispatcher = await nodes.dispatcher({ heartbeatMs: 200, limitMs: 2_000 });
    let asked = 0;
    const remote = connect(dispatcher.address, () => ++asked);
    await remote.greet({ name: "x", incarnation: "x" });
    await until(() => asked >= 2);
    const before = asked;
    const node = await nodes.node("node");
    for (let n = 0; n < 100; n++) await node.publish("ev");
    expect(asked - before).to.be.at.most(20);
  });

  it("forgets who answers a heartbeat with an error", async () => {
    const dispatcher = await nodes.dispatcher();
    const remote = connect(dispatcher.address, () => {
      throw new Error("it has no heart");
    });
    await remote.greet({ name: "x", incarnation: "x" });
    await until(() => dispatcher.nodes.length === 0);
    expect(await failureOf(remote.subscribe([["ev", "x", 0]]))).to.include({ code: "UNAVAILABLE" });
  });
});

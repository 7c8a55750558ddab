import { expect } from "chai";
import { NodeMessage, type RouteRecord } from "../../src/compat/nodeset/index.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { lineOf, Numbered, Recorder, useNodes } from "../support/nodes.js";
import { until } from "../support/until.js";

/** The list of checks for ports of nodeset, line by line. */
describe("Nodes and their dispatcher", () => {
  const nodes = useNodes();

  async function three() {
    const dispatcher = await nodes.dispatcher();
    const [a, b, c] = [await nodes.node("a"), await nodes.node("b"), await nodes.node("c")];
    for (const node of [a, b, c]) await node.subscribe("ev");
    return { dispatcher, a, b, c, all: [a, b, c] };
  }

  it("deliver to all, or to one after the other, each third time the same", async () => {
    const { a, b, c, all } = await three();
    const publisher = await nodes.node("publisher");
    expect(await publisher.publish("ev", Numbered, { n: 1 })).to.equal(true);
    for (const node of all) await node.came(1);
    expect(all.map((node) => node.seen())).to.deep.equal([[1], [1], [1]]);
    for (let n = 2; n <= 7; n++) await publisher.publish("ev", Numbered, { n, _delivery_mode: "direct" });
    for (const node of all) await node.came(3);
    // The first look-up has turned the entries to b, c, a.
    expect([a.seen(), b.seen(), c.seen()]).to.deep.equal([
      [1, 3, 6],
      [1, 4, 7],
      [1, 2, 5],
    ]);
    expect(all.flatMap(({ gaps }) => gaps)).to.deep.equal([]);
  });

  it("reach one node by its name, and nobody by a name that nobody has", async () => {
    const { dispatcher, a, b, c } = await three();
    const publisher = await nodes.node("publisher");
    expect(await publisher.publish("b@localhost/ev", Numbered, { n: 1 })).to.equal(true);
    expect(await publisher.publish("zzz@localhost/ev", Numbered, { n: 2 })).to.equal(true);
    expect(await publisher.publish("ev", Numbered, { n: 3 })).to.equal(true);
    for (const node of [a, b, c]) await until(() => node.seen().includes(3));
    expect([a.seen(), b.seen(), c.seen()]).to.deep.equal([[3], [1, 3], [3]]);
    expect(b.events[0]?.uri).to.equal("b@localhost/ev");
    expect(dispatcher.getStats()).to.equal('{"subs": 3, "pubs": 4}');
  });

  it("keep the events of another host's label apart", async () => {
    await nodes.dispatcher();
    const other = await nodes.node("b");
    await other.subscribe("other/ev");
    const nick = await nodes.node("b");
    await nick.subscribe("nick@other/ev");
    const publisher = await nodes.node("publisher");
    for (const uri of ["ev", "nick@other/ev", "b@other/ev", "other/ev"]) await publisher.publish(uri);
    await other.came(2);
    await nick.came(2);
    expect(other.events.map(({ uri }) => uri)).to.deep.equal(["b@other/ev", "other/ev"]);
    expect(nick.events.map(({ uri }) => uri)).to.deep.equal(["nick@other/ev", "other/ev"]);
  });

  it("drop an event that nobody knows, and tell observers of one for another host", async () => {
    const dispatcher = await nodes.dispatcher();
    const failed: unknown[] = [];
    const watching = dispatcher.addObserver(
      "fail",
      ({ uri, parsedUri, message }: RouteRecord, ...args: readonly unknown[]) =>
        failed.push([uri, parsedUri, message?.get("n"), args]),
      "more",
    );
    const publisher = await nodes.node("publisher");
    expect(await publisher.publish("nobody", Numbered, { n: 1 })).to.equal(true);
    expect(await publisher.publish("h/nobody", Numbered, { n: 2 })).to.equal(true);
    expect(failed).to.deep.equal([["h/nobody", { node: "*", host: "h", event: "nobody" }, 2, ["more"]]]);
    expect(dispatcher.removeObserver(watching)).to.equal(true);
    expect(dispatcher.removeObserver(watching)).to.equal(false);
    await publisher.publish("h/nobody");
    expect(failed).to.have.length(1);
  });

  it("refuse an address without an event", async () => {
    await nodes.dispatcher();
    const node = await nodes.node("a");
    for (const failing of [node.publish("h/"), node.subscribe("h/")]) {
      expect(await failureOf(failing)).to.include({
        code: "BAD_REQUEST",
        outcome: "not-sent",
        message: "Invalid addressing h/",
      });
    }
    expect(await node.publish("")).to.equal(true);
  });

  it("forget a node that stops, with all that it was subscribed to", async () => {
    const { dispatcher, a, b, c } = await three();
    await a.subscribe("more");
    await a.subscribe("x@other/ev");
    await a.close();
    await until(() => dispatcher.nodes.length === 2);
    expect(dispatcher.table.map(lineOf)).to.have.members(["b@localhost/ev", "c@localhost/ev"]);
    await b.publish("ev", Numbered, { n: 1 });
    await c.came(1);
    await b.came(1);
    expect(a.events).to.deep.equal([]);
  });

  it("have the same table after the dispatcher was started anew, and start no second time", async () => {
    const { dispatcher, a, b, all } = await three();
    await b.subscribe("x@other/ev");
    const { address } = dispatcher;
    const before = dispatcher.table.map(lineOf).sort();
    let starts = 0;
    void a.start().then(() => starts++);
    await dispatcher.close();
    const again = await nodes.dispatcher({ address });
    await until(() => again.table.length === before.length);
    expect(again.table.map(lineOf).sort()).to.deep.equal(before);
    await until(() => a.isConnected);
    await a.publish("ev", Numbered, { n: 1 });
    for (const node of all) await node.came(1);
    expect(starts).to.equal(1);
    expect(await a.start()).to.equal(a);
  });

  it("honour what is subscribed to while the dispatcher is away, and fail to publish", async () => {
    const { dispatcher, a } = await three();
    const { address } = dispatcher;
    await dispatcher.close();
    await until(() => !a.isConnected);
    const subscribed = a.subscribe("later");
    expect(a.isSubscribed("later")).to.equal(true);
    expect(await failureOf(a.publish("ev"))).to.include({ code: "UNAVAILABLE", outcome: "not-sent" });
    await a.unsubscribe("ev");
    const again = await nodes.dispatcher({ address });
    await subscribed;
    expect(again.table.filter(({ node }) => node === "a").map(lineOf)).to.deep.equal(["a@localhost/later"]);
    await a.publish("later", Numbered, { n: 1 });
    await a.came(1);
  });

  it("are not disturbed by a handler that throws", async () => {
    const logged = keepLog();
    await nodes.dispatcher({ log: logged.log });
    class Failing extends Recorder {
      override catch(): unknown {
        throw new Error("a handler failed");
      }
    }
    const failing = await nodes.node("failing", {}, Failing);
    const other = await nodes.node("other");
    for (const node of [failing, other]) await node.subscribe("ev");
    expect(await other.publish("ev", Numbered, { n: 1 })).to.equal(true);
    await other.came(1);
    await until(() => logged.lines("warn").length > 0);
    expect(logged.lines("warn")).to.deep.equal(["failing failed at ev: a handler failed"]);
  });

  it("write messages without what is hidden, and read them again", () => {
    const message = new NodeMessage();
    message.setAttribute("nested", { list: [1, { deep: null }], text: "Zoë" });
    message.setAttribute("nothing", null);
    const json = message.toJson();
    expect(json).to.equal('{"nested": {"list": [1, {"deep": null}], "text": "Zo\\u00eb"}, "nothing": null}');
    const read = new NodeMessage().fromJson(json);
    expect(read.equals(message)).to.equal(true);
    expect(read.get("nested")).to.deep.equal({ list: [1, { deep: null }], text: "Zoë" });
    expect(read.get("nothing")).to.equal(null);
  });

  it("count what they do", async () => {
    const { dispatcher, a } = await three();
    await a.publish("ev");
    expect(dispatcher.getStats()).to.equal('{"subs": 3, "pubs": 3}');
    // Once more is once.
    await a.subscribe("localhost/ev");
    expect(dispatcher.getStats()).to.equal('{"subs": 3, "pubs": 3}');
  });
});

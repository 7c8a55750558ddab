import { expect } from "chai";
import { type Dispatcher, Formatter, registerFormatter, Stream, StreamNode } from "../../src/compat/nodeset/index.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { Numbered, Recorder, useNodes } from "../support/nodes.js";
import { until } from "../support/until.js";

describe("Dispatchers that are linked", () => {
  const nodes = useNodes();

  /** North and south know each other. */
  async function two(): Promise<{ readonly north: Dispatcher; readonly south: Dispatcher }> {
    const south = await nodes.dispatcher({ label: "south" });
    const north = await nodes.dispatcher({ label: "north", links: { south: south.address } });
    await until(() => north.links.get("south") === true);
    return { north, south };
  }

  it("hand on what is for another host, to all or to one, where it is as if it was published there", async () => {
    const { north, south } = await two();
    const [a, b] = [
      await nodes.node("a", { dispatcher: south.address }),
      await nodes.node("b", { dispatcher: south.address }),
    ];
    for (const node of [a, b]) await node.subscribe("ev");
    const publisher = await nodes.node("publisher", { dispatcher: north.address });
    await publisher.publish("south/ev", Numbered, { n: 1, _hidden: 5 } as never).catch(() => undefined);
    await publisher.publish("south/ev", Numbered, { n: 2 });
    await publisher.publish("b@south/ev", Numbered, { n: 3 });
    for (let n = 4; n <= 5; n++) await publisher.publish("south/ev", Numbered, { n, _delivery_mode: "direct" });
    await until(() => a.events.length + b.events.length === 5);
    expect([...a.seen(), ...b.seen()].sort()).to.deep.equal([2, 2, 3, 4, 5]);
    expect(b.events[1]?.uri).to.equal("b@localhost/ev");
    expect([...a.gaps, ...b.gaps]).to.deep.equal([]);
    // Those of here are not those of there.
    await publisher.publish("ev", Numbered, { n: 6 });
    await publisher.publish("south/ev", Numbered, { n: 7 });
    await until(() => a.seen().includes(7));
    expect(a.seen()).to.not.include(6);
  });

  it("keep what somebody here is subscribed to, and never hand on what was handed to them", async () => {
    const { north, south } = await two();
    const here = await nodes.node("here", { dispatcher: north.address });
    const there = await nodes.node("there", { dispatcher: south.address });
    await here.subscribe("south/ev");
    await there.subscribe("ev");
    const handed: string[] = [];
    south.addObserver("fail", ({ uri }) => handed.push(uri));
    await here.publish("south/ev", Numbered, { n: 1 });
    await here.came(1);
    await here.unsubscribe("south/ev");
    await here.publish("south/ev", Numbered, { n: 2 });
    await there.came(1);
    expect(there.seen()).to.deep.equal([2]);
    expect(handed).to.deep.equal([]);
    // Its own label is itself.
    await there.publish("south/ev", Numbered, { n: 3 });
    await there.came(2);
  });

  it("lose what comes while the other is away, and refuse what is for somebody else", async () => {
    const logged = keepLog();
    const south = await nodes.dispatcher({ label: "south" });
    const { address } = south;
    const links = { south: address, mistaken: address };
    const north = await nodes.dispatcher({ label: "north", links, log: logged.log });
    await until(() => [...north.links.values()].every(Boolean));
    const publisher = await nodes.node("publisher");
    expect(await publisher.publish("mistaken/ev")).to.equal(true);
    await until(() => logged.lines("warn").some((line) => line.includes("This is the dispatcher south")));
    await south.close();
    await until(() => north.links.get("south") === false);
    expect(await publisher.publish("south/ev", Numbered, { n: 1 })).to.equal(true);
    await until(() => logged.lines("warn").some((line) => line.startsWith("An event south/ev is lost")));
    const again = await nodes.dispatcher({ label: "south", address });
    const node = await nodes.node("node", { dispatcher: again.address });
    await node.subscribe("ev");
    await until(() => north.links.get("south") === true);
    await publisher.publish("south/ev", Numbered, { n: 2 });
    await node.came(1);
    expect(node.seen()).to.deep.equal([2]);
  });

  it("refuse links to themselves", async () => {
    const failure = await failureOf(
      (async () => nodes.dispatcher({ label: "north", links: { north: "tcp://127.0.0.1:1" } }))(),
    );
    expect(failure).to.include({ code: "CONFIGURATION" });
  });
});

/** Sends lists as text. */
class Lines extends Formatter {
  constructor() {
    super("test.lines");
  }

  override encode(data: unknown): unknown {
    return (data as string[]).join("\n");
  }

  override decode(data: unknown): unknown {
    return (data as string).split("\n");
  }
}

class Receiver extends Recorder {
  readonly data: unknown[] = [];

  override onStream(data: unknown, formatter: Formatter): unknown {
    const decoded = formatter.decode(data);
    if (decoded === "fail") throw new Error("it does not want that");
    this.data.push(data, decoded);
    return this.data.length;
  }
}

class LineStream extends Stream {
  override formatter = new Lines();
}

describe("Streams between nodes", () => {
  const nodes = useNodes();

  it("go to the nodes that were subscribed when they were made, past the dispatcher", async () => {
    registerFormatter(new Lines());
    const dispatcher = await nodes.dispatcher();
    const sender = await nodes.node("sender", {}, StreamNode);
    const first = await nodes.node("first", {}, Receiver);
    await first.subscribe("bulk");
    const toOne = await sender.stream("bulk");
    sender.streamClass = LineStream;
    const second = await nodes.node("second", {}, Receiver);
    await second.subscribe("bulk");
    const without = await nodes.node("without", { port: false });
    await without.subscribe("bulk");
    const toBoth = await sender.stream("bulk");
    await dispatcher.close();
    expect(await toOne.push({ any: "value" })).to.equal(2);
    expect(toBoth.peers.map(({ name }) => name)).to.have.members(["first", "second"]);
    expect(await toBoth.push(["a", "b"])).to.deep.equal(
      toBoth.peers.map(({ name }) => [true, name === "first" ? 4 : 2]),
    );
    expect(second.data).to.deep.equal(["a\nb", ["a", "b"]]);
    expect(first.data).to.deep.equal([{ any: "value" }, { any: "value" }, "a\nb", ["a", "b"]]);
    await second.close();
    const results = (await toBoth.push(["c"])) as [boolean, unknown][];
    expect(results.map(([isOk]) => isOk)).to.have.members([true, false]);
  });

  it("tell what has failed", async () => {
    await nodes.dispatcher();
    const errors: unknown[] = [];
    class Telling extends StreamNode {
      override streamError(error: unknown): void {
        errors.push(error);
      }
    }
    const sender = await nodes.node("sender", {}, Telling);
    expect(await failureOf((await sender.stream("nobody")).push(1))).to.include({ code: "SERVICE_NOT_FOUND" });
    const receiver = await nodes.node("receiver", {}, Receiver);
    await receiver.subscribe("bulk");
    const stream = await sender.stream("bulk");
    expect((await failureOf(stream.push("fail"))).message).to.equal("it does not want that");
    stream.formatter = new Formatter("test.unknown");
    expect((await failureOf(stream.push(1))).message).to.match(/There is no formatter "test.unknown" here/);
    expect(() => {
      registerFormatter(new (class extends Formatter {})("test.lines"));
    }).to.throw(/another formatter/);
    await failureOf(sender.stream("h/"));
    expect(errors).to.have.length(1);
  });
});

import { expect } from "chai";
import { useCommand } from "../support/command.js";
import { until } from "../support/until.js";

describe("lamplighter dispatcher and node", () => {
  const command = useCommand();

  async function dispatcher(...flags: string[]) {
    const child = command.start(["dispatcher", "-a", "tcp://127.0.0.1:0", ...flags]);
    return { child, address: await command.ready(child) };
  }
  const node = (address: string, ...words: string[]) => command.start(["node", ...words, "-d", address]);

  it("prints the events of a publisher at a subscriber, and both end at a signal", async () => {
    const { child, address } = await dispatcher();
    const subscriber = node(address, "subscriber", "--event", "simple_event");
    await subscriber.waitFor(/subscribed to simple_event/, "err");
    const publisher = node(address, "publisher", "--event", "simple_event", "--payload", "Grüße");
    await subscriber.waitFor(/^\{"payload": "Gr\\u00fc\\u00dfe"\}$/m);
    expect(subscriber.out()).to.match(new RegExp(`^ready ${address}\n`));
    await publisher.waitFor(/published simple_event/, "err");
    for (const one of [publisher, subscriber, child]) {
      one.process.kill("SIGTERM");
      expect(await one.ended, one.err()).to.equal(0);
    }
  });

  it("waits for a dispatcher that comes later, and one that comes again", async () => {
    const first = await dispatcher();
    const subscriber = node(first.address, "subscriber");
    await subscriber.waitFor(/subscribed/, "err");
    first.child.process.kill("SIGKILL");
    await subscriber.waitFor(/is not connected/, "err");
    const again = command.start(["dispatcher", "-a", first.address]);
    await command.ready(again);
    await subscriber.waitFor(/is connected to [^]*is connected to /, "err");
    const once = node(first.address, "publisher", "--payload", "again", "--once");
    expect(await once.ended, once.err()).to.equal(0);
    await subscriber.waitFor(/\{"payload": "again"\}/);
  });

  it("ends at a signal while it waits for a dispatcher", async () => {
    const subscriber = node("tcp://127.0.0.1:1", "subscriber");
    await subscriber.waitFor(/is not connected/, "err");
    subscriber.process.kill("SIGTERM");
    expect(await subscriber.ended, subscriber.err()).to.equal(0);
  });

  it("ends when nobody reads its output any more", async () => {
    const { address } = await dispatcher();
    const subscriber = node(address, "subscriber");
    await subscriber.waitFor(/subscribed/, "err");
    subscriber.process.stdout?.destroy();
    const publisher = node(address, "publisher", "--payload", "unread", "--once");
    expect(await publisher.ended, publisher.err()).to.equal(0);
    expect(await subscriber.ended, subscriber.err()).to.equal(0);
  });

  it("delivers to one in turn with --direct", async () => {
    const { address } = await dispatcher();
    const both = ["one", "two"].map((name) => node(address, "subscriber", "--name", name));
    for (const one of both) await one.waitFor(/subscribed/, "err");
    for (const payload of ["a", "b"]) {
      expect(await node(address, "publisher", "--payload", payload, "--direct", "--once").ended).to.equal(0);
    }
    await until(() => both.every((one) => one.out().includes("payload")));
    expect(both.map((one) => one.out().match(/payload/g)?.length)).to.deep.equal([1, 1]);
  });

  it("runs the nodes of a module", async () => {
    const { address } = await dispatcher();
    const file = command.file(
      "nodes.mjs",
      `import { Node, catchEvents, configurator } from ${JSON.stringify(new URL("../../build/compat/nodeset/index.js", import.meta.url).href)};
       class Echo extends Node {
         constructor() { super({ name: "echo", dispatcher: ${JSON.stringify(address)} }); void this.subscribe("ask").then(() => console.error("listening")); }
         async onEvent(uri, message) { if (uri === "ask") await this.publishMessage("answer", message); }
       }
       export const echo = new Echo();`,
    );
    const module = command.start(["node", file]);
    await module.waitFor(/listening/, "err");
    const subscriber = node(address, "subscriber", "--event", "answer");
    await subscriber.waitFor(/subscribed/, "err");
    expect(await node(address, "publisher", "--event", "ask", "--payload", "?", "--once").ended).to.equal(0);
    await subscriber.waitFor(/\{"payload": "\?"\}/);
  });

  it("links dispatchers by label", async () => {
    const there = await dispatcher("--label", "there");
    const here = await dispatcher("--label", "here", "--link", `there=${there.address}`);
    const subscriber = node(there.address, "subscriber", "--event", "ev");
    await subscriber.waitFor(/subscribed/, "err");
    expect(await node(here.address, "publisher", "--event", "there/ev", "--payload", "far", "--once").ended).to.equal(
      0,
    );
    await subscriber.waitFor(/\{"payload": "far"\}/);
  });

  it("says what is wrong", async () => {
    expect(await command.run(["dispatcher", "--link", "nowhere"])).to.include({ status: 2, out: "" });
    expect(await command.run(["dispatcher", "-a", "nonsense://"])).to.include({ status: 2, out: "" });
    const { address } = await dispatcher();
    expect(await command.run(["dispatcher", "-a", address])).to.include({ status: 1, out: "" });
    expect(await command.run(["node", "publisher", "--listen", "x"])).to.include({ status: 2, out: "" });
    expect(await command.run(["node", "no-such-module"])).to.include({ status: 2, out: "" });
    const empty = command.file("empty.mjs", "export const nothing = 1;");
    const none = await command.run(["node", empty]);
    expect(none).to.include({ status: 2 });
    expect(none.err).to.contain("exports no node");
    const wrong = node(address, "publisher", "--event", "h/");
    expect(await wrong.ended).to.equal(1);
    expect(wrong.err()).to.contain("Invalid addressing h/");
  });
});

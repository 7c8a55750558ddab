import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { Gap, publisher, type Subscriber, type SubscriberOptions, subscriber } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";
import { type Child, useProcesses } from "../support/processes.js";
import { until } from "../support/until.js";
import { weakPublisher } from "../support/weak-publication.js";

const NAME = "demo.interop";

/**
 * Our publishers and subscribers and those in test/interop/python, which are written from docs/pubsub-wire.md and know nothing of this
 * package. Needs Debian's python3-zmq.
 */
describe("Publishers and subscribers in Python and ours", () => {
  const mesh = useMesh();
  const start = useProcesses();
  const python = (...args: string[]): Child =>
    start("/usr/bin/python3", ["test/interop/python/pubsub_run.py", ...args], { interactive: true });

  describe("subscribe to a Lamplighter publisher", () => {
    const subscribe = async (address: string, options: object = {}): Promise<Child> => {
      const child = python("subscribe", address, NAME, JSON.stringify(options));
      await child.waitFor(/^\["ready"\]$/m);
      return child;
    };
    const linesOf = (child: Child): unknown[] =>
      child
        .out()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as unknown);

    it("and get values with topics and numbers, large ones as well", async () => {
      const values = publisher<unknown>(NAME);
      const host = await mesh.host([values]);
      const child = await subscribe(host.address);
      void values.publish(1);
      void values.publish({ a: "b" }, { topic: "eu.de" });
      void values.publish(2);
      void values.publish(new Uint8Array(100_000).fill(7));
      await turn();
      await values.publish("bye");
      expect(await child.ended, child.err()).to.equal(0);
      expect(linesOf(child)).to.deep.equal([
        ["ready"],
        ["value", "", 1, 1],
        ["value", "", 2, 2],
        ["value", "", 3, "100000 bytes of 7"],
        ["value", "eu.de", 4, { a: "b" }],
        ["value", "", 5, "bye"],
      ]);
      await until(() => values.subscribers.length === 0);
    });

    it("and get the topics that they want, what is kept and what is replayed", async () => {
      const values = publisher<unknown>(NAME, { retain: true, replay: 2 });
      const host = await mesh.host([values]);
      await values.publish(1, { topic: "eu.de" });
      for (const n of [2, 3, 4]) await values.publish(n, { topic: "us" });
      const kept = await subscribe(host.address, { topics: ["eu", "us"] });
      const replayed = await subscribe(host.address, { topics: ["u"], replay: 10 });
      await values.publish("no", { topic: "asia" });
      await values.publish("bye", { topic: "us.ca" });
      await Promise.all([kept.ended, replayed.ended]);
      expect(linesOf(kept)).to.deep.equal([
        ["ready"],
        ["value", "eu.de", 1, 1],
        ["value", "us", 4, 4],
        ["value", "us.ca", 6, "bye"],
      ]);
      expect(linesOf(replayed)).to.deep.equal([
        ["ready"],
        ["value", "us", 3, 3],
        ["value", "us", 4, 4],
        ["value", "us.ca", 6, "bye"],
      ]);
    });

    for (const [what, options, expected] of [
      ["learn what was missed when the connection breaks", {}, [["gap", "connection", 2], ["ready"]]],
      [
        "get what was missed again, where it is kept",
        { replay: 100 },
        [["ready"], ["value", "", 2, 2], ["value", "", 3, 3]],
      ],
    ] as const) {
      it(`and ${what}`, async () => {
        const values = weakPublisher<unknown>(NAME, options);
        const host = await mesh.host([values], { transport: "zmtp" });
        const child = await subscribe(host.address);
        await values.publish(1);
        await child.waitFor(/^\["value", "", 1, 1\]$/m);
        values.break();
        void values.publish(2);
        await values.publish(3);
        await child.waitFor(/^\["ready"\]$[^]*^\["ready"\]$/m);
        await values.publish("bye");
        expect(await child.ended, child.err()).to.equal(0);
        const lines = linesOf(child);
        expect(lines).to.deep.equal([["ready"], ["value", "", 1, 1], ...expected, ["value", "", 4, "bye"]]);
      });
    }

    it("and hold publish() back (block)", async () => {
      const values = publisher<unknown>(NAME);
      const host = await mesh.host([values]);
      const child = await subscribe(host.address, { policy: "block", buffer: 10 });
      for (let n = 1; n <= 200; n++) await values.publish(n);
      await values.publish("bye");
      expect(await child.ended, child.err()).to.equal(0);
      expect(linesOf(child)).to.have.length(202);
    });

    it("and are told when it ends", async () => {
      const values = publisher<unknown>(NAME);
      const host = await mesh.host([values]);
      const child = await subscribe(host.address);
      await values.publish(1);
      await host.close();
      expect(await child.ended, child.err()).to.equal(0);
      expect(linesOf(child)).to.deep.equal([["ready"], ["value", "", 1, 1], ["end", "CLOSED"]]);
    });
  });

  describe("publish to a Lamplighter subscriber", () => {
    async function pair(
      keep: number,
      options: SubscriberOptions = {},
    ): Promise<{
      values: Subscriber;
      gaps: Gap[];
      tell: (...what: unknown[]) => Promise<number>;
      rejoined: () => Promise<unknown>;
    }> {
      const child = python("publish", NAME, String(keep));
      const [, address = ""] = await child.waitFor(/^ready (\S+)$/m);
      const values = mesh.own(subscriber(NAME, { client: mesh.client(), address, ...options }));
      const gaps: Gap[] = [];
      values.on("gap", (gap) => gaps.push(gap));
      await values.ready;
      let told = 0;
      const tell = async (...what: unknown[]): Promise<number> => {
        child.process.stdin?.write(`${JSON.stringify(what)}\n`);
        const [, count] = await child.waitFor(new RegExp(`(?:^done (\\d+)$[^]*?){${++told}}`, "m"));
        return Number(count);
      };
      return { values, gaps, tell, rejoined: () => new Promise((resolve) => values.on("joined", resolve)) };
    }
    const inOrder = (list: readonly unknown[]): unknown[] =>
      list.map((one) =>
        one instanceof Gap ? `${one.reason} ${String(one.missed)}` : (one as { value: unknown }).value,
      );

    it("values in batches, with topics and numbers, large ones as well", async () => {
      const { values, tell } = await pair(0);
      await tell("publish", "", [1, "zwei", { drei: [3] }]);
      await tell("publish", "a.b", [4]);
      await tell("large", "", 100_000);
      const list = await values.publications().take(5);
      expect(inOrder(list)).to.deep.equal([1, "zwei", { drei: [3] }, 4, new Uint8Array(100_000).fill(7)]);
      expect(list.map((one) => (one as { sequence: number }).sequence)).to.deep.equal([1, 2, 3, 4, 5]);
      expect(list[3]).to.include({ topic: "a.b" });
    });

    it("and tell of what they dropped, with the next items or by a tally", async () => {
      const { values, tell } = await pair(0);
      await tell("publish", "", [1]);
      await tell("drop", "");
      await tell("drop", "");
      await tell("publish", "", [4]);
      await tell("drop", "");
      await tell("tally");
      expect(inOrder(await values.publications().take(4))).to.deep.equal([1, "slow 2", 4, "slow 1"]);
    });

    it("and lose no more than they say when the connection breaks", async () => {
      const { values, tell, rejoined } = await pair(0);
      await tell("publish", "", [1]);
      await tell("drop", "");
      await tell("tally");
      await until(() => values.waiting === 1);
      const again = rejoined();
      await tell("break");
      await tell("publish", "", [3, 4]);
      await again;
      await tell("publish", "", [5]);
      expect(inOrder(await values.publications().take(4))).to.deep.equal([1, "slow 1", "connection 2", 5]);
    });

    it("and send again what they keep", async () => {
      const { values, gaps, tell, rejoined } = await pair(10);
      await tell("publish", "", [1]);
      await until(() => values.waiting === 1);
      const again = rejoined();
      await tell("break");
      await tell("publish", "", [2, 3]);
      await again;
      await tell("publish", "", [4]);
      expect(await values.take(4)).to.deep.equal([1, 2, 3, 4]);
      expect(gaps).to.deep.equal([]);
    });

    it("and say that they end", async () => {
      const { values, gaps, tell } = await pair(0);
      const lost = new Promise((resolve) =>
        values.on("lost", (_, { message }) => {
          resolve(message);
        }),
      );
      await tell("publish", "", [1]);
      await tell("end", "CLOSED");
      expect(await lost).to.contain("has stopped");
      expect(await values.take(1)).to.deep.equal([1]);
      expect(gaps).to.deep.equal([]);
    });
  });
});

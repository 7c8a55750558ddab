import { setImmediate } from "node:timers/promises";
import { expect } from "chai";
import { RpcError } from "../../src/index.js";
import { Numbered, type Recorder, tableAt, useNodes } from "../support/nodes.js";
import { type Child, useProcesses } from "../support/processes.js";
import { until } from "../support/until.js";

/** How often the dispatcher is killed: `NODESET_KILLS=100 npm test -- --grep "killed again"` does it for longer. */
const KILLS = Number(process.env.NODESET_KILLS ?? 3);
/** Events that wait for their answer at the same time. */
const IN_FLIGHT = 50;

describe("A dispatcher of nodes that is killed again and again under load", () => {
  const nodes = useNodes();
  const start = useProcesses();

  async function startDispatcher(at: string): Promise<{ readonly child: Child; readonly address: string }> {
    const child = start(process.execPath, ["--import", "tsx", "test/fixtures/nodeset.ts", "dispatcher", at]);
    const [, address = ""] = await child.waitFor(/^ready (\S+)$/m);
    return { child, address };
  }

  it("loses no subscription that it had acknowledged, delivers nothing twice, and every gap is told", async function () {
    this.timeout(30_000 + KILLS * 10_000);
    const first = await startDispatcher("tcp://127.0.0.1:0");
    const { address } = first;
    let { child } = first;
    const options = { dispatcher: address };
    const subscribers: Recorder[] = [];
    for (const name of ["a", "b", "c"]) subscribers.push(await nodes.node(name, options));
    const publisher = await nodes.node("publisher", options);
    for (const node of subscribers) await node.subscribe("load");
    const expected = ["a@localhost/load", "b@localhost/load", "c@localhost/load"];

    /** Events that were taken, and those of which nobody knows. */
    let left = 0;
    let n = 0;
    let inFlight = 0;
    const over = new AbortController();
    const publish = async (): Promise<void> => {
      inFlight++;
      try {
        await publisher.publish("load", Numbered, { n: ++n });
        left++;
      } catch (error) {
        const { outcome } = RpcError.from(error);
        expect(outcome).to.be.oneOf(["not-sent", "unknown"]);
        if (outcome === "unknown") left++;
      } finally {
        inFlight--;
      }
    };
    const load = (async () => {
      while (!over.signal.aborted) {
        while (inFlight < IN_FLIGHT && publisher.isConnected) void publish();
        await setImmediate();
      }
    })();

    for (let kill = 1; kill <= KILLS; kill++) {
      const before = subscribers.map(({ events }) => events.length);
      await until(() => subscribers.every(({ events }, index) => events.length > (before[index] ?? 0) + 100));
      child.process.kill("SIGKILL");
      await child.ended;
      // What is subscribed to now is honoured as well.
      const subscribed = subscribers.map((node) => node.subscribe(`after${kill}`));
      ({ child } = await startDispatcher(address));
      await Promise.all(subscribed);
      for (const { name } of subscribers) expected.push(`${name}@localhost/after${kill}`);
      expected.sort();
      await until(async () => (await tableAt(address)).length >= expected.length);
      expect(await tableAt(address)).to.deep.equal(expected);
    }
    over.abort();
    await load;
    await until(() => inFlight === 0 && publisher.isConnected);
    // The last one shows what was missing before it.
    await publisher.publish("load", Numbered, { n: ++n });
    left++;
    await until(() => subscribers.every((node) => node.seen().includes(n)));

    for (const node of subscribers) {
      const seen = node.seen() as number[];
      expect(seen, "each once, in order").to.deep.equal([...new Set(seen)].sort((a, b) => a - b));
      const missed = node.gaps.reduce((sum, gap) => sum + gap.missed, 0);
      expect(seen.length + missed, `${node.name}: seen and missed`).to.equal(left);
      expect(node.gaps.every(({ isCertain }) => isCertain)).to.equal(true);
    }
  });
});

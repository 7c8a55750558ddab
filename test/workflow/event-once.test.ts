import { expect } from "chai";
import { useEngines } from "../support/engines.js";
import { until } from "../support/until.js";

describe("An event", () => {
  const engines = useEngines();

  it("is taken by one of several branches that wait for it, also when two come together", async () => {
    const wait = (name: string) => ({ name, wait: { event: "go" } });
    const { engine } = await engines.start({ tasks: { task: [{ parallel: [wait("a"), wait("b"), wait("c")] }] } });
    const { id } = await engine.start("task", null);
    await until(async () => (await engine.status(id)).state === "waiting");
    await engine.deliver("go", 1, { run: id });
    // All that follows from it happens before the next turn.
    await new Promise(setImmediate);
    const taken = (await engine.history(id)).filter(({ event }) => event.kind === "done");
    expect(taken.map(({ event }) => event)).to.deep.equal([{ kind: "done", step: "0/0/a", result: 1 }]);
    await Promise.all([2, 3].map((payload) => engine.deliver("go", payload, { run: id })));
    expect(await engine.wait(id)).to.deep.equal([1, 2, 3]);
  });

  it("waits for the next one who waits, when two came for one", async () => {
    const wait = (name: string) => ({ name, wait: { event: "go" } });
    const { engine } = await engines.start({ tasks: { task: [wait("a"), wait("b")] } });
    const { id } = await engine.start("task", null);
    await until(async () => (await engine.status(id)).state === "waiting");
    await Promise.all([1, 2].map((payload) => engine.deliver("go", payload, { run: id })));
    expect(await engine.wait(id)).to.equal(2);
    const taken = (await engine.history(id)).flatMap(({ event }) => (event.kind === "done" ? [event.result] : []));
    expect(taken).to.deep.equal([1, 2]);
  });
});

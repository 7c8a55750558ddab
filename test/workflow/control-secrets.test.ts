import { expect } from "chai";
import { defineInterface, type RunProgress, workflow } from "../../src/index.js";
import { useWorkflows } from "../support/workflows.js";

describe("The control of a workflow service", () => {
  const mesh = useWorkflows();

  it("does not tell the names of calls, with which others could take their answers, or forget them", async () => {
    const { address: nameserver } = await mesh.meeting();
    await mesh.host([defineInterface("bank", { methods: { pay: () => "paid" } })], { nameserver });
    const host = await mesh.workflows({
      definitions: { tasks: { order: [{ name: "pay", interface: "bank", method: "pay" }] } },
    });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    await w.start({ task: "order", id: "one" });
    expect(await w.wait({ run: "one" })).to.equal("paid");
    const names = (await host.runs.history("one")).flatMap(({ event }) =>
      event.kind === "started" && event.call !== undefined ? [event.call] : [],
    );
    expect(names).to.have.length(1);
    const followed: RunProgress[] = [];
    for await (const progress of w.progress({ run: "one" })) followed.push(progress);
    const told = await w.history({ run: "one" });
    expect(told.map(({ event }) => event.kind)).to.include("started");
    expect(followed.flatMap(({ entry }) => entry?.event.kind ?? [])).to.include("started");
    const text = JSON.stringify([told, followed, await w.show({ run: "one" }), await w.list()]);
    for (const name of names) expect(text).not.to.include(name.split(":")[0]);
  });
});

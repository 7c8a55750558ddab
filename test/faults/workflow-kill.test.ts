import { expect } from "chai";
import { WORKFLOW_INTERFACE, workflow } from "../../src/index.js";
import { useProcesses } from "../support/processes.js";
import { until } from "../support/until.js";
import { useWorkflows } from "../support/workflows.js";

describe("A workflow service that is killed", () => {
  const mesh = useWorkflows();
  const start = useProcesses();

  it("goes on where it was when it is started again, and those who wait do not notice", async function () {
    this.timeout(60_000);
    const { address } = await mesh.meeting();
    const serve = async () => {
      const env = { JOURNAL: mesh.file("runs.db"), NAMESERVER: address };
      const child = start(process.execPath, ["--import", "tsx", "test/fixtures/workflow-host.ts"], { env });
      await child.waitFor(/^ready/m);
      return child;
    };
    const client = await mesh.caller();
    const w = workflow("/demo/workflow", { client });
    let child = await serve();
    const options = { timeoutMs: 50_000 };
    const waiting = [
      w.invoke("order", { number: 1 }, options),
      // A component that knows nothing of runs: the call itself is recognised.
      client.component(WORKFLOW_INTERFACE, "/demo/workflow").invoke("order", { number: 2 }, options),
      w.start({ task: "order", input: { number: 3 }, id: "third" }).then(() => w.wait({ run: "third" })),
    ];
    await until(async () => (await w.count()).waiting === 3);
    for (let kills = 0; kills < 2; kills++) {
      child.process.kill("SIGKILL");
      await child.ended;
      child = await serve();
    }
    const runs = await w.list();
    expect(runs).to.have.length(3);
    for (const { id } of runs) await w.deliver({ event: "paid", payload: "cash", run: id });
    expect(await Promise.all(waiting)).to.deep.equal(["cash", "cash", "cash"]);
    expect(await w.count()).to.include({ completed: 3 });
    child.process.kill("SIGKILL");
    await child.ended;
  });
});

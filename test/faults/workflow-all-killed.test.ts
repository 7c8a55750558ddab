import { expect } from "chai";
import { workflow } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";
import { useProcesses } from "../support/processes.js";
import type { Effect } from "../support/workflow-effects.js";
import { killWorkflow } from "../support/workflow-kills.js";

describe("Runs whose workflow service, called services and nameserver are killed", () => {
  const mesh = useMesh();
  const start = useProcesses();

  it("end, each step once, and what is told of them is what the services did", async () => {
    const report = await killWorkflow(
      start,
      (nameserver) => {
        const client = mesh.client({ nameserver });
        return {
          workflow: mesh.own(workflow("/killed/workflow", { client })).control,
          booked: (service) =>
            client.component("demo.steps", { service }).invoke("booked", null, { waitForMs: 10_000 }) as Promise<
              Effect[]
            >,
        };
      },
      { runs: 24, kills: 8, concurrency: 8, seed: 7 },
    );
    expect(Object.fromEntries(report.wrong)).to.deep.equal({});
    expect(Object.values(report.kills).reduce((sum, kills) => sum + kills, 0)).to.be.at.least(8);
  });
});

import { expect } from "chai";
import { workflow } from "../../src/index.js";
import { useMesh } from "../support/mesh.js";
import { useProcesses } from "../support/processes.js";
import type { Effect } from "../support/workflow-effects.js";
import { type KillPlan, killWorkflow } from "../support/workflow-kills.js";

describe("Runs whose workflow service, called services and nameserver are killed", () => {
  const mesh = useMesh();
  const start = useProcesses();

  const kill = (plan: KillPlan) =>
    killWorkflow(
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
      plan,
    );

  it("end, each step once, and what is told of them is what the services did", async function () {
    this.timeout(120_000);
    const { wrong, kills } = await kill({ runs: 12, kills: 6, concurrency: 4, seed: 7 });
    expect(Object.fromEntries(wrong)).to.deep.equal({});
    expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).to.be.at.least(6);
  });

  it("ask about no call when those who were called live", async function () {
    this.timeout(120_000);
    const { wrong, kills } = await kill({
      runs: 8,
      kills: 4,
      concurrency: 4,
      seed: 8,
      only: ["workflow", "nameserver"],
    });
    expect(Object.fromEntries(wrong)).to.deep.equal({});
    expect(kills).to.include({ "service 1": 0, "service 2": 0 });
  });
});

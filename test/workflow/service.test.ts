import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { proxy } from "../../src/index.js";
import { workflow } from "../../src/workflow/client/workflow.js";
import { WorkflowHost } from "../../src/workflow/service/workflow-host.js";
import { useMesh } from "../support/mesh.js";
import { echo } from "../support/services.js";

describe("A workflow service", () => {
  const mesh = useMesh();
  it("runs tasks", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lamplighter-"));
    const { address: nameserver } = await mesh.nameserver();
    await mesh.host([echo], { nameserver });
    const host = mesh.own(
      new WorkflowHost({
        service: "/demo/workflow/1",
        nameserver,
        journal: join(folder, "runs.db"),
        definitions: {
          tasks: {
            echo: [{ interface: "demo.echo" }, { interface: "demo.echo", input: { got: "${result}" } }],
            two: { params: ["a", "b"], steps: [{ value: ["${input.a}", "${input.b}"] }] },
          },
        },
      }),
    );
    await host.start();
    const client = mesh.client({ nameserver });
    const w = workflow("/demo/workflow/1", { client });
    expect(await w.invoke("echo", { a: 1 })).to.deep.equal({ got: { a: 1 } });
    const p = proxy<any>(w);
    expect(await p.two(1, 2)).to.deep.equal([1, 2]);
    console.log(await w.count(), await w.list(), await w.tasks(), JSON.stringify((await host.stats()).sections));
    await host.close();
    rmSync(folder, { recursive: true });
    void writeFileSync;
  });
});

import { expect } from "chai";
import { defineInterface } from "../../src/index.js";
import { useProcesses } from "../support/processes.js";
import { useWorkflows } from "../support/workflows.js";

/** Needs Debian's python3-zmq. */
describe("A PyCOM client of a workflow service", () => {
  const mesh = useWorkflows();
  const start = useProcesses();

  it("calls tasks within its five seconds, and starts and asks for what takes longer", async () => {
    const nameserver = (await mesh.meeting()).address;
    const names = ["demo.interface.1", "demo.interface.2", "demo.interface.3"];
    for (const name of names) {
      const task1 = ({ way }: { readonly way: readonly string[] }) => ({ way: [...way, name] });
      await mesh.host([defineInterface(name, { methods: { task1 } })], { nameserver });
    }
    await mesh.workflows({
      service: "/demo/workflow/1",
      definitions: {
        tasks: {
          task1: names.map((name) => ({ interface: name })),
          pair: { params: ["a", "b"], steps: [{ value: ["${input.a}", "${input.b}"] }] },
          long: [{ wait: { event: "go" } }],
          broken: [{ interface: "demo.interface.1", method: "nope" }],
        },
      },
    });
    const check = start("/usr/bin/python3", ["test/interop/python/workflow_check.py", nameserver]);
    expect(await check.ended, check.out() + check.err()).to.equal(0);
    expect(check.out().match(/^ok/gm)).to.have.length(7);
  });
});

import { expect } from "chai";
import { rpcError } from "../../src/errors.js";
import type { CallTarget } from "../../src/peer/named-call.js";
import type { TaskDefinition } from "../../src/workflow/definition/definition.js";
import type { Engine } from "../../src/workflow/engine/engine.js";
import type { StepCall } from "../../src/workflow/engine/step-caller.js";
import { useEngines } from "../support/engines.js";
import { useMesh } from "../support/mesh.js";
import { useProcesses } from "../support/processes.js";

describe("A call that may be executed twice", () => {
  const engines = useEngines();
  const mesh = useMesh();
  const start = useProcesses();

  const nameOf = async (engine: Engine, run: string): Promise<(string | undefined)[]> =>
    (await engine.history(run)).flatMap(({ event }) => (event.kind === "started" ? [event.call] : []));

  it("keeps its name when the workflow service is killed, so that its method can know it", async () => {
    const calls: StepCall[] = [];
    const task: TaskDefinition = [{ interface: "demo", idempotent: true }];
    const first = await engines.start({
      tasks: { task },
      services: {
        "demo.task": (_, call) => (calls.push(call) === 1 ? new Promise(() => undefined) : "again"),
      },
    });
    const { id } = await first.engine.start("task", null);
    await first.called(1);
    const { engine } = await first.crash();
    expect(await engine.wait(id)).to.equal("again");
    const [name, ...others] = await nameOf(engine, id);
    expect(others).to.deep.equal([]);
    expect(calls[1]).to.include({ idempotent: true, only: undefined });
    expect(calls[1]?.named.earlier).to.include({ call: name, incarnation: "fake" });
  });

  it("keeps its name when the step is tried again because nobody knows what became of it", async () => {
    const calls: StepCall[] = [];
    const failed = (): never => {
      throw rpcError("UNAVAILABLE", "the connection was lost", {
        outcome: calls.length === 1 ? "unknown" : "executed",
      });
    };
    const task: TaskDefinition = [{ interface: "demo", idempotent: true, retry: { attempts: 3, delayMs: 1 } }];
    const { engine } = await engines.start({
      tasks: { task },
      services: { "demo.task": (_, call) => (calls.push(call) < 3 ? failed() : "at last") },
    });
    const { id } = await engine.start("task", null);
    expect(await engine.wait(id)).to.equal("at last");
    const names = await nameOf(engine, id);
    // The second try has said that it failed, and the third one is another call.
    expect(calls.map(({ named }) => named.earlier?.call)).to.deep.equal([undefined, names[0], undefined]);
    expect(new Set(names).size).to.equal(2);
  });

  it("keeps its name when the called service is killed, whoever gets it then", async () => {
    const { address } = await mesh.nameserver();
    const serve = (dies: string) =>
      start(process.execPath, ["test/fixtures/call-id.js", address], { env: { DIES: dies } });
    const doomed = serve("yes");
    await doomed.waitFor(/^ready/m);
    const targets: CallTarget[] = [];
    const component = mesh.client({ nameserver: address }).component("demo.named");
    const answer = component.callNamed(
      "nameOf",
      [],
      {},
      {
        sending: async (target) => `${"n".repeat(24)}:${targets.push(target)}`,
      },
    );
    await doomed.ended;
    serve("");
    expect(await answer).to.equal(`${"n".repeat(24)}:1`);
    expect(targets).to.have.length(1);
    expect(targets[0]?.idempotent).to.equal(true);
  });
});

import { expect } from "chai";
import { rpcError } from "../../src/errors.js";
import type { TaskDefinition } from "../../src/workflow/definition/definition.js";
import { useEngines } from "../support/engines.js";

describe("A run that was interrupted while it was undone, or while it did what is done at the end", () => {
  const engines = useEngines();

  it("goes on with it, and does not say that what it went on with was left undone", async () => {
    const task: TaskDefinition = {
      steps: [
        { interface: "demo", method: "pay", compensate: { interface: "demo", method: "back" } },
        { interface: "demo", method: "fail" },
      ],
      finally: [{ interface: "demo", method: "tell" }],
    };
    const never = (): Promise<never> => new Promise(() => undefined);
    const services = {
      "demo.pay": () => "paid",
      "demo.fail": () => {
        throw rpcError("BAD_REQUEST", "no more tea", { outcome: "executed" });
      },
      "demo.back": never,
      "demo.tell": never,
    };
    const first = await engines.start({ tasks: { task }, services });
    const { id } = await first.engine.start("task", null);
    await first.called(3);
    const second = await first.crash({ services: { ...services, "demo.back": () => "back" } });
    await second.called(2);
    const { engine } = await second.crash({ services: { ...services, "demo.tell": () => "told" } });
    await engine.wait(id).catch(() => undefined);
    const { state, error } = await engine.status(id);
    expect(state).to.equal("failed");
    expect(error).to.include({ message: "no more tea", step: "1" });
    expect(error?.further).to.equal(undefined);
    const done = (await engine.history(id)).flatMap(({ event }) => (event.kind === "done" ? [event.step] : []));
    expect(done).to.deep.equal(["0", "0/~undo", "~finally/0"]);
  });
});

import { expect } from "chai";
import { RpcError, rpcError } from "../../src/errors.js";
import type { TaskDefinition } from "../../src/workflow/definition/definition.js";
import type { StepCall } from "../../src/workflow/engine/step-caller.js";
import { useEngines } from "../support/engines.js";

describe("An engine", () => {
  const engines = useEngines();

  it("runs the steps of a task one after the other, each with the result of the one before", async () => {
    const { engine } = await engines.start({
      tasks: { task1: [{ interface: "demo.1" }, { interface: "demo.2" }, { interface: "demo.3", method: "last" }] },
      services: {
        "demo.1.task1": (text) => `${String(text)}1`,
        "demo.2.task1": (text) => `${String(text)}2`,
        "demo.3.last": (text) => `${String(text)}3`,
      },
    });
    const { id } = await engine.start("task1", "go");
    expect(await engine.wait(id)).to.equal("go123");
    expect(await engine.status(id)).to.include({ state: "completed", result: "go123", task: "task1" });
    const kinds = (await engine.history(id)).map(({ event }) => event.kind);
    expect(kinds).to.deep.equal(["begun", "started", "done", "started", "done", "started", "done", "ended"]);
  });

  const results: Record<string, { task: TaskDefinition; input?: unknown; result: unknown }> = {
    "branches side by side": {
      task: [{ parallel: { a: { interface: "demo", method: "double" }, b: [{ value: "${input}!" }] } }],
      input: 2,
      result: { a: 4, b: "2!" },
    },
    "a list of branches": {
      task: [{ parallel: [{ value: 1 }, [{ value: 2 }, { value: ["${result}"] }]] }],
      result: [1, [2]],
    },
    "the same for each of a list": {
      task: [{ map: "${input}", steps: [{ interface: "demo", method: "double" }], concurrency: 2 }],
      input: [1, 2, 3, 4, 5],
      result: [2, 4, 6, 8, 10],
    },
    "one way": {
      task: [{ when: "${input.yes}", then: { value: "then" }, else: { value: "else" } }],
      input: { yes: true },
      result: "then",
    },
    "the other way": {
      task: [{ when: "${input.yes}", then: { value: "then" }, else: { value: "else" } }],
      input: { yes: 0 },
      result: "else",
    },
    "one of several ways": {
      task: [{ switch: "${input}", cases: { red: { value: 1 }, green: { value: 2 } }, default: { value: 3 } }],
      input: "green",
      result: 2,
    },
    "the way of all others": {
      task: [{ switch: "${input}", cases: { red: { value: 1 } }, default: { value: 3 } }],
      input: "blue",
      result: 3,
    },
    "another task": {
      task: [{ task: "other", input: { n: "${input}" } }, { value: ["${result}"] }],
      input: 4,
      result: [8],
    },
    "a function": { task: [{ code: "sum", input: [1, 2] }], result: 3 },
    "steps by name": {
      task: {
        steps: [{ name: "first", value: { a: [1, 2] } }, { value: 0 }],
        result: { last: "${result}", second: "${steps.first.a[1]}" },
      },
      result: { last: 0, second: 2 },
    },
  };
  for (const [what, { task, input, result }] of Object.entries(results)) {
    it(`does ${what}`, async () => {
      const { engine } = await engines.start({
        tasks: { task, other: [{ interface: "demo", method: "double", input: "${input.n}" }] },
        services: { "demo.double": (n) => (n as number) * 2 },
        code: { sum: (numbers) => (numbers as number[]).reduce((sum, n) => sum + n, 0) },
      });
      const { id } = await engine.start("task", input);
      expect(await engine.wait(id)).to.deep.equal(result);
    });
  }

  it("undoes what was done, the last first, when a step fails; and does at the end what is to be done in any case", async () => {
    const calls: string[] = [];
    const { engine } = await engines.start({
      tasks: {
        trip: {
          steps: [
            { name: "car", interface: "car", method: "book", compensate: { interface: "car", method: "cancel" } },
            {
              name: "room",
              interface: "room",
              method: "book",
              input: "${input}",
              compensate: { interface: "room", method: "cancel", input: "${output.id}" },
            },
            { name: "flight", interface: "flight", method: "book" },
          ],
          finally: [{ interface: "desk", method: "tell", input: "${error.message}" }],
        },
      },
      services: {
        "car.book": () => "car 1",
        "room.book": () => ({ id: "room 2" }),
        "flight.book": () => {
          throw rpcError("UNKNOWN", "no seat", { outcome: "executed" });
        },
        "car.cancel": (what) => calls.push(`cancel ${String(what)}`),
        "room.cancel": (what) => calls.push(`cancel ${String(what)}`),
        "desk.tell": (what) => calls.push(String(what)),
      },
    });
    const { id } = await engine.start("trip", "Ulm");
    const error = await engine.wait(id).catch((reason: unknown) => reason as RpcError);
    expect(error).to.be.instanceOf(RpcError);
    expect((error as RpcError).message).to.equal(`Run ${id} of trip failed at step flight: no seat`);
    expect(calls).to.deep.equal(["cancel room 2", "cancel car 1", "no seat"]);
    const { state, steps } = await engine.show(id);
    expect(state).to.equal("failed");
    expect(steps.map((step) => [step.step, step.state])).to.deep.equal([
      ["car", "undone"],
      ["room", "undone"],
      ["flight", "failed"],
      ["~finally", "done"],
    ]);
  });

  it("goes on where it was, whenever it is interrupted", async () => {
    const task: TaskDefinition = [
      { name: "one", interface: "demo", method: "add", input: 1 },
      {
        parallel: [
          { interface: "demo", method: "add", input: 2 },
          { map: [3, 4], steps: [{ interface: "demo", method: "add" }] },
        ],
      },
      { name: "six", interface: "demo", method: "add", input: 6 },
    ];
    for (let interrupted = 1; interrupted <= 5; interrupted++) {
      const done: number[] = [];
      let calls = 0;
      const services = {
        "demo.add": (n: unknown, call: StepCall) => {
          calls++;
          if (calls === interrupted && !call.named.earlier) return new Promise<never>(() => undefined);
          done.push(n as number);
          return n;
        },
      };
      const first = await engines.start({ tasks: { task }, services });
      const { id } = await first.engine.start("task", null);
      await first.called(interrupted);
      const second = await first.crash();
      expect(await second.engine.wait(id)).to.equal(6);
      expect(done.sort(), `interrupted at call ${interrupted}`).to.deep.equal([1, 2, 3, 4, 6]);
    }
  });
});

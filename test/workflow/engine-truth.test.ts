import { expect } from "chai";
import { type RpcError, rpcError } from "../../src/errors.js";
import type { TaskDefinition } from "../../src/workflow/definition/definition.js";
import type { Engine } from "../../src/workflow/engine/engine.js";
import type { RunState } from "../../src/workflow/run.js";
import { useEngines } from "../support/engines.js";
import { until } from "../support/until.js";

const PAY: TaskDefinition = [{ name: "pay", interface: "bank", method: "pay" }, { value: { paid: "${result}" } }];

describe("A run whose call may have been executed", () => {
  const engines = useEngines();
  const unknown = (): never => {
    throw rpcError("UNAVAILABLE", "the connection to /bank was lost", { outcome: "unknown" });
  };
  const failure = (engine: Engine, id: string): Promise<RpcError> =>
    engine.wait(id).then(
      () => expect.fail("it did not fail"),
      (error: unknown) => error as RpcError,
    );
  const isIn = async (engine: Engine, id: string, state: RunState): Promise<void> => {
    await until(async () => (await engine.status(id)).state === state);
  };

  it("stops and asks, and goes on with the result that it is told", async () => {
    const { engine } = await engines.start({ tasks: { order: PAY }, services: { "bank.pay": unknown } });
    const { id } = await engine.start("order", 5);
    await isIn(engine, id, "asking");
    const { questions } = await engine.status(id);
    expect(questions).to.have.length(1);
    expect(questions[0]).to.deep.include({ step: "pay", kind: "unknown", choices: ["repeat", "done", "fail"] });
    expect(questions[0]?.text).to.include("the connection to /bank was lost");
    expect((await engine.show(id)).steps[0]).to.include({ state: "asking" });
    await engine.resume(id, { answer: "done", result: "receipt 7", by: "Ada" });
    expect(await engine.wait(id)).to.deep.equal({ paid: "receipt 7" });
    const answered = (await engine.history(id)).find(({ event }) => event.kind === "answered");
    expect(answered?.event).to.deep.equal({
      kind: "answered",
      step: "pay",
      answer: "done",
      result: "receipt 7",
      by: "Ada",
    });
  });

  it("calls again when it is told to, under another name", async () => {
    const names: (string | undefined)[] = [];
    const { engine } = await engines.start({
      tasks: { order: PAY },
      services: { "bank.pay": () => (names.length === 0 ? (names.push("one"), unknown()) : "receipt 8") },
    });
    const { id } = await engine.start("order", 5);
    await isIn(engine, id, "asking");
    await engine.resume(id, { answer: "repeat" });
    expect(await engine.wait(id)).to.deep.equal({ paid: "receipt 8" });
    const calls = (await engine.history(id)).flatMap(({ event }) => (event.kind === "started" ? [event.call] : []));
    expect(new Set(calls).size).to.equal(2);
  });

  it("tells who answers how the run is doing then", async () => {
    let release = (): void => undefined;
    const second = new Promise<string>((resolve) => {
      release = () => {
        resolve("receipt 9");
      };
    });
    let calls = 0;
    const { engine } = await engines.start({
      tasks: { order: PAY },
      services: { "bank.pay": () => (++calls === 1 ? unknown() : second) },
    });
    const { id } = await engine.start("order", 5);
    await isIn(engine, id, "asking");
    expect(await engine.resume(id, { answer: "repeat" })).to.deep.include({ state: "running", questions: [] });
    release();
    await engine.wait(id);
  });

  it("fails when it is told to, and tells how", async () => {
    const { engine } = await engines.start({ tasks: { order: PAY }, services: { "bank.pay": unknown } });
    const { id } = await engine.start("order", 5);
    await isIn(engine, id, "asking");
    await engine.resume(id, { answer: "fail" });
    expect((await failure(engine, id)).message).to.include("pay: ");
    expect((await engine.status(id)).error).to.include({ outcome: "unknown", step: "pay" });
  });

  it("goes on asking after a crash, and takes an answer that came before it for good", async () => {
    const first = await engines.start({ tasks: { order: PAY }, services: { "bank.pay": unknown } });
    const { id } = await first.engine.start("order", 5);
    await isIn(first.engine, id, "asking");
    const second = await first.crash();
    await isIn(second.engine, id, "asking");
    await second.engine.resume(id, { answer: "done" });
    const third = await second.crash();
    expect(await third.engine.wait(id)).to.deep.equal({ paid: null });
  });

  it("takes no answer that is none", async () => {
    const { engine } = await engines.start({
      tasks: { order: PAY, other: [{ value: 1 }] },
      services: { "bank.pay": unknown },
    });
    const { id } = await engine.start("order", 5);
    await isIn(engine, id, "asking");
    const refused = async (answer: Parameters<Engine["resume"]>[1], text: string): Promise<void> => {
      const error = await engine.resume(id, answer).catch((reason: unknown) => reason as RpcError);
      expect(error).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
      expect((error as RpcError).message).to.include(text);
    };
    await refused({ answer: "maybe" }, "repeat, done, fail");
    await refused({ answer: "done", step: "other" }, "asks nothing at step other, but at pay");
    await engine.resume(id, { answer: "done" });
    await engine.wait(id);
    await refused({ answer: "done" }, "completed");
  });

  it("is cancelled while it asks, and says that the step may have been executed", async () => {
    const { engine } = await engines.start({ tasks: { order: PAY }, services: { "bank.pay": unknown } });
    const { id } = await engine.start("order", 5);
    await isIn(engine, id, "asking");
    await engine.cancel(id, "not wanted", "Ada");
    const error = await failure(engine, id);
    expect(error).to.include({ code: "CANCELLED", outcome: "executed" });
    expect(error.message).to.include("not wanted").and.include("pay may have been executed");
    expect((await engine.status(id)).state).to.equal("cancelled");
  });

  it("is simply repeated when the step is idempotent, also after a crash", async () => {
    const task: TaskDefinition = [{ interface: "bank", method: "pay", idempotent: true }];
    let calls = 0;
    const first = await engines.start({
      tasks: { order: task },
      services: { "bank.pay": () => (++calls === 1 ? new Promise(() => undefined) : "twice") },
    });
    const { id } = await first.engine.start("order", 5);
    await first.called(1);
    const { engine } = await first.crash();
    expect(await engine.wait(id)).to.equal("twice");
  });

  it("asks about a function that ran when the service died, and runs it again when that does no harm", async () => {
    let runs = 0;
    const code = {
      once: (): Promise<never> => {
        runs++;
        return new Promise(() => undefined);
      },
    };
    const first = await engines.start({
      tasks: { task: [{ code: "once" }], again: [{ code: "once", idempotent: true }] },
      code,
    });
    const { id } = await first.engine.start("task", null);
    const { id: other } = await first.engine.start("again", null);
    await until(() => runs === 2);
    const { engine } = await first.crash({ code: { once: () => "ran" } });
    expect(await engine.wait(other)).to.equal("ran");
    await isIn(engine, id, "asking");
    expect((await engine.status(id)).questions[0]?.text).to.include("while the function once ran");
    await engine.resume(id, { answer: "done", result: "by hand" });
    expect(await engine.wait(id)).to.equal("by hand");
  });
});

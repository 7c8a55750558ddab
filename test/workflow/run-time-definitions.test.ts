import { expect } from "chai";
import { proxy, type RpcError, type WorkflowHost, workflow } from "../../src/index.js";
import { keepLog } from "../support/log.js";
import { failureOf } from "../support/mesh.js";
import { echo } from "../support/services.js";
import { until } from "../support/until.js";
import { useWorkflows } from "../support/workflows.js";

describe("Tasks that are defined at run time", () => {
  const mesh = useWorkflows();
  const answer = (value: unknown) => [{ value: value as string }];

  it("can be called at once, also by those who knew the service before", async () => {
    await mesh.workflows();
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    expect(await failureOf(w.invoke("a"))).to.include({ code: "METHOD_NOT_FOUND" });
    const defined = await w.define({ tasks: { a: { doc: "A.", params: ["x"], steps: answer("${input.x}") } } });
    expect(defined.map(({ name, doc }) => [name, doc])).to.deep.equal([["a", "A."]]);
    // Its contract is not known yet: it takes one value.
    expect(await proxy(w).a?.({ x: 1 })).to.equal(1);
    const fresh = workflow("/demo/workflow", { client: await mesh.caller() });
    expect(await proxy(fresh).a?.(2)).to.equal(2);
  });

  it("stay, and go before those that the service is given, until they are removed", async () => {
    const definitions = { tasks: { a: answer("file"), b: answer("file") } };
    let host = await mesh.workflows({ definitions });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const again = async (): Promise<void> => {
      await host.close();
      host = await mesh.workflows({ definitions });
    };
    await w.define({ tasks: { a: answer("run time"), c: answer("run time") } });
    await w.remove({ task: "b" });
    const told = async (): Promise<unknown[]> =>
      Promise.all(["a", "b", "c"].map((task) => w.invoke(task).catch((error: unknown) => (error as RpcError).code)));
    for (const restart of [false, true]) {
      if (restart) await again();
      expect(await told()).to.deep.equal(["run time", "METHOD_NOT_FOUND", "run time"]);
    }
    await w.remove({ task: "a" });
    await w.remove({ task: "c" });
    await w.define({ tasks: { b: answer("back") } });
    for (const restart of [false, true]) {
      if (restart) await again();
      expect(await told()).to.deep.equal(["file", "back", "METHOD_NOT_FOUND"]);
    }
  });

  it("leave runs alone that have begun", async () => {
    const before = { tasks: { a: [{ wait: { event: "go" } }, { value: "old" }] } };
    let host: WorkflowHost = await mesh.workflows({ definitions: before });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    for (const id of ["one", "two", "three"]) await w.start({ task: "a", id });
    await w.define({ tasks: { a: [{ wait: { event: "go" } }, { value: "new" }] } });
    await w.start({ task: "a", id: "four" });
    await until(async () => (await w.count()).waiting === 4);
    await w.deliver({ event: "go", run: "one" });
    expect(await w.wait({ run: "one" })).to.equal("old");
    await host.close();
    host = await mesh.workflows({ definitions: before });
    for (const run of ["two", "four"]) await w.deliver({ event: "go", run });
    expect(await w.wait({ run: "two" })).to.equal("old");
    expect(await w.wait({ run: "four" })).to.equal("new");
    await w.remove({ task: "a" });
    await w.remove({ task: "a" });
    await w.deliver({ event: "go", run: "three" });
    expect(await w.wait({ run: "three" })).to.equal("old");
    const versions = new Set((await w.list()).map(({ version }) => version));
    expect(versions.size).to.equal(2);
  });

  it("are refused as a whole when something is wrong, or something else needs what is to be removed", async () => {
    await mesh.workflows({ definitions: { tasks: { inner: answer(1), outer: [{ task: "inner" }] } } });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const wrong = await failureOf(w.define({ tasks: { good: answer(1), bad: [{ task: "nowhere" }] } }));
    expect(wrong).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
    expect(wrong.message).to.contain("tasks.bad[0].task");
    expect(await failureOf(w.invoke("good"))).to.include({ code: "METHOD_NOT_FOUND" });
    const circle = await failureOf(w.define({ tasks: { inner: [{ task: "outer" }] } }));
    expect(circle.message).to.contain("calls itself");
    expect((await failureOf(w.remove({ task: "inner" }))).message).to.contain("The task outer calls inner");
    await w.schedule({ name: "nightly", task: "outer", cron: "0 0 * * *" });
    expect((await failureOf(w.remove({ task: "outer" }))).message).to.contain("schedule nightly begins runs of outer");
    await w.unschedule({ name: "nightly" });
    await w.remove({ task: "outer" });
    await w.remove({ task: "inner" });
    expect(await w.tasks()).to.deep.equal([]);
    expect(await failureOf(w.invoke("inner"))).to.include({ code: "METHOD_NOT_FOUND" });
  });

  it("are left out when they do not fit any more, and the log tells why", async () => {
    const base = answer(1);
    const first = await mesh.workflows({ definitions: { tasks: { base } } });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    await w.define({ tasks: { needy: [{ task: "base" }], needier: [{ task: "needy" }], fine: answer("fine") } });
    await first.close();
    const { log, lines } = keepLog();
    await mesh.workflows({ definitions: { tasks: {} }, log });
    expect(await w.invoke("fine")).to.equal("fine");
    expect(await failureOf(w.invoke("needier"))).to.include({ code: "METHOD_NOT_FOUND" });
    expect(lines("error").join("\n"))
      .to.contain("The task needy that was defined at run time")
      .and.contain("The task needier");
  });

  it("keep the defaults that they came with", async () => {
    let tries = 0;
    await mesh.workflows({
      definitions: { tasks: {} },
      code: {
        fail: () => {
          tries++;
          throw new Error("no");
        },
      },
    });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    await w.define({ tasks: { a: [{ code: "fail" }] }, defaults: { retry: { attempts: 3, delayMs: 1 } } });
    await failureOf(w.invoke("a"));
    expect(tries).to.equal(3);
  });

  it("are warned of where nobody provides what they call", async () => {
    const { log, lines } = keepLog();
    await mesh.host([echo], { nameserver: (await mesh.meeting()).address });
    await mesh.workflows({
      definitions: {
        tasks: {
          good: [{ interface: "demo.echo", method: "add" }],
          bad: [{ interface: "demo.ecko" }],
          odd: [{ interface: "demo.echo", method: "ad" }],
        },
      },
      log,
    });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const warnings = new Map((await w.tasks()).map((task) => [task.name, task.warnings]));
    expect(warnings.get("good")).to.deep.equal([]);
    expect(warnings.get("bad")?.[0]).to.contain('did you mean "demo.echo"?');
    expect(warnings.get("odd")?.[0]).to.contain('no method "ad"');
    await until(() => lines("warn").some((line) => line.includes("demo.ecko")));
  });

  it("are not waited for by the start, when nobody can be asked", async () => {
    const host = await mesh.workflows({
      nameserver: "tcp://127.0.0.1:1",
      drainTimeoutMs: 10,
      definitions: { tasks: { a: [{ interface: "x.y" }] } },
    });
    expect((await host.runs.start("a", 1)).task).to.equal("a");
  });
});

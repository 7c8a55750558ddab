import { existsSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import {
  currentCall,
  defineInterface,
  introspect,
  proxy,
  RemoteError,
  WORKFLOW_INTERFACE,
  WorkflowHost,
  workflow,
} from "../../src/index.js";
import { failureOf } from "../support/mesh.js";
import { until } from "../support/until.js";
import { useWorkflows } from "../support/workflows.js";

/** Adds its name to whatever comes. */
const chained = (name: string) =>
  defineInterface(name, {
    methods: { task1: (value: { readonly way?: string[] }) => ({ way: [...(value.way ?? []), name] }) },
  });

describe("A workflow service", () => {
  const mesh = useWorkflows();

  it("runs the configuration of PyCOM as it stands", async () => {
    const nameserver = (await mesh.meeting()).address;
    const names = ["demo.interface.1", "demo.interface.2", "demo.interface.3"];
    for (const name of names) await mesh.host([chained(name)], { nameserver });
    const file = mesh.file("tasks.json");
    writeFileSync(
      file,
      `{ "tasks": { "task1": [ { "interface": "demo.interface.1" },
                     { "interface": "demo.interface.2" },
                     { "interface": "demo.interface.3" } ] } }`,
    );
    await mesh.workflows({ service: "/demo/workflow/1", definitions: file });
    const w = workflow<{ task1(value: object): { way: string[] } }>("/demo/workflow/1", {
      client: await mesh.caller(),
    });
    expect(await w.invoke("task1", { way: [] })).to.deep.equal({ way: names });
    expect(await proxy(w).task1({ way: ["x"] })).to.deep.equal({ way: ["x", ...names] });
  });

  it("takes what its tasks declare, by name and in order", async () => {
    await mesh.workflows({
      definitions: {
        tasks: {
          pair: {
            doc: "Both.",
            params: ["a", "b"],
            optional: ["b"],
            steps: [{ value: ["${input.a}", "${input.b?}"] }],
          },
          same: [{ value: "${input}" }],
        },
      },
    });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const { pair, same } = proxy(w);
    expect(await pair?.(1, 2)).to.deep.equal([1, 2]);
    expect(await pair?.({ a: 1 })).to.deep.equal([1, null]);
    expect(await failureOf(pair?.() as Promise<unknown>)).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
    expect(await same?.("one")).to.equal("one");
    expect(await same?.([1, 2])).to.deep.equal([1, 2]);
    expect(await same?.()).to.equal(null);
    expect(await failureOf(same?.(1, 2) as Promise<unknown>)).to.include({ code: "BAD_REQUEST", outcome: "not-sent" });
  });

  it("tells a contract, and that repeating does no harm only where a repetition is recognised", async () => {
    const host = await mesh.workflows({
      definitions: { tasks: { pair: { doc: "Both.", params: ["a", "b"], optional: ["b"], steps: [{ value: 1 }] } } },
    });
    const client = mesh.client();
    const over = (wire: string) => introspect(client.connect(host.address, WORKFLOW_INTERFACE, { wire }));
    const lamp = await over("lamp");
    expect(lamp.methods.pair).to.include({ docstring: "Both." });
    expect(lamp.methods.pair?.required_arguments).to.deep.equal(["a"]);
    expect(lamp.methods.pair?.optional_arguments).to.deep.equal(["b"]);
    expect(lamp.contract?.methods.pair).to.deep.equal({ idempotent: true });
    expect((await over("pycom")).contract?.methods.pair).to.equal(undefined);
  });

  it("tells which run failed, where and why", async () => {
    const nameserver = (await mesh.meeting()).address;
    const broken = defineInterface("demo.broken", {
      methods: {
        order: () => {
          throw new RemoteError("out of stock", { number: 100_500 });
        },
      },
    });
    await mesh.host([broken], { nameserver });
    await mesh.workflows({ definitions: { tasks: { order: [{ name: "buy", interface: "demo.broken" }] } } });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const error = await failureOf(w.invoke("order", {}, { extensions: { "lamplighter.run": "order-17" } }));
    expect(error).to.include({ code: "UNKNOWN", number: 100_500, outcome: "executed" });
    expect(error.message).to.equal("Run order-17 of order failed at step buy: out of stock");
    expect(await failureOf(w.wait({ run: "order-17" }))).to.include({ number: 100_500, message: error.message });
    expect((await w.info({ run: "order-17" })).state).to.equal("failed");
  });

  it("goes on with a run whose caller has left, and says how it is doing before the caller leaves", async () => {
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await mesh.workflows({
      definitions: { tasks: { long: [{ name: "think", code: "think" }] } },
      code: {
        think: async () => {
          await finished;
          return 42;
        },
      },
    });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const late = await failureOf(w.invoke("long", 1, { timeoutMs: 400 }));
    expect(late).to.include({ code: "TIMEOUT", outcome: "executed" });
    const [run] = await w.list({ task: "long" });
    expect(late.message).to.contain(`Run ${run?.id} of long has not ended`).and.contain("it is running");
    expect(late.message).to.contain("lamplighter.workflow.control of /demo/workflow");
    const leaving = new AbortController();
    const extensions = { "lamplighter.run": "left" };
    const left = failureOf(w.invoke("long", 2, { signal: leaving.signal, extensions }));
    await until(async () => (await w.count()).running === 2);
    leaving.abort();
    expect(await left).to.include({ code: "CANCELLED" });
    expect((await w.info({ run: "left" })).state).to.equal("running");
    finish();
    expect(await w.wait({ run: "left" })).to.equal(42);
    expect(await w.wait({ run: run?.id ?? "" })).to.equal(42);
  });

  it("lets those wait who wait for a run that asks, and tells them what it asks", async () => {
    await mesh.workflows({
      definitions: { tasks: { pay: [{ name: "ok", wait: { approval: "Pay ${input}?", choices: ["yes", "no"] } }] } },
    });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const late = await failureOf(w.invoke("pay", 5, { timeoutMs: 400, extensions: { "lamplighter.run": "p1" } }));
    expect(late).to.include({ code: "TIMEOUT" });
    expect(late.message).to.contain("step ok asks: Pay 5?");
    const waiting = w.invoke("pay", 5, { extensions: { "lamplighter.run": "p1" } });
    await w.resume({ run: "p1", answer: "yes" });
    expect(await waiting).to.equal("yes");
    expect(await w.count()).to.include({ completed: 1 });
  });

  it("proposes tasks where one is not there, and no verbs of the control", async () => {
    await mesh.workflows({ definitions: { tasks: { order: [{ value: 1 }] } } });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    expect((await failureOf(w.start({ task: "ordr" }))).message).to.equal(
      'There is no task "ordr", did you mean "order"?',
    );
    expect((await failureOf(w.start({ task: "stat" }))).message).to.equal('There is no task "stat"');
  });

  it("takes calls with one id for one run, and refuses other calls with it", async () => {
    await mesh.workflows({ definitions: { tasks: { same: [{ value: "${input}" }], other: [{ value: 1 }] } } });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const extensions = { "lamplighter.run": "mine" };
    const { extensions: told } = await w.invokeFull("same", { a: 1 }, { extensions });
    expect(told).to.deep.equal(extensions);
    expect(await w.invoke("same", { a: 1 }, { extensions })).to.deep.equal({ a: 1 });
    expect(await w.count()).to.deep.include({ completed: 1 });
    for (const again of [w.invoke("same", { a: 2 }, { extensions }), w.invoke("other", { a: 1 }, { extensions })]) {
      expect(await failureOf(again)).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
    }
    for (const bad of ["", " x", "a\nb", "x".repeat(201), 5]) {
      const refused = await failureOf(w.invoke("same", 1, { extensions: { "lamplighter.run": bad } }));
      expect(refused).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
      expect(refused.message).to.contain("1 to 200 printable characters");
    }
  });

  it("knows no other tasks, and says which could have been meant", async () => {
    await mesh.workflows({ definitions: { tasks: { orders: [{ value: 1 }] } } });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const error = await failureOf(w.invoke("order"));
    expect(error).to.include({ code: "METHOD_NOT_FOUND", outcome: "not-executed" });
    expect(error.message).to.contain('did you mean "orders"?');
    expect(await failureOf(w.start({ task: "order" }))).to.include({
      code: "METHOD_NOT_FOUND",
      outcome: "not-executed",
    });
  });

  it("calls services in its own name, and for as long as steps may take", async () => {
    const nameserver = (await mesh.meeting()).address;
    let remainingMs = 0;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const extensions: unknown[] = [];
    const slow = defineInterface("demo.slow", {
      methods: {
        work: async () => {
          ({ remainingMs } = currentCall());
          extensions.push(currentCall().extensions);
          await released;
          return "done";
        },
      },
    });
    await mesh.host([slow], { nameserver });
    await mesh.workflows({ definitions: { tasks: { work: [{ interface: "demo.slow", timeoutMs: 20_000 }] } } });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    const token = { "org.pycom.auth": "a token", "lamplighter.run": "r" };
    const late = await failureOf(w.invoke("work", null, { timeoutMs: 500, extensions: token }));
    expect(late).to.include({ code: "TIMEOUT" });
    expect(remainingMs).to.be.above(10_000);
    expect(JSON.stringify(extensions)).not.to.contain("a token");
    release();
    expect(await w.wait({ run: "r" })).to.equal("done");
  });

  it("obeys policies of tasks and of control apart", async () => {
    await mesh.workflows({
      definitions: { tasks: { ok: [{ value: 1 }] } },
      policy: [
        { interface: "lamplighter.workflow", then: "allow" },
        { interface: "lamplighter.workflow.control", method: ["status", "wait"], then: "allow" },
      ],
    });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    expect(await w.invoke("ok", null, { extensions: { "lamplighter.run": "r" } })).to.equal(1);
    expect((await w.info({ run: "r" })).state).to.equal("completed");
    for (const refused of [w.list(), w.define({ tasks: {} }), w.cancel({ run: "r" }), w.remove({ task: "ok" })]) {
      expect(await failureOf(refused)).to.include({ code: "ACCESS_DENIED", outcome: "not-executed" });
    }
  });

  it("opens nothing for a definition that is wrong", async () => {
    const file = mesh.file("tasks.json");
    writeFileSync(file, '{ "tasks": { "a": [ { "interfaec": "x.y" } ] } }');
    const host = mesh.own(
      new WorkflowHost({ service: "/demo/workflow", journal: mesh.file("runs.db"), definitions: file }),
    );
    const error = await failureOf(host.start());
    expect(error).to.include({ code: "CONFIGURATION", name: "DefinitionError" });
    expect(error.message).to.contain("tasks.json").and.contain("tasks.a[0]");
    expect(existsSync(mesh.file("runs.db"))).to.equal(false);
    expect(() => host.runs).to.throw("not started");
  });

  it("takes several definitions, and refuses two tasks of one name", async () => {
    const file = mesh.file("tasks.yaml");
    writeFileSync(file, "tasks:\n  outer:\n    - task: inner\n");
    const inner = { tasks: { inner: [{ value: "in" }] } };
    await mesh.workflows({ definitions: [file, inner] });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    expect(await w.invoke("outer")).to.equal("in");
    const twice = new WorkflowHost({ service: "/x", journal: mesh.file("other.db"), definitions: [inner, inner] });
    expect((await failureOf(twice.start())).message).to.contain('"inner" stands in definition 1, and in definition 2');
    const circle = new WorkflowHost({
      service: "/x",
      journal: mesh.file("other.db"),
      definitions: [file, { tasks: { inner: [{ task: "outer" }] } }],
    });
    expect((await failureOf(circle.start())).message).to.contain("outer -> inner -> outer");
  });

  it("goes on at the next start, and those who wait do not notice", async () => {
    const definitions = { tasks: { order: [{ wait: { event: "paid" } }, { value: "${result}" }] } };
    const first = await mesh.workflows({ definitions });
    const client = await mesh.caller();
    const w = workflow("/demo/workflow", { client });
    const waiting = w.invoke("order", 1, { extensions: { "lamplighter.run": "o1" } });
    const plain = client.component(WORKFLOW_INTERFACE, "/demo/workflow").invoke("order", 2);
    await until(async () => (await w.count()).waiting === 2);
    const asked = w.wait({ run: "o1" });
    const before = (await w.list()).map(({ id }) => id);
    await first.close();
    await mesh.workflows({ definitions });
    for (const run of before) await w.deliver({ event: "paid", payload: "cash", run });
    expect(await Promise.all([waiting, plain, asked])).to.deep.equal(["cash", "cash", "cash"]);
    expect((await w.list()).map(({ id }) => id)).to.deep.equal(before);
    expect(before.every((id) => !id.includes(":"))).to.equal(true);
  });

  it("tells those who cannot try again that it goes", async () => {
    const first = await mesh.workflows({ definitions: { tasks: { order: [{ wait: { event: "paid" } }] } } });
    const once = workflow("/demo/workflow", { client: await mesh.caller() });
    const left = failureOf(once.invoke("order", 1, { retry: false, extensions: { "lamplighter.run": "o1" } }));
    await until(async () => (await first.runs.count()).waiting === 1);
    await first.close();
    const error = await left;
    expect(error).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(error.message).to.contain("run o1 goes on when it is started again");
  });

  it("tells how it is doing", async () => {
    const host = await mesh.workflows({
      definitions: { tasks: { order: [{ wait: { event: "paid" } }], one: [{ value: 1 }] } },
    });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    await w.invoke("one");
    await w.start({ task: "order" });
    const { sections } = await host.stats();
    const told = sections.workflow as { counters: object; journalBytes: number };
    expect(told.counters).to.deep.include({ failed: 0, asked: 0, ended: 1 });
    expect(told.journalBytes).to.be.above(0);
    expect(sections.workflow).to.deep.include({
      runs: { completed: 1, waiting: 1 },
      going: 1,
      tasks: 2,
      stalled: null,
    });
  });

  it("refuses options that make no sense", () => {
    const service = "/x";
    const make = (options: object) => () => new WorkflowHost({ service, journal: "j.db", ...options });
    expect(make({ service: "" })).to.throw("option service");
    expect(make({ journal: "" })).to.throw("option journal");
    expect(make({ maxRuns: 0 })).to.throw("option maxRuns");
    expect(make({ code: { x: 1 } })).to.throw("option code has x");
  });
});

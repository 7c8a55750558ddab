import { expect } from "chai";
import { CONTROL_INTERFACE, keyText, type RunProgress, type Workflow, workflow } from "../../src/index.js";
import { useKeys } from "../support/keys.js";
import { failureOf } from "../support/mesh.js";
import { until } from "../support/until.js";
import { useWorkflows } from "../support/workflows.js";

const DEFINITIONS = {
  tasks: {
    one: [{ value: "${input}" }],
    order: [{ name: "paid", wait: { event: "paid", key: "${input}" } }],
    ask: [{ name: "ok", wait: { approval: "Go on?", choices: ["yes", "no"] } }],
    code: [{ name: "try", code: "try" }],
  },
};

describe("The control of a workflow service", () => {
  const mesh = useWorkflows();
  const keys = useKeys();
  const begin = async (code: () => unknown = () => null): Promise<Workflow> => {
    await mesh.workflows({ definitions: DEFINITIONS, code: { try: code } });
    return workflow("/demo/workflow", { client: await mesh.caller() });
  };

  it("starts, waits, shows, lists and tells histories", async () => {
    const w = await begin();
    const begun = await w.start({ task: "one", input: { a: 1 }, id: "r1" });
    expect(begun).to.include({ id: "r1", task: "one" });
    expect(await w.wait({ run: "r1" })).to.deep.equal({ a: 1 });
    expect((await w.start({ task: "one", input: { a: 1 }, id: "r1" })).state).to.equal("completed");
    const other = await w.start({ task: "order", input: "k" });
    await until(async () => (await w.info({ run: other.id })).state === "waiting");
    expect((await w.list()).map(({ id }) => id)).to.deep.equal([other.id, "r1"]);
    expect((await w.list({ state: ["completed"], task: "one" })).map(({ id }) => id)).to.deep.equal(["r1"]);
    expect((await w.list({ limit: 1, after: other.id })).map(({ id }) => id)).to.deep.equal(["r1"]);
    expect(await w.count()).to.deep.equal({ completed: 1, waiting: 1 });
    const { steps } = await w.show({ run: other.id });
    expect(steps[0]).to.include({ step: "paid", kind: "wait", state: "waiting" });
    const history = await w.history({ run: "r1" });
    expect(history[0]).to.deep.include({ number: 1, event: { kind: "begun" } });
    expect(await w.history({ run: "r1", after: 1, limit: 1 })).to.deep.equal(history.slice(1, 2));
    expect(await w.deliver({ event: "paid", payload: 7, key: "k" })).to.deep.equal({ runs: [other.id] });
    expect(await w.wait({ run: other.id })).to.equal(7);
  });

  it("cancels, retries and answers, and notes who did it", async () => {
    let failures = 0;
    const w = await begin(() => {
      if (failures++ === 0) throw new Error("not yet");
      return "done";
    });
    await w.start({ task: "code", id: "c" });
    await failureOf(w.wait({ run: "c" }));
    await w.retry({ run: "c", by: "ann" });
    expect(await w.wait({ run: "c" })).to.equal("done");
    await w.start({ task: "ask", id: "a" });
    await until(async () => (await w.info({ run: "a" })).questions.length === 1);
    expect(await failureOf(w.resume({ run: "a", answer: "perhaps" }))).to.include({
      code: "BAD_REQUEST",
      outcome: "not-executed",
    });
    await w.resume({ run: "a", answer: "no", by: "bob" });
    expect(await w.wait({ run: "a" })).to.equal("no");
    await w.start({ task: "order", input: "x", id: "o" });
    await w.cancel({ run: "o", reason: "too late", by: "eve" });
    expect((await failureOf(w.wait({ run: "o" }))).message)
      .to.contain("Run o of order cancelled")
      .and.contain("too late");
    const by = async (run: string) =>
      (await w.history({ run })).flatMap(({ event }) => ("by" in event ? [event.by] : []));
    expect(await Promise.all(["c", "a", "o"].map(by))).to.deep.equal([["ann"], ["bob"], ["eve"]]);
  });

  // libzmq does not tell whose keys they are.
  if (process.env.LAMPLIGHTER_TRANSPORT !== "zeromq") {
    it("knows who acts by their keys, whatever they say", async () => {
      const [own, ann] = [keys(), keys()];
      own.trust("ann", ann.keys.publicKey);
      const host = await mesh.workflows({
        definitions: DEFINITIONS,
        code: { try: () => null },
        security: own.path,
        nameserver: false,
      });
      const serverKey = keyText(own.keys.publicKey);
      const client = mesh.client({ security: ann.path });
      const control = client.component(host.address, CONTROL_INTERFACE, { wire: "lamp", serverKey });
      for (const [run, by] of [
        ["a", undefined],
        ["b", "bob"],
      ] as const) {
        await control.invoke("start", { task: "ask", id: run });
        await until(
          async () => ((await control.invoke("status", { run })) as { questions: unknown[] }).questions.length === 1,
        );
        await control.invoke("resume", { run, answer: "yes", ...(by && { by }) });
      }
      const by = async (run: string) =>
        ((await control.invoke("history", { run })) as { event: { by?: string } }[]).flatMap(
          ({ event }) => event.by ?? [],
        );
      expect(await by("a")).to.deep.equal(["ann"]);
      expect(await by("b")).to.deep.equal(["bob (ann)"]);
    });
  }

  it("waits for as long as it is told, and says then how the run is doing", async () => {
    const w = await begin();
    await w.start({ task: "ask", id: "a" });
    await until(async () => (await w.info({ run: "a" })).questions.length === 1);
    const late = await failureOf(w.wait({ run: "a", timeoutMs: 50 }));
    expect(late).to.include({ code: "TIMEOUT", outcome: "executed" });
    expect(late.message).to.contain("Run a of ask has not ended").and.contain("Go on?");
    const leaving = new AbortController();
    const left = failureOf(w.wait({ run: "a", signal: leaving.signal }));
    leaving.abort();
    expect(await left).to.include({ code: "CANCELLED" });
  });

  it("follows a run to its end, and all runs until the reader leaves", async () => {
    const w = await begin();
    const all: string[] = [];
    const following = (async () => {
      for await (const { run } of w.progress()) {
        all.push(`${run.id} ${run.state}`);
        if (run.state === "completed") break;
      }
    })();
    await w.start({ task: "order", input: "k", id: "o" });
    const told: RunProgress[] = [];
    const one = (async () => {
      for await (const progress of w.progress({ run: "o" })) told.push(progress);
    })();
    await until(() => told.some(({ entry }) => entry?.event.kind === "waiting"));
    await w.deliver({ event: "paid", run: "o" });
    await one;
    expect(told[0]?.entry?.event.kind).to.equal("begun");
    expect(told.at(-1)?.run.state).to.equal("completed");
    expect(told.flatMap(({ entry }) => entry?.number ?? [])).to.deep.equal([
      ...new Set(told.flatMap(({ entry }) => entry?.number ?? [])),
    ]);
    // The one that follows all may have begun to when the first had ended.
    await w.start({ task: "one", id: "last" });
    await following;
    expect(all.at(-1)).to.contain("completed");
    const reader = w.progress()[Symbol.asyncIterator]();
    const next = reader.next();
    await w.start({ task: "one", id: "again" });
    await next;
    // Also while nothing happens.
    const waiting = reader.next();
    await reader.return?.();
    await Promise.race([waiting, Promise.resolve()]);
  });

  it("tells those who follow that the service goes", async () => {
    const host = await mesh.workflows({ definitions: DEFINITIONS, code: { try: () => null } });
    const w = workflow("/demo/workflow", { client: await mesh.caller() });
    await w.start({ task: "ask", id: "a" });
    let isFollowing = false;
    const following = failureOf(
      (async () => {
        for await (const _ of w.progress({ run: "a" })) isFollowing = true;
      })(),
    );
    await until(() => isFollowing);
    await host.close();
    expect((await following).code).to.equal("UNAVAILABLE");
  });

  it("refuses what makes no sense, and says what does", async () => {
    await begin();
    const control = (await mesh.caller()).component(CONTROL_INTERFACE, "/demo/workflow");
    const cases: readonly (readonly [string, object, string])[] = [
      ["start", {}, "args.task of lamplighter.workflow.control.start is missing"],
      ["start", { task: "" }, "args.task is a text of 1 to 200 characters"],
      ["start", { task: 5 }, "args.task is a text of 1 to 200 characters, got 5"],
      ["start", { task: "one", id: "a\u0000" }, "args.id is the id of a run: 1 to 200 printable characters"],
      ["status", { run: "" }, "args.run is the id of a run"],
      ["status", { run: "x".repeat(201) }, "1 to 200 printable characters"],
      ["status", { run: "none" }, "There is no run none"],
      ["show", { run: "none" }, "There is no run none"],
      ["wait", { run: "none" }, "There is no run none"],
      ["wait", { run: "none", timeoutMs: 0 }, "args.timeoutMs is a number above 0, got 0"],
      ["list", { limit: 1_001 }, "args.limit is a whole number from 1 to 1000, got 1001"],
      ["list", { state: "runing" }, 'got "runing", did you mean "running"?'],
      ["list", { since: "now" }, "args.since is a number of milliseconds since 1970"],
      ["history", { run: "none", after: -1 }, "args.after is a whole number from 0 on, got -1"],
      ["history", { run: "none", limit: 0 }, "args.limit is a whole number from 1 to 1000"],
      ["deliver", { event: "e" }, "needs a run or a key"],
      ["deliver", { event: "e", key: "" }, "args.key is a text of 1 to 1000 characters"],
      ["cancel", { run: "none", reason: "x".repeat(2_001) }, "args.reason is a text of 1 to 2000 characters"],
      ["remove", { task: "on" }, 'There is no task "on", did you mean "one"?'],
      ["unschedule", { name: "x" }, 'There is no schedule "x"'],
      ["schedule", { name: "x", task: "one", cron: "61 * * * *" }, "cron"],
      ["schedule", { name: "x", task: "two", cron: "0 * * * *" }, "two"],
      ["define", { tasks: { a: [{ cod: "x" }] } }, "tasks.a[0]"],
      ["define", { taks: {} }, "taks"],
    ];
    for (const [method, args, text] of cases) {
      const error = await failureOf(control.invoke(method, args));
      expect(error.code, `${method} ${JSON.stringify(args)}: ${error.message}`).to.equal("BAD_REQUEST");
      expect(error.outcome, `${method} ${JSON.stringify(args)}: ${error.message}`).to.equal("not-executed");
      expect(error.message).to.contain(text);
    }
  });
});

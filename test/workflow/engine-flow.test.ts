import { expect } from "chai";
import { type RpcError, rpcError } from "../../src/errors.js";
import type { Clock } from "../../src/workflow/clock.js";
import type { StepDefinition } from "../../src/workflow/definition/definition.js";
import type { Engine } from "../../src/workflow/engine/engine.js";
import { useEngines } from "../support/engines.js";
import { until } from "../support/until.js";

/** Time that passes when a test says so. */
class TestClock implements Clock {
  #now = Date.parse("2030-01-01T00:00:00Z");
  readonly #waiting = new Set<{ readonly when: number; readonly fire: () => void }>();

  now(): number {
    return this.#now;
  }

  at(when: number, fire: () => void): () => void {
    const one = { when, fire };
    this.#waiting.add(one);
    if (when <= this.#now) this.pass(0);
    return () => this.#waiting.delete(one);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  pass(ms: number): void {
    this.#now += ms;
    for (const one of [...this.#waiting]) {
      if (one.when > this.#now || !this.#waiting.delete(one)) continue;
      setImmediate(one.fire);
    }
  }
}

describe("A run", () => {
  const engines = useEngines();
  const failure = (engine: Engine, id: string): Promise<RpcError> =>
    engine.wait(id).then(
      () => expect.fail("it did not fail"),
      (error: unknown) => error as RpcError,
    );
  const broken = (): never => {
    throw rpcError("UNKNOWN", "broken", { outcome: "executed" });
  };

  it("waits for a time, also when its service is not there meanwhile", async () => {
    const clock = new TestClock();
    const first = await engines.start({
      tasks: { task: [{ wait: { forMs: 60_000 } }, { value: "${result}!" }] },
      clock,
    });
    const { id } = await first.engine.start("task", "late");
    await until(async () => (await first.engine.status(id)).state === "waiting");
    const second = await first.crash();
    clock.pass(59_999);
    expect((await second.engine.status(id)).state).to.equal("waiting");
    clock.pass(1);
    expect(await second.engine.wait(id)).to.equal("late!");
  });

  it("waits until a moment", async () => {
    const clock = new TestClock();
    const { engine } = await engines.start({ tasks: { task: [{ wait: { until: "${input}" } }] }, clock });
    const { id } = await engine.start("task", "2030-01-02T00:00:00Z");
    await until(() => clock.waiting === 1);
    clock.pass(24 * 60 * 60 * 1_000);
    expect(await engine.wait(id)).to.equal("2030-01-02T00:00:00Z");
    const { id: wrong } = await engine.start("task", "soon");
    expect((await failure(engine, wrong)).message)
      .to.include("2030-01-31T12:00:00Z")
      .and.include("soon");
  });

  it("waits for an event that is delivered to it, before or after it waits", async () => {
    const first = await engines.start({
      tasks: {
        task: [
          { name: "a", wait: { event: "paid" } },
          { wait: { event: "paid" } },
          { value: ["${steps.a}", "${result}"] },
        ],
      },
    });
    const { id } = await first.engine.start("task", null);
    await until(async () => (await first.engine.status(id)).state === "waiting");
    expect(await first.engine.deliver("paid", 1, { run: id })).to.deep.equal({ runs: [id] });
    const second = await first.crash();
    await second.engine.deliver("paid", 2, { run: id });
    expect(await second.engine.wait(id)).to.deep.equal([1, 2]);
  });

  it("waits for an event under a key, as others do", async () => {
    const { engine } = await engines.start({ tasks: { task: [{ wait: { event: "paid", key: "${input}" } }] } });
    const runs = await Promise.all(["x", "x", "y"].map((key) => engine.start("task", key)));
    for (const { id } of runs) await until(async () => (await engine.status(id)).state === "waiting");
    const { runs: reached } = await engine.deliver("paid", "now", { key: "x" });
    expect([...reached].sort()).to.deep.equal([runs[0]?.id, runs[1]?.id].sort());
    expect(await engine.wait(runs[0]?.id ?? "")).to.equal("now");
    expect((await engine.status(runs[2]?.id ?? "")).state).to.equal("waiting");
    expect(await engine.deliver("paid", "now", { key: "z" })).to.deep.equal({ runs: [] });
  });

  it("waits for what is published", async () => {
    const { engine } = await engines.start({
      tasks: { task: [{ wait: { published: "demo.numbers" } }] },
      published: (name) => Promise.resolve(`first of ${name}`),
    });
    const { id } = await engine.start("task", null);
    expect(await engine.wait(id)).to.equal("first of demo.numbers");
  });

  it("waits for the answer of a person", async () => {
    const { engine } = await engines.start({
      tasks: { task: [{ name: "ask", wait: { approval: "Pay ${input}?", choices: ["yes", "no"] } }] },
    });
    const { id } = await engine.start("task", 100);
    await until(async () => (await engine.status(id)).questions.length === 1);
    expect((await engine.status(id)).questions[0]).to.deep.include({
      text: "Pay 100?",
      choices: ["yes", "no"],
      kind: "approval",
    });
    await engine.resume(id, { answer: "yes" });
    expect(await engine.wait(id)).to.equal("yes");
  });

  it("waits no longer than it may", async () => {
    const clock = new TestClock();
    const wait = (onTimeout: "fail" | "continue"): StepDefinition[] => [
      { wait: { event: "never" }, timeoutMs: 1_000, onTimeout },
    ];
    const first = await engines.start({ tasks: { fail: wait("fail"), goOn: wait("continue") }, clock });
    const [{ id: failed }, { id: goesOn }] = [
      await first.engine.start("fail", null),
      await first.engine.start("goOn", null),
    ];
    await until(() => clock.waiting === 2);
    const { engine } = await first.crash();
    await until(() => clock.waiting === 2);
    clock.pass(1_000);
    expect(await failure(engine, failed)).to.include({ code: "TIMEOUT" });
    expect(await engine.wait(goesOn)).to.equal(null);
  });

  it("tries a step again, as often as it may, with pauses that outlive its service", async () => {
    const clock = new TestClock();
    let calls = 0;
    const setup = {
      tasks: {
        task: [{ interface: "demo", method: "try", retry: { attempts: 3, delayMs: 1_000, factor: 2 } }],
      },
      services: { "demo.try": () => (++calls < 3 ? broken() : "at last") },
      clock,
    };
    const first = await engines.start(setup);
    const { id } = await first.engine.start("task", null);
    await until(() => clock.waiting === 1);
    const { engine } = await first.crash();
    await until(() => clock.waiting === 1);
    clock.pass(1_000);
    await until(() => clock.waiting === 1);
    clock.pass(2_000);
    expect(await engine.wait(id)).to.equal("at last");
    expect((await engine.show(id)).steps[0]).to.include({ attempts: 3, state: "done" });
    calls = -3;
    const { id: other } = await engine.start("task", null);
    for (let pause = 0; pause < 2; pause++) {
      await until(() => clock.waiting === 1);
      clock.pass(4_000);
    }
    expect((await failure(engine, other)).message).to.include("broken");
    expect(calls).to.equal(0);
  });

  it("does what stands at the end of steps that are tried again after each try", async () => {
    const clock = new TestClock();
    const calls: string[] = [];
    const setup = {
      tasks: {
        task: [
          {
            steps: [
              { interface: "demo", method: "first" },
              { interface: "demo", method: "try" },
            ],
            finally: [{ interface: "demo", method: "end" }],
            retry: { attempts: 2, delayMs: 1_000 },
          },
        ],
      },
      services: {
        "demo.first": () => calls.push("first"),
        "demo.try": () => (calls.push("try"), calls.length < 4 ? broken() : "done"),
        "demo.end": () => calls.push("end"),
      },
      clock,
    };
    const first = await engines.start(setup);
    const { id } = await first.engine.start("task", null);
    await until(() => clock.waiting === 1);
    const { engine } = await first.crash();
    await until(() => clock.waiting === 1);
    clock.pass(1_000);
    expect(await engine.wait(id)).to.equal("done");
    expect(calls).to.deep.equal(["first", "try", "end", "try", "end"]);
  });

  it("is not tried again where that makes no sense", async () => {
    let calls = 0;
    const { engine } = await engines.start({
      tasks: {
        bad: [{ interface: "demo", method: "bad", retry: { attempts: 5 } }],
        other: [{ interface: "demo", method: "bad", retry: { attempts: 5, on: ["TIMEOUT"] } }],
      },
      services: {
        "demo.bad": () => {
          calls++;
          throw rpcError("BAD_REQUEST", "no", { outcome: "not-executed" });
        },
      },
    });
    for (const task of ["bad", "other"]) await failure(engine, (await engine.start(task, null)).id);
    expect(calls).to.equal(2);
  });

  it("stops the other branches when one fails: they end what they do, and begin nothing more", async () => {
    const calls: string[] = [];
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { engine } = await engines.start({
      tasks: {
        task: [
          {
            parallel: {
              slow: [
                { interface: "demo", method: "slow", compensate: { interface: "demo", method: "undo" } },
                { interface: "demo", method: "next" },
              ],
              broken: { interface: "demo", method: "broken" },
            },
          },
        ],
      },
      services: {
        "demo.slow": async () => {
          await gate;
          calls.push("slow");
          return "slow";
        },
        "demo.next": () => calls.push("next"),
        "demo.undo": (what) => calls.push(`undo ${String(what)}`),
        "demo.broken": broken,
      },
    });
    const { id } = await engine.start("task", null);
    await until(async () => (await engine.history(id)).some(({ event }) => event.kind === "failed"));
    goOn();
    expect((await failure(engine, id)).message).to.include("broken");
    expect(calls).to.deep.equal(["slow", "undo slow"]);
  });

  it("is cancelled: it ends what it does, undoes it, and does what is to be done at the end", async () => {
    const calls: string[] = [];
    const { engine } = await engines.start({
      tasks: {
        task: {
          steps: [
            { interface: "demo", method: "make", compensate: { interface: "demo", method: "undo" } },
            { wait: { event: "never" } },
          ],
          finally: [{ interface: "demo", method: "end" }],
        },
      },
      services: {
        "demo.make": () => "made",
        "demo.undo": (what) => calls.push(`undo ${String(what)}`),
        "demo.end": () => calls.push("end"),
      },
    });
    const { id } = await engine.start("task", null);
    await until(async () => (await engine.status(id)).state === "waiting");
    await engine.cancel(id, "changed my mind");
    expect(await failure(engine, id)).to.include({ code: "CANCELLED" });
    expect((await engine.status(id)).state).to.equal("cancelled");
    expect(calls).to.deep.equal(["undo made", "end"]);
    const error = await engine.cancel(id, "again").catch((reason: unknown) => reason as RpcError);
    expect((error as RpcError).message).to.include("is cancelled already");
  });

  it("that has failed goes on at the step that failed, when it is told to; what was undone is done again", async () => {
    let isBroken = true;
    const calls: string[] = [];
    const first = await engines.start({
      tasks: {
        task: {
          steps: [
            { interface: "demo", method: "kept" },
            { interface: "demo", method: "make", compensate: { interface: "demo", method: "undo" } },
            { interface: "demo", method: "try" },
          ],
          finally: [{ interface: "demo", method: "end" }],
        },
      },
      services: {
        "demo.kept": () => calls.push("kept"),
        "demo.make": () => calls.push("make"),
        "demo.undo": () => calls.push("undo"),
        "demo.try": () => (isBroken ? broken() : calls.push("try")),
        "demo.end": () => calls.push("end"),
      },
    });
    const { id } = await first.engine.start("task", null);
    await failure(first.engine, id);
    const { engine } = await first.crash();
    isBroken = false;
    expect((await engine.retry(id)).state).to.equal("running");
    await engine.wait(id);
    expect(calls).to.deep.equal(["kept", "make", "undo", "end", "make", "try", "end"]);
    expect((await engine.status(id)).state).to.equal("completed");
  });

  it("takes no longer than its task may", async () => {
    const clock = new TestClock();
    const { engine } = await engines.start({
      tasks: { task: { steps: [{ wait: { event: "never" } }], timeoutMs: 5_000 } },
      clock,
    });
    const { id } = await engine.start("task", null);
    await until(() => clock.waiting === 1);
    clock.pass(5_000);
    const error = await failure(engine, id);
    expect(error).to.include({ code: "TIMEOUT" });
    expect((await engine.status(id)).state).to.equal("failed");
  });

  it("is one run, however often it is begun with the same id; and refuses another input", async () => {
    let calls = 0;
    const { engine } = await engines.start({
      tasks: { task: [{ interface: "demo", method: "count" }] },
      services: { "demo.count": () => ++calls },
    });
    const begun = await Promise.all([1, 2, 3].map(() => engine.start("task", { n: 1 }, { id: "mine" })));
    expect(new Set(begun.map(({ id }) => id))).to.deep.equal(new Set(["mine"]));
    expect(await engine.wait("mine")).to.equal(1);
    expect((await engine.start("task", { n: 1 }, { id: "mine" })).state).to.equal("completed");
    const error = await engine.start("task", { n: 2 }, { id: "mine" }).catch((reason: unknown) => reason as RpcError);
    expect(error).to.include({ code: "BAD_REQUEST" });
    expect(calls).to.equal(1);
  });

  it("keeps the definition that it began with", async () => {
    const first = await engines.start({ tasks: { task: [{ wait: { event: "go" } }, { value: "old" }] } });
    const { id, version } = await first.engine.start("task", null);
    await until(async () => (await first.engine.status(id)).state === "waiting");
    const { engine } = await first.crash({ tasks: { task: [{ value: "new" }] } });
    await engine.deliver("go", null, { run: id });
    expect(await engine.wait(id)).to.equal("old");
    const { id: other, version: newVersion } = await engine.start("task", null);
    expect(await engine.wait(other)).to.equal("new");
    expect(newVersion).to.not.equal(version);
  });

  it("fails at a step whose result cannot be kept, and loses nothing else", async () => {
    const { engine } = await engines.start({
      tasks: { task: [{ name: "one", code: "one" }, { name: "two", code: "two" }, { value: 1 }] },
      code: { one: () => "kept", two: () => () => "a function" },
    });
    const { id } = await engine.start("task", null);
    const error = await failure(engine, id);
    expect(error.message).to.include("two");
    expect((await engine.status(id)).error).to.include({ code: "BAD_REQUEST", step: "two", outcome: "executed" });
    const history = await engine.history(id);
    expect(history.map(({ number }) => number)).to.deep.equal(history.map((_, index) => index + 1));
  });

  it("can be followed from its beginning to its end", async () => {
    const { engine } = await engines.start({ tasks: { task: [{ wait: { event: "go" } }, { value: 3 }] } });
    const { id } = await engine.start("task", null);
    await until(async () => (await engine.status(id)).state === "waiting");
    const seen: string[] = [];
    const following = (async () => {
      for await (const { run, entry } of engine.progress(id, new AbortController().signal)) {
        seen.push(entry ? `${entry.number} ${entry.event.kind}` : run.state);
        if (entry?.event.kind === "waiting") await engine.deliver("go", null, { run: id });
      }
    })();
    await following;
    expect(seen.filter((line) => /^\d/.test(line))).to.deep.equal([
      "1 begun",
      "2 waiting",
      "3 event",
      "4 done",
      "5 ended",
    ]);
    expect(seen.at(-1)).to.equal("completed");
  });
});

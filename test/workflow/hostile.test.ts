import { expect } from "chai";
import type { TaskDefinition } from "../../src/workflow/definition/definition.js";
import type { Engine } from "../../src/workflow/engine/engine.js";
import type { RunJournal } from "../../src/workflow/journal/run-journal.js";
import type { RunState } from "../../src/workflow/run.js";
import { useEngines } from "../support/engines.js";
import { ManualClock } from "../support/manual-clock.js";
import { failureOf } from "../support/mesh.js";
import { until } from "../support/until.js";

const WAIT: TaskDefinition = [{ name: "w", wait: { event: "come" } }];
const CALL: TaskDefinition = [{ name: "a", interface: "do", method: "it" }];

describe("An engine among those who wish it ill", () => {
  const engines = useEngines();
  const isIn = (engine: Engine, id: string, state: RunState): Promise<void> =>
    until(async () => (await engine.status(id)).state === state);

  /** A journal with some of its methods replaced. */
  const changed = (journal: RunJournal, methods: Partial<RunJournal>): RunJournal =>
    new Proxy(journal, {
      get: (target, name) => {
        const own: unknown = Reflect.get(methods, name);
        const value: unknown = own ?? Reflect.get(target, name);
        return typeof value === "function" ? (value.bind(own ? methods : target) as unknown) : value;
      },
    });

  it("goes on once with a run that is retried several times at once", async () => {
    let calls = 0;
    const { engine } = await engines.start({
      tasks: { task: CALL },
      services: {
        "do.it": () => {
          if (++calls === 1) throw new Error("not yet");
          return calls;
        },
      },
    });
    const { id } = await engine.start("task", null);
    await failureOf(engine.wait(id));
    const retried = await Promise.allSettled([engine.retry(id), engine.retry(id), engine.retry(id)]);
    expect(retried.filter(({ status }) => status === "fulfilled")).to.have.length(1);
    expect(await engine.wait(id)).to.equal(2);
    expect(calls).to.equal(2);
    expect((await engine.history(id)).filter(({ event }) => event.kind === "retried")).to.have.length(1);
  });

  it("begins one run when many start it at once, and tells all who wait meanwhile its result", async () => {
    let calls = 0;
    const { engine } = await engines.start({ tasks: { task: CALL }, services: { "do.it": () => ++calls } });
    const started = Array.from({ length: 50 }, () => engine.start("task", null, { id: "one" }));
    const waiting = Array.from({ length: 50 }, () => engine.wait("one"));
    expect(await Promise.all(waiting)).to.deep.equal(new Array(50).fill(1));
    await Promise.all(started);
    expect(calls).to.equal(1);
  });

  it("does nothing of a run that begins while it is closed, and goes on with it at the next start", async () => {
    let calls = 0;
    const first = await engines.start({ tasks: { task: CALL }, services: { "do.it": () => ++calls } });
    const starting = first.engine.start("task", null, { id: "one" });
    const closing = first.engine.close(1_000);
    // Whether it will go on is known only when it does.
    expect(await failureOf(starting)).to.include({ code: "UNAVAILABLE", outcome: "unknown" });
    await closing;
    await new Promise(setImmediate);
    expect(calls).to.equal(0);
    const { engine } = await first.crash();
    expect(await engine.wait("one")).to.equal(1);
  });

  it("does not let a run suffer from an event or an answer that cannot be kept", async () => {
    const { engine } = await engines.start({
      tasks: { task: WAIT, ask: [{ name: "q", wait: { approval: "Well?" } }] },
    });
    const { id } = await engine.start("task", null);
    const { id: asking } = await engine.start("ask", null);
    await isIn(engine, id, "waiting");
    await until(async () => (await engine.status(asking)).questions.length === 1);
    const circle: unknown[] = [];
    circle.push(circle);
    for (const bad of [() => 1, circle, "x".repeat(20 * 1024 * 1024), Buffer.alloc(16 * 1024 * 1024)]) {
      expect(await failureOf(engine.deliver("come", bad, { run: id }))).to.include({ code: "BAD_REQUEST" });
      expect(await failureOf(engine.resume(asking, { answer: bad }))).to.include({ code: "BAD_REQUEST" });
    }
    await engine.deliver("come", "well", { run: id });
    await engine.resume(asking, { answer: "yes" });
    expect(await engine.wait(id)).to.equal("well");
    expect(await engine.wait(asking)).to.equal("yes");
    const numbers = (await engine.history(id)).map(({ number }) => number);
    expect(numbers).to.deep.equal(numbers.map((_, index) => index + 1));
  });

  it("keeps an event that came too late for one step for the next that waits for it", async () => {
    const clock = new ManualClock(1_000);
    const first = await engines.start({
      tasks: {
        task: [
          { name: "one", wait: { event: "come" }, timeoutMs: 100, onTimeout: "continue" },
          { name: "two", wait: { event: "come" } },
          { value: ["${steps.one}", "${result}"] },
        ],
      },
      clock,
    });
    const { id } = await first.engine.start("task", null);
    await isIn(first.engine, id, "waiting");
    // It is written down when the time is over, and told then.
    const delivered = first.engine.deliver("come", "late", { run: id });
    await clock.to(2_000, () => new Promise(setImmediate));
    await delivered;
    expect(await first.engine.wait(id)).to.deep.equal([null, "late"]);
    const { engine } = await first.crash();
    expect(await engine.wait(id)).to.deep.equal([null, "late"]);
  });

  it("says of a run whose definition is lost that it cannot go on, and lets it be cancelled", async () => {
    const first = await engines.start({ tasks: { task: WAIT } });
    const { id } = await first.engine.start("task", null);
    await isIn(first.engine, id, "waiting");
    const lost = (journal: RunJournal): RunJournal =>
      changed(journal, { definition: () => Promise.resolve(undefined) });
    const second = await first.crash({ wrap: lost });
    const { engine } = second;
    const refused = async (what: Promise<unknown>, code: string): Promise<void> => {
      const error = await failureOf(what);
      expect(error).to.include({ code });
      expect(error.message).to.include("cannot go on").and.include("no definition");
    };
    await refused(engine.wait(id), "CONFIGURATION");
    await refused(engine.deliver("come", 1, { run: id }), "CONFIGURATION");
    await refused(engine.resume(id, { answer: 1 }), "CONFIGURATION");
    expect(await engine.status(id)).to.include({ state: "waiting" });
    expect((await engine.status(id)).stalled).to.include("no definition");
    expect((await engine.list({}))[0]?.stalled).to.include("no definition");
    expect((await engine.show(id)).steps).to.deep.equal([]);
    expect((await engine.cancel(id, "it is lost", "Ada")).state).to.equal("cancelled");
    expect(await engine.cancel(id, "again").catch((error: unknown) => error)).to.include({
      code: "BAD_REQUEST",
    });
    expect(await failureOf(engine.wait(id))).to.include({ code: "CANCELLED" });
    expect((await engine.history(id)).map(({ event }) => event.kind).slice(-2)).to.deep.equal(["cancelled", "ended"]);
    expect(await (await second.crash({ wrap: lost })).engine.count()).to.deep.include({ cancelled: 1 });
  });

  it("cancels once what is cancelled several times, and nothing that ends at the same time", async () => {
    const { engine } = await engines.start({ tasks: { task: WAIT } });
    const { id } = await engine.start("task", null);
    await isIn(engine, id, "waiting");
    await Promise.all([engine.cancel(id, "one"), engine.cancel(id, "two"), engine.cancel(id, "three")]);
    expect((await failureOf(engine.wait(id))).message).to.include("one");
    const { id: other } = await engine.start("task", null);
    await isIn(engine, other, "waiting");
    const late = engine.deliver("come", 1, { run: other });
    const outcomes = await Promise.allSettled([late, engine.wait(other), engine.cancel(other, "late")]);
    const { state } = await engine.status(other);
    expect(state).to.equal(outcomes[1].status === "fulfilled" ? "completed" : "cancelled");
    const kinds = (await engine.history(other)).map(({ event }) => event.kind);
    expect(kinds.indexOf("ended")).to.equal(kinds.length - 1);
  });

  it("fails of an error whose text is too long to be kept", async () => {
    const { engine } = await engines.start({
      tasks: { task: CALL },
      services: {
        "do.it": () => {
          throw new Error("x".repeat(20 * 1024 * 1024));
        },
      },
    });
    const { id } = await engine.start("task", null);
    await failureOf(engine.wait(id));
    const { state, error } = await engine.status(id);
    expect(state).to.equal("failed");
    expect(error?.message).to.have.length.below(20_000).and.include("xxx");
  });

  it("hears at once of what is delivered under a key when it is taken up again", async () => {
    const first = await engines.start({ tasks: { task: [{ wait: { event: "come", key: "k" } }] } });
    const { id } = await first.engine.start("task", null);
    await isIn(first.engine, id, "waiting");
    const { engine } = await first.crash();
    expect(await engine.deliver("come", 1, { key: "k" })).to.deep.equal({ runs: [id] });
    expect(await engine.wait(id)).to.equal(1);
  });

  it("takes one of several answers that come at once", async () => {
    const { engine } = await engines.start({ tasks: { ask: [{ name: "q", wait: { approval: "Well?" } }] } });
    const { id } = await engine.start("ask", null);
    await until(async () => (await engine.status(id)).questions.length === 1);
    const answers = [1, 2, 3].map((answer) => engine.resume(id, { answer }));
    const taken = (await Promise.allSettled(answers)).filter(({ status }) => status === "fulfilled");
    expect(taken).to.have.length(1);
    expect(await engine.wait(id)).to.equal(1);
  });
});

import { expect } from "chai";
import type { RpcError } from "../../src/errors.js";
import type { RunJournal } from "../../src/workflow/journal/run-journal.js";
import { useEngines } from "../support/engines.js";
import { ManualClock } from "../support/manual-clock.js";
import { until } from "../support/until.js";

describe("Engine at the edges", () => {
  const engines = useEngines();
  const errorOf = (promise: Promise<unknown>): Promise<RpcError> =>
    promise.then(
      () => expect.fail("it did not fail"),
      (error: unknown) => error as RpcError,
    );
  /** A journal some of whose methods are others. */
  const changed =
    (changes: (journal: RunJournal) => Partial<RunJournal>) =>
    (journal: RunJournal): RunJournal => {
      const others = new Map(Object.entries(changes(journal)));
      return new Proxy(journal, {
        get: (target, name) => {
          const value: unknown = others.get(String(name)) ?? Reflect.get(target, name);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    };

  it("does not take a run that cannot go on for one that has ended", async () => {
    const first = await engines.start({ tasks: { order: [{ wait: { event: "paid" } }] } });
    const { id } = await first.engine.start("order", 1);
    const { engine } = await first.crash({ wrap: changed(() => ({ definition: () => Promise.resolve(undefined) })) });
    for (const asked of [engine.wait(id), engine.deliver("paid", 1, { run: id })]) {
      const { code, outcome, message } = await errorOf(asked);
      expect([code, outcome]).to.deep.equal(["CONFIGURATION", "executed"]);
      expect(message).to.match(/has not ended, and cannot go on: The journal has no definition/);
    }
    expect((await engine.status(id)).stalled).to.match(/has no definition/);
  });

  it("begins a run once that is retried twice at a time", async () => {
    let calls = 0;
    const { engine } = await engines.start({
      tasks: { order: [{ interface: "bank", method: "pay" }] },
      services: {
        "bank.pay": () => {
          calls++;
          if (calls === 1) throw new Error("no money");
          return "receipt";
        },
      },
    });
    const { id } = await engine.start("order", 5);
    await errorOf(engine.wait(id));
    const [one, other] = await Promise.allSettled([engine.retry(id), engine.retry(id)]);
    expect([one.status, other.status]).to.deep.equal(["fulfilled", "rejected"]);
    expect(await engine.wait(id)).to.equal("receipt");
    expect(calls).to.equal(2);
    const numbers = (await engine.history(id)).map(({ number }) => number);
    expect(numbers).to.deep.equal(numbers.map((_, index) => index + 1));
  });

  it("begins nothing that was asked for shortly before it was closed, and goes on with it later", async () => {
    let reached: () => void = () => undefined;
    let open: () => void = () => undefined;
    const isReached = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let calls = 0;
    const first = await engines.start({
      tasks: { order: [{ interface: "bank", method: "pay" }] },
      services: { "bank.pay": () => ++calls },
      wrap: changed((journal) => ({
        begin: async (run) => {
          const begun = await journal.begin(run);
          reached();
          await gate;
          return begun;
        },
      })),
    });
    const starting = errorOf(first.engine.start("order", 5, { id: "order-1" }));
    await isReached;
    await first.engine.close(0);
    open();
    const { code, outcome } = await starting;
    expect([code, outcome]).to.deep.equal(["UNAVAILABLE", "unknown"]);
    expect(calls).to.equal(0);
    const { engine } = await first.crash({ wrap: (journal) => journal });
    expect(await engine.wait("order-1")).to.equal(1);
  });

  it("refuses what cannot be kept, and lets no run suffer for it", async () => {
    const { engine } = await engines.start({
      tasks: { order: [{ wait: { event: "paid" } }, { wait: { approval: "Really?" } }] },
    });
    const { id } = await engine.start("order", 5);
    const isWaiting = async (): Promise<boolean> => (await engine.status(id)).state === "waiting";
    await until(isWaiting);
    for (const payload of [() => 1, "x".repeat(17 * 1024 * 1024)]) {
      const { code, outcome, message } = await errorOf(engine.deliver("paid", payload, { run: id }));
      expect([code, outcome]).to.deep.equal(["BAD_REQUEST", "not-executed"]);
      expect(message).to.match(/^This cannot (be kept|travel): .*what comes with the event paid/);
    }
    await engine.deliver("paid", 1, { run: id });
    await until(async () => (await engine.status(id)).questions.length === 1);
    expect((await errorOf(engine.resume(id, { answer: () => 1 }))).code).to.equal("BAD_REQUEST");
    await engine.resume(id, { answer: "yes" });
    expect(await engine.wait(id)).to.equal("yes");
  });

  it("fails a run whose result the journal does not take, and undoes what it did", async () => {
    const undone: unknown[] = [];
    const { engine } = await engines.start({
      tasks: {
        order: [
          { value: 5, compensate: { code: "undo" } },
          { map: "${input}", steps: [{ code: "much" }] },
        ],
      },
      code: { much: () => "x".repeat(7 * 1024 * 1024), undo: (what) => void undone.push(what) },
    });
    const { id } = await engine.start("order", [1, 2, 3]);
    expect((await errorOf(engine.wait(id))).message).to.match(/This cannot be kept: the result of run/);
    const { state, error } = await engine.status(id);
    expect(state).to.equal("failed");
    expect(error?.message).to.match(/This cannot be kept/);
    expect(undone).to.deep.equal([5]);
    const history = await engine.history(id);
    expect(history.at(-1)?.event).to.deep.equal({ kind: "ended", state: "failed" });
    expect(history.map(({ number }) => number)).to.deep.equal(history.map((_, index) => index + 1));
  });

  it("gives a run that is retried its time anew", async () => {
    const clock = new ManualClock(1_000_000);
    let calls = 0;
    const { engine } = await engines.start({
      tasks: {
        order: {
          steps: [{ timeoutMs: 1_000, steps: [{ interface: "bank", method: "pay" }, { wait: { event: "sent" } }] }],
          timeoutMs: 2_000,
        },
      },
      services: {
        "bank.pay": () => {
          if (++calls === 1) throw new Error("no money");
          return "receipt";
        },
      },
      clock,
    });
    const { id } = await engine.start("order", 5);
    expect((await errorOf(engine.wait(id))).message).to.include("no money");
    clock.jump(2_000_000);
    await engine.retry(id);
    await until(async () => (await engine.status(id)).state === "waiting");
    await clock.to(2_000_900, () => Promise.resolve());
    await engine.deliver("sent", "parcel", { run: id });
    expect(await engine.wait(id)).to.equal("parcel");
  });
});

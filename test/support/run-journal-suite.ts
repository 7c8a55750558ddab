import { expect } from "chai";
import type { ServiceRecord } from "../../src/peer/record.js";
import type {
  JournalWrite,
  NewRun,
  RunJournal,
  StoredRun,
  StoredSchedule,
} from "../../src/workflow/journal/run-journal.js";
import type { HistoryEvent, RunState } from "../../src/workflow/run.js";
import { failureOf } from "./mesh.js";

/** Where a journal under test keeps what it is given. */
export interface JournalStore {
  /** Opens the journal; again after it was closed, with what was written before. */
  open(options?: { readonly maxRecordBytes?: number }): Promise<RunJournal>;
  /** Removes everything. */
  remove(): Promise<void>;
}

/** A run that is about to begin. */
export function newRun(id: string, rest: Partial<NewRun> = {}): NewRun {
  return { id, task: "ship", version: "v1", state: "running", startedAt: 1_000, input: null, ...rest };
}

/** A line of a history. */
export function line(
  run: number,
  number: number,
  event: HistoryEvent = { kind: "started", step: "0", attempt: number },
): JournalWrite {
  return { kind: "entry", run, entry: { number, at: 1_000 + number, event } };
}

/** A change of state. */
export function state(run: number, to: RunState, at = 5_000): JournalWrite {
  return { kind: "state", run, state: to, at, ended: ["completed", "failed", "cancelled"].includes(to) };
}

/** What every {@link RunJournal} promises, whatever it is made of. */
export function runJournalSuite(makeStore: () => JournalStore | Promise<JournalStore>): void {
  let store: JournalStore;
  const opened: RunJournal[] = [];
  let journal: RunJournal;

  const open = async (options?: { readonly maxRecordBytes?: number }): Promise<RunJournal> => {
    const made = await store.open(options);
    opened.push(made);
    return made;
  };
  const reopen = async (): Promise<RunJournal> => {
    await journal.close();
    return await open();
  };
  const begin = async (id: string, rest?: Partial<NewRun>): Promise<number> =>
    (await journal.begin(newRun(id, rest))).run.key;
  const ids = (runs: readonly StoredRun[]): string[] => runs.map(({ id }) => id);
  const numbers = async (run: number, ...page: readonly number[]): Promise<number[]> =>
    (await journal.history(run, ...page)).map(({ number }) => number);

  beforeEach(async () => {
    store = await makeStore();
    journal = await open();
  });

  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    await store.remove();
  });

  describe("begin and find", () => {
    it("keep a run with the first line of its history, also for the next process", async () => {
      const { run, isNew } = await journal.begin(newRun("a", { input: { order: 7 }, startedAt: 1_234 }));
      expect(isNew).to.equal(true);
      expect(run).to.deep.equal({
        ...newRun("a", { input: { order: 7 }, startedAt: 1_234 }),
        key: run.key,
        updatedAt: 1_234,
        endedAt: null,
      });
      const { id } = journal;
      journal = await reopen();
      expect(journal.id).to.equal(id);
      expect(await journal.find("a")).to.deep.equal(run);
      expect(await journal.find("b")).to.equal(undefined);
      expect(await journal.history(run.key)).to.deep.equal([{ number: 1, at: 1_234, event: { kind: "begun" } }]);
    });

    it("give the run that is there for an id that was given before", async () => {
      const first = await journal.begin(newRun("a", { input: 1 }));
      await journal.write([line(first.run.key, 2), state(first.run.key, "waiting", 2_000)]);
      const second = await journal.begin(newRun("a", { input: 2, task: "other" }));
      expect(second.isNew).to.equal(false);
      expect(second.run).to.deep.equal({ ...first.run, state: "waiting", updatedAt: 2_000 });
      expect(await numbers(first.run.key)).to.deep.equal([1, 2]);
      expect(await journal.count()).to.deep.equal({ waiting: 1 });
    });

    it("begin one of several that have the same id at the same time", async () => {
      const begun = await Promise.all(
        Array.from({ length: 20 }, (_, index) => journal.begin(newRun("same", { input: index }))),
      );
      expect(begun.map(({ isNew }) => isNew)).to.deep.equal([true, ...new Array<boolean>(19).fill(false)]);
      for (const { run } of begun) expect(run).to.deep.equal(begun[0]?.run);
      expect(await numbers(begun[0]?.run.key ?? 0)).to.deep.equal([1]);
    });

    it("tell ids apart that look alike", async () => {
      const alike = [
        "a",
        "A",
        "ä",
        "a\u0308",
        "a ",
        " a",
        "1",
        "01",
        "1.0",
        "__proto__",
        "😀",
        "a'b",
        'a"b',
        "a%",
        "a_",
        "",
      ];
      const keys = await Promise.all(alike.map((id) => begin(id, { input: id, task: `task ${id}` })));
      expect(new Set(keys).size).to.equal(alike.length);
      journal = await reopen();
      for (const id of alike) expect(await journal.find(id)).to.deep.include({ id, input: id, task: `task ${id}` });
    });

    it("refuse an id that would not come back as it is", async () => {
      for (const id of ["a\0b", "\ud800"]) {
        expect(await failureOf(journal.begin(newRun(id)))).to.deep.include({
          code: "BAD_REQUEST",
          outcome: "not-sent",
        });
      }
      expect(await journal.count()).to.deep.equal({});
    });
  });

  describe("write", () => {
    it("keeps lines and states of several runs, in order", async () => {
      const [a, b] = [await begin("a"), await begin("b")];
      const failure = { code: "UNAVAILABLE", message: "gone", outcome: "unknown" as const, step: "0" };
      await journal.write([
        line(a, 2),
        line(b, 2),
        line(a, 3, { kind: "failed", step: "0", error: failure }),
        { kind: "state", run: a, state: "undoing", at: 3_000, error: failure },
        { kind: "state", run: b, state: "waiting", at: 3_001 },
        { kind: "state", run: b, state: "completed", at: 3_002, ended: true, result: { sent: 3 } },
      ]);
      journal = await reopen();
      expect(await journal.find("a")).to.deep.include({
        state: "undoing",
        updatedAt: 3_000,
        endedAt: null,
        error: failure,
      });
      expect(await journal.find("b")).to.deep.include({
        state: "completed",
        updatedAt: 3_002,
        endedAt: 3_002,
        result: { sent: 3 },
      });
      expect(await journal.history(a)).to.deep.equal([
        { number: 1, at: 1_000, event: { kind: "begun" } },
        { number: 2, at: 1_002, event: { kind: "started", step: "0", attempt: 2 } },
        { number: 3, at: 1_003, event: { kind: "failed", step: "0", error: failure } },
      ]);
      expect(await numbers(b)).to.deep.equal([1, 2]);
    });

    it("leaves what a state does not mention as it is", async () => {
      const run = await begin("a");
      const error = { code: "TIMEOUT", message: "slow", outcome: "executed" as const };
      await journal.write([{ kind: "state", run, state: "failed", at: 2_000, ended: true, error, result: 5 }]);
      await journal.write([state(run, "running", 3_000)]);
      expect(await journal.find("a")).to.deep.include({ state: "running", endedAt: null, error, result: 5 });
      expect(ids(await journal.unfinished())).to.deep.equal(["a"]);
      await journal.write([state(run, "completed", 4_000)]);
      const completed = await journal.find("a");
      expect(completed).to.deep.include({ state: "completed", endedAt: 4_000, result: 5 });
      expect(completed).not.to.have.property("error");
    });

    it("keeps a result that is undefined or null", async () => {
      for (const [id, result] of [
        ["a", undefined],
        ["b", null],
      ] as const) {
        await journal.write([
          { kind: "state", run: await begin(id), state: "completed", at: 2_000, ended: true, result },
        ]);
        const run = await journal.find(id);
        expect(run).to.have.property("result");
        expect(run?.result).to.equal(result);
      }
      await journal.write([state(await begin("c"), "completed")]);
      expect(await journal.find("c")).not.to.have.property("result");
    });

    it("keeps all or nothing of what was given at once, and all that others gave", async () => {
      const run = await begin("a");
      const unknown = run + 1_000;
      const written = await Promise.allSettled([
        journal.write([line(run, 2)]),
        journal.write([line(run, 3), state(unknown, "waiting")]),
        journal.write([line(run, 4), line(run, 2)]),
        journal.write([line(run, 5), line(run, 6, { kind: "done", step: "0", result: Symbol("none") })]),
        journal.write([line(run, 7), state(run, "waiting")]),
        journal.begin(newRun("b")),
        journal.setTask("t", "{}"),
      ]);
      expect(written.map(({ status }) => status)).to.deep.equal([
        "fulfilled",
        "rejected",
        "rejected",
        "rejected",
        "fulfilled",
        "fulfilled",
        "fulfilled",
      ]);
      const codes = written.map((each) => (each.status === "rejected" ? (each.reason as { code: string }).code : ""));
      expect(codes.filter((code) => code !== "")).to.deep.equal(["BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST"]);
      expect(await numbers(run)).to.deep.equal([1, 2, 7]);
      expect(await journal.count()).to.deep.equal({ waiting: 1, running: 1 });
      expect([...(await journal.tasks())]).to.deep.equal([["t", "{}"]]);
    });

    it("takes values as they are when they are given", async () => {
      const run = await begin("a");
      const result = { items: [1] };
      const bytes = new Uint8Array(100_000).fill(1);
      const written = journal.write([line(run, 2, { kind: "done", step: "0", result: { result, bytes } })]);
      result.items.push(2);
      await written;
      const [entry] = await journal.history(run, 1);
      expect(entry?.event).to.deep.include({
        result: { result: { items: [1] }, bytes: new Uint8Array(100_000).fill(1) },
      });
    });

    it("keeps values of all kinds", async () => {
      const cyclic = Array.from({ length: 50 }, (_, index) => ({ index, text: "x".repeat(index) }));
      const values: readonly unknown[] = [
        null,
        undefined,
        true,
        0,
        -0,
        NaN,
        -Infinity,
        2 ** 53,
        0.1,
        12_345_678_901_234_567_890n,
        -1n,
        "",
        "a\0b \ud83d\ude00 \u2028 é",
        new Date(1_700_000_000_123),
        new Map<unknown, unknown>([
          ["a", 1],
          [{ key: 1 }, new Map([[2n, [3]]])],
        ]),
        new Set([1, "a", null]),
        new Uint8Array([0, 255]),
        new Uint8Array(200_000).map((_, index) => index),
        new Float64Array([1.5, -2]),
        /a+b/gi,
        { a: undefined, b: { c: [undefined, null] }, ["__proto__x"]: 1, constructor: "mine", "": 0 },
        [[], {}, [[[]]]],
        cyclic,
        "long ".repeat(100_000),
      ];
      const keys = await Promise.all(values.map((value, index) => begin(`run ${index}`, { input: value })));
      await Promise.all(
        keys.map((run, index) =>
          journal.write([
            line(run, 2, { kind: "done", step: "0", result: values[index] }),
            { kind: "state", run, state: "completed", at: 2_000, ended: true, result: values[index] },
          ]),
        ),
      );
      journal = await reopen();
      for (const [index, value] of values.entries()) {
        const run = await journal.find(`run ${index}`);
        expect(run?.input, `input ${index}`).to.deep.equal(value);
        expect(run?.result, `result ${index}`).to.deep.equal(value);
        const [, entry] = await journal.history(run?.key ?? 0);
        expect((entry?.event as { result: unknown }).result, `line ${index}`).to.deep.equal(value);
      }
      const holes = (await journal.find("run 20"))?.input as object;
      expect(Object.keys(holes)).to.deep.equal(["a", "b", "__proto__x", "constructor", ""]);
    });

    it("refuses at once what cannot be kept, and says what", async () => {
      const run = await begin("a");
      const loop: unknown[] = [];
      loop.push(loop);
      const throwing = Object.defineProperty({}, "x", {
        enumerable: true,
        get: () => {
          throw new RangeError("on purpose");
        },
      });
      for (const value of [() => 1, Symbol("none"), Promise.resolve(), new ReadableStream(), loop, throwing]) {
        const error = await failureOf(journal.write([line(run, 2, { kind: "done", step: "0", result: value })]));
        expect(error).to.deep.include({ code: "BAD_REQUEST", outcome: "not-sent" });
        expect(error.message).to.match(/^This cannot (be kept|travel): .*done/);
        expect(await failureOf(journal.begin(newRun("b", { input: value })))).to.include({ code: "BAD_REQUEST" });
      }
      expect(await numbers(run)).to.deep.equal([1]);
      expect(await journal.find("b")).to.equal(undefined);
    });

    it("refuses what is too large, with its size, and takes what is just not", async () => {
      await journal.close();
      journal = await open({ maxRecordBytes: 10_000 });
      const run = await begin("a");
      const done = (size: number) =>
        journal.write([line(run, 2, { kind: "done", step: "0", result: "x".repeat(size) })]);
      const error = await failureOf(done(20_000));
      expect(error).to.deep.include({ code: "BAD_REQUEST", outcome: "not-sent" });
      expect(error.message).to.match(/takes 20\d\d\d bytes.*at most 10000/);
      await done(9_900);
      expect(await failureOf(journal.begin(newRun("b", { input: new Uint8Array(10_001) })))).to.include({
        code: "BAD_REQUEST",
      });
      expect(await numbers(run)).to.deep.equal([1, 2]);
    });

    it("writes large values", async () => {
      const run = await begin("a", { input: new Uint8Array(3_000_000).fill(7) });
      await journal.write([line(run, 2, { kind: "done", step: "0", result: "é".repeat(1_000_000) })]);
      journal = await reopen();
      expect(((await journal.find("a"))?.input as Uint8Array).length).to.equal(3_000_000);
      const [entry] = await journal.history(run, 1);
      expect((entry?.event as { result: string }).result).to.equal("é".repeat(1_000_000));
    });

    it("takes thousands at once", async () => {
      const runs = await Promise.all(Array.from({ length: 300 }, (_, index) => begin(`run ${index}`)));
      await Promise.all(
        Array.from({ length: 3_000 }, (_, index) => {
          const run = runs[index % 300] ?? 0;
          return journal.write([line(run, 2 + Math.floor(index / 300))]);
        }),
      );
      journal = await reopen();
      for (const run of runs) expect(await numbers(run)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    });

    it("settles what is given one after the other in that order", async () => {
      const run = await begin("a");
      const order: number[] = [];
      const writes = [2, 3, 4].map((number) => journal.write([line(run, number)]).then(() => order.push(number)));
      await Promise.all(writes);
      expect(order).to.deep.equal([2, 3, 4]);
    });

    it("is seen by whatever is read after it was given", async () => {
      const run = await begin("a");
      void journal.write([line(run, 2), state(run, "completed")]);
      expect(await numbers(run)).to.deep.equal([1, 2]);
      void journal.begin(newRun("b"));
      expect(await journal.find("b")).to.include({ id: "b" });
      void journal.setTask("t", null);
      expect((await journal.tasks()).get("t")).to.equal(null);
    });
  });

  describe("history", () => {
    it("comes in pages", async () => {
      const run = await begin("a");
      await begin("b");
      await journal.write([line(run, 2), line(run, 3)]);
      await journal.write([line(run, 4)]);
      await journal.write([line(run, 5)]);
      expect(await numbers(run)).to.deep.equal([1, 2, 3, 4, 5]);
      expect(await numbers(run, 0, 2)).to.deep.equal([1, 2]);
      expect(await numbers(run, 2, 2)).to.deep.equal([3, 4]);
      expect(await numbers(run, 4, 2)).to.deep.equal([5]);
      expect(await numbers(run, 5)).to.deep.equal([]);
      expect(await numbers(run, 0, 0)).to.deep.equal([]);
      expect(await numbers(run + 1_000)).to.deep.equal([]);
    });

    it("takes no line of a run that is not there, and none in front of another", async () => {
      const run = await begin("a");
      await journal.write([line(run, 2), line(run, 3)]);
      for (const wrong of [line(run, 3), line(run, 2), line(run + 1_000, 2)]) {
        expect(await failureOf(journal.write([wrong]))).to.include({ code: "BAD_REQUEST", outcome: "not-executed" });
      }
      await journal.write([line(run, 4)]);
      expect(await numbers(run)).to.deep.equal([1, 2, 3, 4]);
    });

    it("is read wholly when it is long", async () => {
      const run = await begin("a");
      await journal.write(Array.from({ length: 2_500 }, (_, index) => line(run, index + 2)));
      expect(await numbers(run)).to.deep.equal(Array.from({ length: 2_501 }, (_, index) => index + 1));
      expect(await numbers(run, 100, 1_500)).to.have.length(1_500);
    });
  });

  describe("list, count and unfinished", () => {
    const states: readonly RunState[] = ["running", "waiting", "asking", "undoing", "completed", "failed", "cancelled"];

    beforeEach(async () => {
      for (let index = 0; index < 21; index++) {
        const run = await begin(`run ${index}`, {
          task: index % 2 ? "odd" : "even",
          startedAt: 1_000 + index * 10,
          input: index,
        });
        await journal.write([state(run, states[index % 7] ?? "running", 5_000 + index)]);
      }
    });

    it("list newest first, by all filters", async () => {
      const list = async (filter: Parameters<RunJournal["list"]>[0]): Promise<number[]> =>
        (await journal.list(filter)).map(({ input }) => input as number);
      const all = Array.from({ length: 21 }, (_, index) => 20 - index);
      expect(await list({})).to.deep.equal(all);
      expect(await list({ task: "odd" })).to.deep.equal(all.filter((index) => index % 2 === 1));
      expect(await list({ task: "none" })).to.deep.equal([]);
      expect(await list({ state: "failed" })).to.deep.equal([19, 12, 5]);
      expect(await list({ state: ["failed", "running"] })).to.deep.equal([19, 14, 12, 7, 5, 0]);
      expect(await list({ state: ["failed", "failed"] })).to.deep.equal([19, 12, 5]);
      expect(await list({ state: [] })).to.deep.equal([]);
      expect(await list({ state: "failed", task: "odd" })).to.deep.equal([19, 5]);
      expect(await list({ since: 1_190 })).to.deep.equal([20, 19]);
      expect(await list({ before: 1_020 })).to.deep.equal([1, 0]);
      expect(await list({ since: 1_050, before: 1_080, task: "even" })).to.deep.equal([6]);
      expect(await list({ limit: 2 })).to.deep.equal([20, 19]);
      expect(await list({ limit: 2, after: "run 19" })).to.deep.equal([18, 17]);
      expect(await list({ state: ["failed", "running"], limit: 2, after: "run 14" })).to.deep.equal([12, 7]);
      expect(await list({ after: "run 0" })).to.deep.equal([]);
      expect(await list({ limit: 0 })).to.deep.equal([]);
    });

    it("list pages without holes when many began at the same time", async () => {
      for (let index = 0; index < 10; index++) await begin(`equal ${index}`, { task: "equal" });
      const seen: string[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = ids(await journal.list({ task: "equal", limit: 3, after }));
        if (page.length === 0) break;
        seen.push(...page);
      }
      expect(seen).to.deep.equal(Array.from({ length: 10 }, (_, index) => `equal ${9 - index}`));
    });

    it("list no page behind a run that is not there, and 100 when nothing is said", async () => {
      expect(await failureOf(journal.list({ after: "none" }))).to.deep.include({
        code: "BAD_REQUEST",
        outcome: "not-executed",
      });
      await Promise.all(Array.from({ length: 1_100 }, (_, index) => begin(`more ${index}`)));
      expect(await journal.list({})).to.have.length(100);
      expect(await journal.list({ limit: 5_000 })).to.have.length(1_000);
    });

    it("count runs by state, also for the next process", async () => {
      const three = Object.fromEntries(states.map((name) => [name, 3]));
      expect(await journal.count()).to.deep.equal(three);
      await journal.write([state((await journal.find("run 0"))?.key ?? 0, "completed")]);
      expect(await journal.count()).to.deep.equal({ ...three, running: 2, completed: 4 });
      journal = await reopen();
      expect(await journal.count()).to.deep.equal({ ...three, running: 2, completed: 4 });
    });

    it("give all that has not ended, the oldest first", async () => {
      const expected = [0, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 17];
      expect((await journal.unfinished()).map(({ input }) => input)).to.deep.equal(expected);
      journal = await reopen();
      const unfinished = await journal.unfinished();
      expect(unfinished.map(({ input }) => input)).to.deep.equal(expected);
      expect(unfinished[1]).to.deep.equal(await journal.find("run 1"));
    });
  });

  describe("definitions, targets, tasks and schedules", () => {
    it("keep the first definition of a version", async () => {
      const json = JSON.stringify({ steps: ["\u2028 \ud800 é", "x".repeat(100_000)] });
      await journal.keepDefinition("v1", json);
      await journal.keepDefinition("v1", "{}");
      expect(await journal.definition("v2")).to.equal(undefined);
      journal = await reopen();
      expect(await journal.definition("v1")).to.equal(json);
    });

    it("keep who got a call", async () => {
      const record: ServiceRecord = {
        service: "/demo/1",
        address: "tcp://127.0.0.1:5",
        interfaces: ["demo"],
        endpoints: [{ address: "tcp://127.0.0.1:5", wires: ["lamp"] }],
        tags: ["a"],
        data: { weight: 3 },
        incarnation: "i",
      };
      await journal.keepTarget("t1", record);
      await journal.keepTarget("t1", { ...record, service: "/other" });
      expect(await journal.target("t2")).to.equal(undefined);
      journal = await reopen();
      expect(await journal.target("t1")).to.deep.equal(record);
    });

    it("keep, replace and forget tasks", async () => {
      await Promise.all([
        journal.setTask("a", "1"),
        journal.setTask("b", null),
        journal.setTask("c", "3"),
        journal.setTask("a", "2"),
        journal.setTask("c", undefined),
        journal.setTask("none", undefined),
      ]);
      journal = await reopen();
      expect([...(await journal.tasks())].sort()).to.deep.equal([
        ["a", "2"],
        ["b", null],
      ]);
    });

    it("keep, replace and remove schedules", async () => {
      const daily: StoredSchedule = {
        name: "daily",
        task: "ship",
        cron: "0 8 * * *",
        timezone: "Europe/Berlin",
        input: new Map([["since", new Date(5)]]),
        lastAt: undefined,
      };
      const hourly: StoredSchedule = { name: "hourly", task: "ship", cron: "0 * * * *", lastAt: 5_000 };
      await Promise.all([journal.setSchedule("hourly", hourly), journal.setSchedule("daily", daily)]);
      expect(await journal.schedules()).to.have.deep.members([daily, hourly]);
      await journal.setSchedule("daily", { ...daily, lastAt: 7_000 });
      await journal.setSchedule("hourly", undefined);
      await journal.setSchedule("none", undefined);
      journal = await reopen();
      expect(await journal.schedules()).to.deep.equal([{ ...daily, lastAt: 7_000 }]);
    });
  });

  describe("prune", () => {
    const end = async (id: string, to: RunState, at: number): Promise<number> => {
      const run = await begin(id);
      await journal.write([line(run, 2), line(run, 3), state(run, to, at)]);
      return run;
    };

    it("forgets what ended long ago, never what has not ended", async () => {
      const now = Date.now();
      const old = await end("old", "completed", now - 100_000);
      await end("young", "failed", now - 1_000);
      await end("long", "waiting", now - 1_000_000);
      await begin("begun");
      expect(await journal.prune({ maxAgeMs: 50_000 })).to.equal(1);
      expect(ids(await journal.list({}))).to.have.members(["young", "long", "begun"]);
      expect(await journal.find("old")).to.equal(undefined);
      expect(await numbers(old)).to.deep.equal([]);
      expect(await journal.count()).to.deep.equal({ failed: 1, waiting: 1, running: 1 });
      expect(await journal.prune({ maxAgeMs: 50_000 })).to.equal(0);
      expect(await journal.prune({ maxAgeMs: -1_000 })).to.equal(1);
      expect(ids(await journal.unfinished())).to.deep.equal(["long", "begun"]);
    });

    it("forgets those that are too many, the oldest end first", async () => {
      const now = Date.now();
      for (let index = 0; index < 5; index++) await end(`run ${index}`, "completed", now - index);
      await begin("begun");
      expect(await journal.prune({ maxRuns: 5 })).to.equal(0);
      expect(await journal.prune({ maxRuns: 2 })).to.equal(3);
      expect(ids(await journal.list({}))).to.have.members(["run 0", "run 1", "begun"]);
      expect(await journal.prune({ maxRuns: 0 })).to.equal(2);
      expect(ids(await journal.list({}))).to.deep.equal(["begun"]);
    });

    it("lets others have their turn, and forgets thousands wholly", async () => {
      const now = Date.now();
      const ended = await Promise.all(
        Array.from({ length: 1_200 }, (_, index) => end(`run ${index}`, "completed", now)),
      );
      const run = await begin("other");
      let number = 1;
      const seen = { isPruned: false };
      const pruned = journal.prune({ maxRuns: 0 }).finally(() => {
        seen.isPruned = true;
      });
      while (!seen.isPruned) await journal.write([line(run, ++number)]);
      expect(await pruned).to.equal(1_200);
      expect(number).to.be.greaterThan(3);
      expect(await journal.count()).to.deep.equal({ running: 1 });
      journal = await reopen();
      for (const key of [ended[0], ended[700], ended[1_199]]) expect(await numbers(key ?? 0)).to.deep.equal([]);
      expect(await numbers(run)).to.have.length(number);
    });

    it("lets an id be begun again, as another run", async () => {
      const before = await end("a", "completed", Date.now());
      await journal.prune({ maxRuns: 0 });
      const { run, isNew } = await journal.begin(newRun("a"));
      expect(isNew).to.equal(true);
      expect(run.key).not.to.equal(before);
      expect(await numbers(run.key)).to.deep.equal([1]);
      expect(await failureOf(journal.write([line(before, 4), state(before, "running")]))).to.include({
        code: "BAD_REQUEST",
      });
    });

    it("goes on after it was interrupted by the end of the process", async () => {
      for (let index = 0; index < 3; index++) {
        const run = await end(`run ${index}`, "completed", Date.now());
        await journal.write(Array.from({ length: 2_000 }, (_, at) => line(run, at + 4)));
      }
      const pruning = journal.prune({ maxRuns: 0 });
      // It is somewhere in the middle when these are written.
      for (const task of ["a", "b", "c"]) await journal.setTask(task, null);
      await journal.close();
      const pruned = await pruning;
      journal = await open();
      expect(await journal.list({})).to.have.length(3 - pruned);
      expect(await journal.prune({ maxRuns: 0 })).to.equal(3 - pruned);
      expect(await journal.count()).to.deep.equal({});
    });
  });

  describe("close", () => {
    it("writes what waits, and refuses what comes later", async () => {
      const run = await begin("a");
      const writes = Array.from({ length: 100 }, (_, index) => journal.write([line(run, index + 2)]));
      const closed = journal.close();
      const late = [
        journal.write([line(run, 500)]),
        journal.begin(newRun("b")),
        journal.find("a"),
        journal.list({}),
        journal.history(run),
        journal.unfinished(),
        journal.count(),
        journal.setTask("t", "{}"),
        journal.prune({}),
      ];
      const codes = await Promise.all(late.map(async (each) => (await failureOf(each)).code));
      expect(new Set(codes)).to.deep.equal(new Set(["CLOSED"]));
      await Promise.all(writes);
      await closed;
      await journal.close();
      journal = await open();
      expect(await numbers(run)).to.have.length(101);
      expect(await journal.find("b")).to.equal(undefined);
    });
  });
}

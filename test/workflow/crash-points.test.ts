import { expect } from "chai";
import { rpcError } from "../../src/errors.js";
import type { CallDefinition, StepDefinition, TaskDefinition } from "../../src/workflow/definition/definition.js";
import type { Engine } from "../../src/workflow/engine/engine.js";
import type { JournalWrite, NewRun, RunJournal } from "../../src/workflow/journal/run-journal.js";
import { ENDED_STATES, type RunInfo } from "../../src/workflow/run.js";
import { type FakeMethod, useEngines } from "../support/engines.js";
import { ManualClock } from "../support/manual-clock.js";

/** A chain whose crashes are tried: what it does, and what is done to it while it goes on. */
interface Plan {
  readonly tasks: Readonly<Record<string, TaskDefinition>>;
  /** Fails whenever it is called with one of these. */
  readonly failing?: readonly string[];
  /** Calls that fail the first time. */
  readonly unstable?: readonly string[];
  /** Delivered when it waits, again and again, as those do who are not sure; without this and `isLate` it is cancelled. */
  readonly event?: string;
  /** When it waits, its time passes. */
  readonly isLate?: boolean;
  /** It pauses between tries. */
  readonly retries?: boolean;
  /** All that is to be done, in any order. */
  readonly effects: readonly string[];
}

/** Calls the service, with its name or something else. */
const step = (name: string, more: Partial<CallDefinition> = {}): StepDefinition => ({
  name,
  interface: "do",
  method: "it",
  input: name,
  ...more,
});

/** As {@link step}, with what undoes it. */
const undone = (name: string, more: Partial<CallDefinition> = {}): StepDefinition =>
  step(name, { compensate: undo(`undo ${name}`), ...more });

const PLANS: Readonly<Record<string, Plan>> = {
  "steps in a row": { effects: ["a", "b"], tasks: { task: [step("a"), step("b"), { value: "${steps.a}" }] } },
  "branches, items and a task within it": {
    effects: ["a", "b", "c", "d", "e", "f", "p", "q", "r"],
    tasks: {
      task: [
        { parallel: { left: [step("a"), step("b")], right: [step("c"), { task: "inner", input: "x" }] } },
        { map: ["p", "q", "r"], steps: [{ interface: "do", method: "it", input: "${item}" }], concurrency: 2 },
        { when: true, then: [step("d")], name: "way" },
      ],
      inner: { steps: [step("e")], finally: [step("f")] },
    },
  },
  "a step that is tried again": {
    retries: true,
    effects: ["a", "a", "b", "b", "x"],
    unstable: ["a", "b"],
    tasks: {
      task: [
        step("a", { retry: { attempts: 3, delayMs: 1 } }),
        { name: "group", steps: [step("x"), step("b")], retry: { attempts: 2, delayMs: 1 } },
      ],
    },
  },
  "a failure, and what is undone and stands at the end": {
    effects: [
      "a",
      "b",
      "c",
      "i",
      "inner-end",
      "p",
      "q",
      "r",
      "bad",
      "undo p",
      "undo q",
      "undo r",
      "undo a",
      "undo b",
      "undo c",
      "undo i",
      "end",
      "last",
    ],
    failing: ["bad"],
    tasks: {
      task: {
        steps: [
          undone("a"),
          { name: "group", steps: [undone("b"), undone("c")] },
          { task: "inner", input: "x" },
          { map: ["p", "q", "r"], steps: [undone("m", { input: "${item}", compensate: undo("undo ${given}") })] },
          step("bad"),
          step("never"),
        ],
        finally: [step("end"), step("last")],
      },
      inner: { steps: [undone("i")], finally: [step("inner-end")] },
    },
  },
  "a failure of one item while others are done": {
    effects: ["bad", "p", "undo p", "deep p", "undo deep p"],
    failing: ["bad"],
    tasks: {
      task: [
        {
          map: ["bad", "p", "q", "r", "s"],
          concurrency: 2,
          steps: [
            { interface: "do", method: "it", input: "${item}", compensate: undo("undo ${given}") },
            { steps: [undone("deep", { input: "deep ${item}", compensate: undo("undo ${given}") })] },
          ],
        },
      ],
    },
  },
  "a cancellation, with things to undo at all depths": {
    effects: ["a", "b", "c", "here", "p", "q", "undo p", "undo q", "undo a", "undo b", "undo c", "inner-end", "end"],
    tasks: {
      task: {
        steps: [
          undone("a"),
          {
            name: "group",
            steps: [undone("b"), { task: "inner", input: "x" }],
          },
        ],
        finally: [step("end")],
      },
      inner: {
        steps: [
          {
            parallel: [
              [undone("c"), step("here"), { name: "w", wait: { event: "never" } }],
              [
                {
                  map: ["p", "q"],
                  steps: [
                    { interface: "do", method: "it", input: "${item}", compensate: undo("undo ${given}") },
                    { wait: { event: "never" } },
                  ],
                },
              ],
            ],
          },
        ],
        finally: [step("inner-end")],
      },
    },
  },
  "waits, with and without an end": {
    effects: ["a", "b", "c"],
    tasks: {
      task: [
        step("a"),
        { wait: { forMs: 1 } },
        { name: "late", wait: { event: "never" }, timeoutMs: 1, onTimeout: "continue" },
        step("b"),
        { name: "came", wait: { event: "come" } },
        step("c"),
      ],
    },
    event: "come",
  },
  "a group that takes too long": {
    isLate: true,
    effects: ["a", "b", "undo a", "undo b", "group-end"],
    tasks: {
      task: {
        steps: [
          undone("a"),
          {
            name: "group",
            timeoutMs: 500,
            steps: [undone("b"), { wait: { event: "never" } }, step("never")],
            finally: [step("group-end")],
          },
        ],
      },
    },
  },
};

function undo(input: string): StepDefinition {
  return { interface: "do", method: "it", input };
}

/** What became of a run. */
interface Outcome {
  readonly state: RunInfo["state"];
  readonly result: unknown;
  readonly error: string | undefined;
  /** All that was done, sorted: what is side by side comes in any order. */
  readonly effects: readonly string[];
}

/** Does something about each batch of lines. */
type OnWrite = (write: () => Promise<void>) => Promise<void>;

describe("A run whose service is killed, or has no room, at any line of its history", () => {
  const engines = useEngines();

  const watched =
    (onWrite: OnWrite, onBegin?: <T>(write: () => Promise<T>) => Promise<T>) =>
    (journal: RunJournal): RunJournal =>
      new Proxy(journal, {
        get: (target, name) => {
          if (name === "begin" && onBegin) return (run: NewRun) => onBegin(() => target.begin(run));
          if ((name === "keepTarget" || name === "keepDefinition") && onBegin) {
            return (key: string, value: never) => onBegin(() => target[name](key, value));
          }
          if (name === "write") return (batch: readonly JournalWrite[]) => onWrite(() => target.write(batch));
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });

  /** Knows calls by their names, as hosts do. */
  const service = ({ failing = [], unstable = [] }: Plan, effects: string[]): FakeMethod => {
    const known = new Map<string, () => unknown>();
    const seen = new Set<string>();
    return (value, _call, name) => {
      const what = String(value);
      let answer = known.get(name);
      if (!answer) {
        const isBad = failing.includes(what) || (unstable.includes(what) && !seen.has(what));
        seen.add(what);
        effects.push(what);
        answer = () => {
          if (isBad) throw rpcError("UNKNOWN", `${what} is bad`, { outcome: "executed" });
          return `${what} done`;
        };
        known.set(name, answer);
      }
      return answer();
    };
  };

  /** Does from outside what the plan says, until the run has ended. */
  const drive = async (plan: Plan, engine: Engine, clock: ManualClock, isOver: () => boolean): Promise<RunInfo> => {
    const id = "run";
    // Without room it is begun again, as its callers do.
    const start = async (): Promise<RunInfo> => {
      try {
        return await engine.start("task", "given", { id });
      } catch (error) {
        expect(error).to.include({ code: "UNAVAILABLE", outcome: "not-executed" });
        return await start();
      }
    };
    await start();
    let told = await engine.status(id);
    while (!ENDED_STATES.includes(told.state) && !isOver()) {
      await turn();
      told = await engine.status(id);
      if (told.state !== "waiting") {
        if (plan.retries) await clock.to(clock.now() + 10, turn);
      } else if (plan.event !== undefined) {
        await clock.to(clock.now() + 1_000, turn);
        await engine.deliver(plan.event, "payload", { run: id }).catch(() => undefined);
      } else if (plan.isLate) await clock.to(clock.now() + 1_000, turn);
      else await engine.cancel(id, "not wanted").catch(() => undefined);
    }
    return told;
  };

  /** @param onWrite - of the first process */
  const outcomeOf = async (plan: Plan, onWrite: OnWrite, crashed: Promise<void>): Promise<Outcome> => {
    const effects: string[] = [];
    const clock = new ManualClock(1_000_000);
    const setup = { tasks: plan.tasks, services: { "do.it": service(plan, effects) }, clock };
    const first = await engines.start({ ...setup, wrap: watched(onWrite) });
    let isOver = false;
    const over = crashed.then(() => {
      isOver = true;
    });
    const ended = await Promise.race([drive(plan, first.engine, clock, () => isOver), over]);
    const { state, result, error } =
      ended ?? (await drive(plan, (await first.crash({ wrap: (journal) => journal })).engine, clock, () => false));
    const message = error && [error.message, ...(error.further ?? [])].join("; ");
    return { state, result, error: message, effects: effects.sort() };
  };

  for (const [name, plan] of Object.entries(PLANS)) {
    it(`ends as if nothing had been: ${name}`, async () => {
      let batches = 0;
      const never = new Promise<void>(() => undefined);
      const plain = await outcomeOf(
        plan,
        (write) => {
          batches++;
          return write();
        },
        never,
      );
      expect(plain.effects).to.deep.equal([...plan.effects].sort());
      expect(batches).to.be.above(2);
      for (let at = 1; at <= batches; at++) {
        for (const isKept of [false, true]) {
          let count = 0;
          let kill: () => void = () => undefined;
          const crashed = new Promise<void>((resolve) => {
            kill = resolve;
          });
          const outcome = await outcomeOf(
            plan,
            async (write) => {
              if (++count < at) {
                await write();
                return;
              }
              if (count === at && isKept) await write();
              kill();
              await never;
            },
            crashed,
          );
          expect(outcome, `killed ${isKept ? "after" : "before"} write ${at} of ${batches}`).to.deep.equal(plain);
        }
      }
    });

    it(`ends as if nothing had been when there is no room for a while: ${name}`, async () => {
      const outcomeWith = async (full: (count: number) => boolean): Promise<{ outcome: Outcome; count: number }> => {
        let count = 0;
        const onWrite = <T>(write: () => Promise<T>): Promise<T> => {
          if (!full(++count)) return write();
          return Promise.reject(rpcError("UNAVAILABLE", "No room", { outcome: "not-executed" }));
        };
        const effects: string[] = [];
        const clock = new ManualClock(1_000_000);
        const { engine, journal } = await engines.start({
          tasks: plan.tasks,
          services: { "do.it": service(plan, effects) },
          clock,
          wrap: watched(onWrite, onWrite),
        });
        const { state, result, error } = await drive(plan, engine, clock, () => false);
        const lines = await engine.history("run");
        expect(lines.map(({ number }) => number)).to.deep.equal(lines.map((_, index) => index + 1));
        for (const { event } of lines) {
          if (event.kind === "started" && event.target !== undefined) {
            expect(await journal.target(event.target)).to.include({ service: "/demo" });
          }
        }
        const message = error && [error.message, ...(error.further ?? [])].join("; ");
        return { outcome: { state, result, error: message, effects: effects.sort() }, count };
      };
      const { outcome: plain, count } = await outcomeWith(() => false);
      for (let at = 1; at <= count; at++) {
        const { outcome } = await outcomeWith((one) => one >= at && one < at + 3);
        expect(outcome, `no room at write ${at} of ${count}`).to.deep.equal(plain);
      }
    });
  }
});

function turn(): Promise<void> {
  return new Promise(setImmediate);
}

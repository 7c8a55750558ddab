import { expect } from "chai";
import { elapsedText } from "../../../src/cli/figures.js";
import { entryLine } from "../../../src/cli/workflow/describe-event.js";
import { drawRun } from "../../../src/cli/workflow/draw-run.js";
import { coloured, plain } from "../../../src/cli/workflow/paint.js";
import type { RunDetails, StepStatus } from "../../../src/workflow/control.js";
import type { HistoryEvent } from "../../../src/workflow/run.js";

const BEGAN = Date.UTC(2026, 0, 2, 3, 4, 5);
const NOW = BEGAN + 90_000;

const step = (path: string, more: Partial<StepStatus> = {}): StepStatus => ({
  step: path,
  kind: "call",
  label: `demo.${path.replaceAll("/", ".")}`,
  state: "done",
  startedAt: BEGAN,
  endedAt: BEGAN + 12,
  attempts: 1,
  steps: [],
  ...more,
});

const pending = { state: "pending", startedAt: undefined, endedAt: undefined, attempts: 0 } as const;

const run = (steps: readonly StepStatus[], more: Partial<RunDetails> = {}): RunDetails => ({
  id: "order-1",
  task: "order",
  version: "v1",
  state: "running",
  startedAt: BEGAN,
  updatedAt: NOW,
  endedAt: null,
  input: null,
  questions: [],
  steps,
  ...more,
});

const draw = (steps: readonly StepStatus[], more?: Partial<RunDetails>, paint = plain): string[] =>
  drawRun(run(steps, more), { service: "/flow", now: NOW, paint });

/** The chain alone, without alignment. */
const chain = (steps: readonly StepStatus[]): string[] =>
  draw(steps)
    .slice(2)
    .map((line) => line.replaceAll(/(?<=\S) {2,}/g, " | "));

describe("The drawing of a run", () => {
  it("tells who it is, its steps in order with marks, states and times, and what came of it", () => {
    expect(
      draw(
        [
          step("0", { label: "shop.stock.reserve" }),
          step("pay", { label: "shop.card.charge", endedAt: BEGAN + 1_234, attempts: 3 }),
          step("mail", { label: "shop.mail.send" }),
        ],
        { state: "completed", endedAt: BEGAN + 2_000, result: { ok: true } },
      ),
    ).to.deep.equal([
      "order-1  order  completed  began 2026-01-02 03:04:05Z, took 2.0 s",
      "",
      "✔ shop.stock.reserve     12 ms",
      "✔ pay: shop.card.charge  1.2 s, 3 tries",
      "✔ mail: shop.mail.send   12 ms",
      "",
      'result: {"ok":true}',
    ]);
  });

  it("tells how long what is not over has lasted, and what has not begun or was not needed", () => {
    expect(
      chain([
        step("a", { state: "running", endedAt: undefined }),
        step("b", {
          state: "waiting",
          startedAt: NOW - 3_000,
          endedAt: undefined,
          kind: "wait",
          label: "wait for payment",
        }),
        step("c", pending),
        step("d", { ...pending, state: "skipped" }),
      ]),
    ).to.deep.equal([
      "● a: demo.a | running, 1 min 30 s",
      "◔ b: wait for payment | waiting, 3.0 s",
      "○ c: demo.c | pending",
      "– d: demo.d | skipped",
    ]);
  });

  it("draws branches as a tree, those of one step as one line with it", () => {
    const branch = (path: string, steps: readonly StepStatus[], more: Partial<StepStatus> = {}): StepStatus =>
      step(path, { kind: "steps", label: "", steps, ...more });
    expect(
      chain([
        step("both", {
          kind: "parallel",
          label: "parallel",
          steps: [
            branch("both/left", [step("both/left/0", { label: "shop.left" })]),
            branch("both/right", [
              step("both/right/0", { label: "shop.right" }),
              step("both/right/then", { label: "shop.then" }),
            ]),
          ],
        }),
        step("one", {
          kind: "parallel",
          label: "parallel",
          state: "running",
          steps: [
            branch("one/0", [], { label: "0", state: "running" }),
            branch("one/1", [step("one/1/0", { label: "shop.one" })], { label: "1" }),
          ],
        }),
        step("1", {
          kind: "when",
          label: "when",
          steps: [
            branch("1/then", [step("1/then/0", { label: "shop.then" })]),
            branch("1/=a/b", [step("1/=a/b/0", { label: "shop.case" })], { label: "a/b" }),
            branch("1/else", [step("1/else/0", { ...pending, state: "skipped", label: "shop.else" })], {
              ...pending,
              state: "skipped",
            }),
          ],
        }),
      ]),
    ).to.deep.equal([
      "✔ both: parallel | 12 ms",
      "├─ ✔ left: shop.left | 12 ms",
      "└─ ✔ right | 12 ms",
      "   ├─ ✔ shop.right | 12 ms",
      "   └─ ✔ then: shop.then | 12 ms",
      "● one: parallel | running, 1 min 30 s",
      "├─ ● [0] | running, 1 min 30 s",
      "└─ ✔ [1]: shop.one | 12 ms",
      "✔ when | 12 ms",
      "├─ ✔ then: shop.then | 12 ms",
      "├─ ✔ a/b: shop.case | 12 ms",
      "└─ – else: shop.else | skipped",
    ]);
  });

  it("counts many items, and draws those that are not merely done", () => {
    const items = Array.from({ length: 100 }, (_, index) =>
      step(`all/${index}`, {
        kind: "steps",
        label: "",
        ...(index === 7 && { state: "failed" as const, error: "Out of stock" }),
        ...(index >= 98 && { state: "running" as const, endedAt: undefined }),
      }),
    );
    expect(
      chain([step("all", { kind: "map", label: "map", state: "running", endedAt: undefined, steps: items })]),
    ).to.deep.equal([
      "● all: map | running, 1 min 30 s, 100 items: 97 done, 2 running, 1 failed",
      "├─ ✖ [7] | failed, 12 ms",
      "│ | Out of stock",
      "├─ ● [98] | running, 1 min 30 s",
      "├─ ● [99] | running, 1 min 30 s",
      "└─ … 97 more: 97 done",
    ]);
    const all = items.map((item) => ({ ...item, state: "done" as const, error: undefined }));
    expect(chain([step("all", { kind: "map", label: "map", steps: all })])).to.deep.equal([
      "✔ all: map | 12 ms, 100 items: 100 done",
    ]);
  });

  it("tells why a step and the run failed, what was undone, and what failed then", () => {
    expect(
      draw(
        [
          step("reserve", { state: "undone", steps: [step("reserve/~undo", { label: "shop.release" })] }),
          step("pay", { state: "failed", error: "No\u001b[31m money" }),
        ],
        {
          state: "failed",
          endedAt: NOW,
          error: {
            code: "UNKNOWN",
            number: 100500,
            message: "No money",
            outcome: "executed",
            step: "pay",
            further: ["reserve: no answer"],
          },
        },
      ).slice(2),
    ).to.deep.equal([
      "↶ reserve: demo.reserve  undone, 12 ms",
      "└─ ✔ undo: shop.release  12 ms",
      "✖ pay: demo.pay          failed, 12 ms",
      "    No?[31m money",
      "",
      "failed at pay: No money (UNKNOWN 100500, executed)",
      "    then reserve: no answer",
    ]);
  });

  it("tells what a run wants to know, and the commands that answer it", () => {
    const questions = [
      { step: "ok", kind: "approval", text: "Ship it?", choices: ["yes", "not yet"], since: NOW - 60_000 },
      { step: "pay", kind: "unknown", text: "Was it paid?", choices: ["repeat", "done", "fail"], since: NOW },
    ] as const;
    const [approval, unknown] = questions;
    expect(draw([], { state: "waiting", questions: [approval] }).slice(3)).to.deep.equal([
      "? ok: Ship it?  (for 1 min 0 s)",
      "    lamplighter workflow resume /flow order-1 yes",
      "    lamplighter workflow resume /flow order-1 'not yet'",
    ]);
    expect(draw([], { state: "asking", questions: [approval, unknown] }).slice(6)).to.deep.equal([
      "? pay: Was it paid?  (for 0 ms)",
      "    lamplighter workflow resume /flow order-1 repeat --step pay  # call again: it may be executed twice",
      "    lamplighter workflow resume /flow order-1 done --result JSON --step pay  # it was executed, with this result",
      "    lamplighter workflow resume /flow order-1 fail --step pay  # the step fails",
    ]);
    const anything = { ...approval, choices: [] };
    expect(draw([], { questions: [anything] }).at(-1)).to.equal("    lamplighter workflow resume /flow order-1 ANSWER");
  });

  it("says when the journal keeps it from going on", () => {
    expect(draw([], { stalled: "the disk is full" }).at(-1)).to.equal("stalled: the disk is full");
  });

  it("colours marks and states for a terminal, and the same characters otherwise", () => {
    const steps = [step("a"), step("b", { state: "failed", error: "no" }), step("c", pending)];
    const colours = draw(steps, {}, coloured).join("\n");
    expect(colours).to.contain("\u001b[32m✔\u001b[0m");
    expect(colours.replaceAll(/\u001b\[\d+m/g, "")).to.equal(draw(steps).join("\n"));
  });

  it("writes lengths of time as people say them", () => {
    const texts = [0, 999, 1_234, 59_949, 59_950, 3_599_400, 3_600_000, 7_500_000, 200_000_000].map(elapsedText);
    expect(texts).to.deep.equal([
      "0 ms",
      "999 ms",
      "1.2 s",
      "59.9 s",
      "1 min 0 s",
      "59 min 59 s",
      "1 h 0 min",
      "2 h 5 min",
      "2 days 7 h",
    ]);
  });
});

describe("A line of a history", () => {
  const line = (event: HistoryEvent): string => entryLine({ number: 1, at: BEGAN + 7, event });
  const error = { code: "TIMEOUT", message: "too slow", outcome: "unknown" } as const;

  it("tells what happened, where, and more about it", () => {
    const cases: readonly (readonly [HistoryEvent, string])[] = [
      [{ kind: "begun" }, "begun"],
      [{ kind: "started", step: "a/0", attempt: 1 }, "started  a/0"],
      [{ kind: "started", step: "a/0", attempt: 2 }, "started  a/0  try 2"],
      [{ kind: "done", step: "a/0", result: { b: 1n } }, 'done  a/0  {"b":"1"}'],
      [{ kind: "failed", step: "a", error }, "failed  a  too slow (TIMEOUT, unknown)"],
      [
        { kind: "failed", step: "a", error, retryAt: BEGAN + 2_007 },
        "failed  a  too slow (TIMEOUT, unknown); tried again in 2.0 s",
      ],
      [{ kind: "waiting", step: "w", until: BEGAN + 60_000 }, "waits  w  until 2026-01-02 03:05:05Z"],
      [{ kind: "waiting", step: "w", event: "paid", key: "k" }, "waits  w  for paid under k"],
      [{ kind: "waiting", step: "w", published: "demo.p" }, "waits  w  for what demo.p publishes"],
      [
        { kind: "asked", question: { step: "q", kind: "approval", text: "Well?", choices: ["y", "n"], since: 0 } },
        "asks  q  Well? (y, n)",
      ],
      [{ kind: "answered", step: "q", answer: "done", result: 3, by: "ann" }, 'answered  q  "done", result 3 by ann'],
      [{ kind: "event", event: "paid", payload: 5 }, "event  paid 5"],
      [{ kind: "undoing", error }, "undoing  too slow (TIMEOUT, unknown)"],
      [{ kind: "cancelled", reason: "not wanted", by: "ann" }, "cancelled  not wanted by ann"],
      [{ kind: "retried", by: "ann" }, "retried  by ann"],
      [{ kind: "ended", state: "failed" }, "failed"],
      [{ kind: "done", step: "\u001b[2Ja", result: null }, "done  ?[2Ja  null"],
    ];
    for (const [event, text] of cases) expect(line(event)).to.equal(`03:04:05.007  ${text}`);
  });
});

import { expect } from "chai";
import type { StepStatus } from "../../../../src/workflow/control.js";
import { withPassed } from "../../../../src/workflow/engine/passed-steps.js";

type State = StepStatus["state"];

const step = (path: string, kind: string, state: State, steps: readonly StepStatus[] = []): StepStatus => ({
  step: path,
  kind,
  label: "",
  state,
  attempts: 0,
  steps,
});

/** Paths and states of all steps. */
const statesOf = (steps: readonly StepStatus[]): Record<string, State> =>
  Object.assign({}, ...steps.map((one) => ({ [one.step]: one.state, ...statesOf(one.steps) }))) as Record<
    string,
    State
  >;

describe("Steps that write nothing down", () => {
  it("are done where something after them has begun, and not where nothing has", () => {
    const steps = [
      step("a", "value", "pending"),
      step("b", "call", "running"),
      step("c", "value", "pending"),
      step("d", "call", "pending"),
    ];
    expect(statesOf(withPassed(steps, false))).to.deep.equal({ a: "done", b: "running", c: "pending", d: "pending" });
  });

  it("are all done in a run that is, as far down as all of it was done", () => {
    const steps = [
      step("p", "parallel", "done", [
        step("p/x", "steps", "skipped", [step("p/x/0", "value", "skipped")]),
        step("p/y", "steps", "running", [step("p/y/0", "call", "done"), step("p/y/1", "value", "skipped")]),
      ]),
      step("w", "when", "skipped", [
        step("w/then", "steps", "skipped", [step("w/then/0", "value", "skipped")]),
        step("w/else", "steps", "skipped", [step("w/else/0", "call", "skipped")]),
      ]),
      step("s", "switch", "done", [
        step("s/=a", "steps", "running", [step("s/=a/0", "call", "done"), step("s/=a/1", "value", "pending")]),
        step("s/=b", "steps", "skipped", [step("s/=b/0", "value", "skipped")]),
      ]),
    ];
    expect(statesOf(withPassed(steps, true))).to.deep.equal({
      p: "done",
      "p/x": "done",
      "p/x/0": "done",
      "p/y": "done",
      "p/y/0": "done",
      "p/y/1": "done",
      w: "done",
      "w/then": "skipped",
      "w/then/0": "skipped",
      "w/else": "skipped",
      "w/else/0": "skipped",
      s: "done",
      "s/=a": "done",
      "s/=a/0": "done",
      "s/=a/1": "done",
      "s/=b": "skipped",
      "s/=b/0": "skipped",
    });
  });

  it("are not done behind a step that failed, whatever is done in any case", () => {
    const steps = [
      step("a", "value", "skipped"),
      step("b", "call", "failed"),
      step("c", "value", "skipped"),
      step("~finally", "steps", "done", [step("~finally/0", "call", "done")]),
    ];
    expect(statesOf(withPassed(steps, false))).to.include({ a: "done", b: "failed", c: "skipped", "~finally": "done" });
  });
});

import type { StepStatus } from "../control.js";
import { FINALLY } from "./run-memory.js";

/**
 * Values, and groups of nothing else, write nothing down: that they are done shows in what has begun after them, or in the end of what they are a
 * part of. Which way of a `when` or `switch` was gone stays unknown where nothing in it was written down.
 *
 * @param steps - that come one after the other
 * @param isDone - is what they are a part of done?
 */
export function withPassed(steps: readonly StepStatus[], isDone: boolean): StepStatus[] {
  const passed: StepStatus[] = [];
  let isReached = isDone;
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index];
    if (!step) continue;
    passed.unshift(withParts(step, isReached));
    // What is done in any case says nothing of what came before.
    if (!step.step.endsWith(FINALLY)) isReached ||= hasBegun(step);
  }
  return passed;
}

function withParts(step: StepStatus, isReached: boolean): StepStatus {
  const { kind, steps } = step;
  const isPassed = isReached && SILENT.has(kind) && (step.state === "running" || !hasBegun(step));
  const state = isPassed ? "done" : step.state;
  const isDone = state === "done" || state === "undone";
  switch (kind) {
    case "when":
    case "switch":
      return { ...step, state, steps: steps.map((way) => (hasBegun(way) ? withParts(way, isDone) : way)) };
    case "parallel":
    case "map":
      return { ...step, state, steps: steps.map((branch) => withParts(branch, isDone)) };
    default:
      return { ...step, state, steps: withPassed(steps, isDone) };
  }
}

function hasBegun({ state }: StepStatus): boolean {
  return state !== "pending" && state !== "skipped";
}

const SILENT: ReadonlySet<string> = new Set(["value", "steps", "task", "parallel", "map", "when", "switch"]);

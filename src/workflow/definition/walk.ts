import type { CompiledStep, CompiledTask } from "./compiled.js";

/** A step, and where it stands in its task: `pay/left/0`. */
export interface PlacedStep {
  readonly step: CompiledStep;
  readonly path: string;
}

/** All steps of a task, those that stand in others and those that undo others included. */
export function* stepsOf(task: CompiledTask): Generator<PlacedStep, void> {
  yield* walk(task.steps, "");
  yield* walk(task.finally, "finally/");
}

function* walk(steps: readonly CompiledStep[], prefix: string): Generator<PlacedStep, void> {
  for (const step of steps) {
    const path = prefix + step.key;
    yield { step, path };
    for (const [part, inner] of partsOf(step)) yield* walk(inner, part === "" ? `${path}/` : `${path}/${part}/`);
    if (step.compensate) yield* walk([step.compensate], `${path}/`);
  }
}

function partsOf(step: CompiledStep): Iterable<readonly [part: string, steps: readonly CompiledStep[]]> {
  switch (step.kind) {
    case "steps":
      return [
        ["", step.steps],
        ["finally", step.finally],
      ];
    case "map":
      return [["", step.steps]];
    case "parallel":
      return step.branches;
    case "when":
      return [
        ["then", step.then],
        ["else", step.else ?? []],
      ];
    case "switch":
      return [...step.cases, ["default", step.default ?? []]];
    default:
      return [];
  }
}

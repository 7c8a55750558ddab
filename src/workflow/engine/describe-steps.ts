import type { StepStatus } from "../control.js";
import type { CompiledStep, CompiledTask, CompiledWorkflow } from "../definition/compiled.js";
import { ENDED_STATES, type RunState } from "../run.js";
import { withPassed } from "./passed-steps.js";
import { FINALLY, type RunMemory, type StepMemory, UNDO } from "./run-memory.js";

/** The chain of a run, as it is drawn. */
export function describeSteps(
  workflow: CompiledWorkflow,
  task: CompiledTask,
  memory: RunMemory,
  state: RunState,
): StepStatus[] {
  const steps = new Describer(workflow, memory, ENDED_STATES.includes(state)).task(task, "", 0);
  return withPassed(steps, state === "completed");
}

class Describer {
  readonly #workflow: CompiledWorkflow;
  readonly #memory: RunMemory;
  readonly #isOver: boolean;
  /** Paths of steps that have steps of which something is known. */
  readonly #begun = new Set<string>();
  /** Branches by the path of their step: items of a `map`, as far as they have begun. */
  readonly #children = new Map<string, Set<string>>();

  constructor(workflow: CompiledWorkflow, memory: RunMemory, isOver: boolean) {
    this.#workflow = workflow;
    this.#memory = memory;
    this.#isOver = isOver;
    for (const path of memory.steps.keys()) {
      for (let at = path.lastIndexOf("/"), below = path; at >= 0; at = below.lastIndexOf("/")) {
        const above = below.slice(0, at);
        const children = this.#children.get(above) ?? new Set();
        this.#children.set(above, children.add(below.slice(at + 1)));
        this.#begun.add(above);
        below = above;
      }
    }
  }

  task(task: CompiledTask, prefix: string, depth: number): StepStatus[] {
    if (depth > MAX_DEPTH) return [];
    return this.#list(task.steps, prefix, depth, task.finally);
  }

  #list(
    steps: readonly CompiledStep[],
    prefix: string,
    depth: number,
    last: readonly CompiledStep[] = [],
  ): StepStatus[] {
    const described = steps.map((step) => this.#step(step, prefix, depth));
    if (last.length === 0) return described;
    const path = `${prefix}${FINALLY}`;
    return [...described, this.#group(path, "finally", this.#list(last, `${path}/`, depth))];
  }

  #step(step: CompiledStep, prefix: string, depth: number): StepStatus {
    const path = prefix + step.key;
    const steps = this.#within(step, path, depth + 1);
    const memory = this.#memory.steps.get(path);
    const undo = step.compensate && this.#memory.steps.get(`${path}/${UNDO}`);
    if (step.compensate && undo)
      steps.push({ ...this.#step({ ...step.compensate, key: UNDO }, `${path}/`, depth + 1) });
    const isUndone = undo !== undefined && undo.doneNumber > 0;
    const times = timesOf(memory, steps);
    return {
      step: path,
      kind: step.kind,
      label: step.doc ?? labelOf(step),
      state: isUndone ? "undone" : this.#stateOf(path, memory, steps, step.kind === "value"),
      ...times,
      attempts: memory?.attempts ?? 0,
      ...(memory?.failure && { error: memory.failure.message }),
      steps,
    };
  }

  #within(step: CompiledStep, path: string, depth: number): StepStatus[] {
    if (depth > MAX_DEPTH) return [];
    switch (step.kind) {
      case "steps":
        return this.#list(step.steps, `${path}/`, depth, step.finally);
      case "task": {
        const task = this.#workflow.tasks.get(step.task);
        return task ? this.task(task, `${path}/`, depth) : [];
      }
      case "parallel":
        return [...step.branches].map(([key, steps]) => this.#branch(`${path}/${key}`, key, steps, depth));
      case "map":
        return this.#items(path).map((key) => this.#branch(`${path}/${key}`, key, step.steps, depth));
      case "when":
        return [
          this.#branch(`${path}/then`, "then", step.then, depth),
          ...(step.else ? [this.#branch(`${path}/else`, "else", step.else, depth)] : []),
        ];
      case "switch":
        return [
          ...[...step.cases].map(([key, steps]) => this.#branch(`${path}/=${key}`, key, steps, depth)),
          ...(step.default ? [this.#branch(`${path}/default`, "default", step.default, depth)] : []),
        ];
      default:
        return [];
    }
  }

  #items(path: string): string[] {
    const keys = [...(this.#children.get(path) ?? [])].filter((key) => /^\d+$/.test(key));
    return keys.sort((one, other) => Number(one) - Number(other));
  }

  #branch(path: string, label: string, steps: readonly CompiledStep[], depth: number): StepStatus {
    return this.#group(path, label, this.#list(steps, `${path}/`, depth));
  }

  #group(path: string, label: string, steps: StepStatus[]): StepStatus {
    const state = this.#stateOf(path, undefined, steps, false);
    return { step: path, kind: "steps", label, state, ...timesOf(undefined, steps), attempts: 0, steps };
  }

  #stateOf(
    path: string,
    memory: StepMemory | undefined,
    steps: readonly StepStatus[],
    isSilent: boolean,
  ): StepStatus["state"] {
    if (memory && memory.doneNumber > 0) return "done";
    if (memory?.question && !memory.answer) return memory.question.kind === "unknown" ? "asking" : "waiting";
    if (memory?.failure && memory.retryAt === undefined) return "failed";
    const states = new Set(steps.map(({ state }) => state));
    for (const state of ["asking", "failed", "running", "waiting"] as const) if (states.has(state)) return state;
    if (memory?.wait) return this.#isOver ? "skipped" : "waiting";
    if (memory?.open || memory?.retryAt !== undefined) return this.#isOver ? "failed" : "running";
    // What says nothing of its own has ended when what is in it has, or what came after it has begun.
    if (steps.length > 0 && this.#begun.has(path)) {
      const isDone = steps.every(({ state }) => state === "done" || state === "undone" || state === "skipped");
      return isDone || this.#isOver ? "done" : "running";
    }
    if (isSilent && memory) return "done";
    return this.#isOver ? "skipped" : "pending";
  }
}

/** A task may call others that deep; what lies deeper is not drawn. */
const MAX_DEPTH = 64;

function timesOf(
  memory: StepMemory | undefined,
  steps: readonly StepStatus[],
): { readonly startedAt?: number; readonly endedAt?: number } {
  const begun = [memory?.startedAt, ...steps.map(({ startedAt }) => startedAt)].filter((at) => at !== undefined);
  const ended = [memory?.endedAt, ...steps.map(({ endedAt }) => endedAt)].filter((at) => at !== undefined);
  return {
    ...(begun.length > 0 && { startedAt: Math.min(...begun) }),
    ...(ended.length > 0 && { endedAt: Math.max(...ended) }),
  };
}

/** What a step does, in a few words. */
function labelOf(step: CompiledStep): string {
  switch (step.kind) {
    case "call":
      return `${step.interface}.${step.method}`;
    case "code":
      return `code ${step.code}`;
    case "task":
      return `task ${step.task}`;
    case "map":
      return `map, ${step.concurrency} at a time`;
    case "wait":
      return waitLabel(step.for);
    default:
      return step.kind;
  }
}

function waitLabel(what: Extract<CompiledStep, { kind: "wait" }>["for"]): string {
  switch (what.kind) {
    case "time":
      return "wait a while";
    case "moment":
      return "wait until a moment";
    case "event":
      return `wait for ${what.event}`;
    case "published":
      return `wait for what ${what.interface} publishes`;
    case "approval":
      return "ask a person";
  }
}

import { createHash } from "node:crypto";
import { MethodNotFoundError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import type { CompiledWorkflow } from "./compiled.js";
import type { StepDefaults, TaskDefinition, WorkflowDefinition } from "./definition.js";
import { quote } from "./problems.js";
import { stepsOf } from "./walk.js";

/**
 * The part of a definition that a run of a task needs: the task and those that it calls, each with the defaults that apply to it. Compiled alone
 * it does the same.
 *
 * @throws MethodNotFoundError, `not-executed`, for an unknown task
 */
export function closureOf(workflow: CompiledWorkflow, task: string): WorkflowDefinition {
  const tasks: Record<string, TaskDefinition> = {};
  for (const name of reachedFrom(workflow, task)) {
    const definition = workflow.source.tasks[name];
    if (definition) tasks[name] = withDefaults(definition, workflow.source.defaults);
  }
  return { tasks };
}

/**
 * Tells versions of a task apart: the same 16 hexadecimal digits for the same task, the same tasks that it calls, and the same defaults,
 * whatever the order of members, in each process and on each machine.
 *
 * @throws MethodNotFoundError, `not-executed`, for an unknown task
 */
export function versionOf(workflow: CompiledWorkflow, task: string): string {
  const text = JSON.stringify(sorted({ task, definition: closureOf(workflow, task) }));
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * One definition of two: the tasks and schedules of `base`, and those of `added`, which win. Each task keeps the defaults of the definition that
 * it came with.
 */
export function mergeDefinitions(base: WorkflowDefinition, added: WorkflowDefinition): WorkflowDefinition {
  const tasks = { ...keptTasks(base), ...keptTasks(added) };
  const schedules = { ...base.schedules, ...added.schedules };
  return Object.keys(schedules).length === 0 ? { tasks } : { tasks, schedules };
}

/** A task with the defaults that apply to it, so that it means the same in another definition. */
export function withDefaults(task: TaskDefinition, defaults: StepDefaults | undefined): TaskDefinition {
  if (defaults === undefined) return task;
  if (!("steps" in task)) return { steps: task, defaults };
  return { ...task, defaults: joinDefaults(defaults, task.defaults) };
}

/** Those of the task before those of the definition. */
export function joinDefaults(general: StepDefaults | undefined, own: StepDefaults | undefined): StepDefaults {
  const timeoutMs = own?.timeoutMs ?? general?.timeoutMs;
  const retry = own?.retry ?? general?.retry;
  return { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(retry === undefined ? {} : { retry }) };
}

function keptTasks({ tasks, defaults }: WorkflowDefinition): Record<string, TaskDefinition> {
  return Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, withDefaults(task, defaults)]));
}

/** A value with the members of all objects in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  // Pairs, for an object puts names that are numbers first, and has no member `__proto__`.
  return {
    pairs: entries.filter(([, member]) => member !== undefined).map(([name, member]) => [name, sorted(member)]),
  };
}

function reachedFrom(workflow: CompiledWorkflow, task: string): ReadonlySet<string> {
  if (!workflow.tasks.has(task)) {
    throw new MethodNotFoundError(`There is no task ${quote(task)}${didYouMean(task, workflow.tasks.keys())}`, {
      outcome: "not-executed",
      method: task,
    });
  }
  const reached = new Set([task]);
  // A set is walked with what is added on the way.
  for (const name of reached) {
    const called = workflow.tasks.get(name);
    if (!called) continue;
    for (const { step } of stepsOf(called)) {
      if (step.kind === "task") reached.add(step.task);
    }
  }
  return reached;
}

import { BadRequestError, RpcError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import type { Logger } from "../../util/log.js";
import { compileWorkflow } from "../definition/compile.js";
import type { CompiledTask, CompiledWorkflow } from "../definition/compiled.js";
import type { ScheduleDefinition, TaskDefinition, WorkflowDefinition } from "../definition/definition.js";
import { withDefaults } from "../definition/version.js";
import { stepsOf } from "../definition/walk.js";
import type { RunJournal } from "../journal/run-journal.js";

/** What a {@link TaskDesk} needs. */
export interface TaskDeskParts {
  /** What the service was given, which makes sense. */
  readonly base: WorkflowDefinition;
  /** Keeps what is defined at run time. */
  readonly journal: Pick<RunJournal, "tasks" | "setTask">;
  /** Names of the functions that were handed in. */
  readonly code: readonly string[];
  readonly log: Logger;
}

/** Tasks by name as data; `null`: one of the base that was removed. */
type Overlay = ReadonlyMap<string, TaskDefinition | null>;

/**
 * The tasks of a service: those that it was given, and over them what was defined and removed at run time, which the journal keeps.
 */
export class TaskDesk {
  readonly #parts: TaskDeskParts;
  #overlay: Overlay = new Map();
  #compiled: CompiledWorkflow;

  constructor(parts: TaskDeskParts) {
    this.#parts = parts;
    this.#compiled = compileWorkflow(parts.base, { code: parts.code });
  }

  /** All tasks, as they are now. */
  get compiled(): CompiledWorkflow {
    return this.#compiled;
  }

  /** When it is removed, is there still a task of its name: the one that the service was given? */
  staysWithout(task: string): boolean {
    return this.#overlay.has(task) && Object.hasOwn(this.#parts.base.tasks, task);
  }

  /**
   * Takes up what was defined and removed in the past. What does not fit to what the service is given now is left out, and the log tells why.
   */
  async open(): Promise<void> {
    const stored = new Map<string, TaskDefinition | null>();
    for (const [name, json] of await this.#parts.journal.tasks()) {
      stored.set(name, json === null ? null : (JSON.parse(json) as TaskDefinition));
    }
    try {
      this.#use(stored);
    } catch {
      this.#useWhatFits(stored);
    }
  }

  /**
   * What a definition adds, read and checked together with all that is there.
   *
   * @throws BadRequestError with all that is wrong with it
   */
  read(definition: unknown): {
    readonly tasks: ReadonlyMap<string, TaskDefinition>;
    readonly schedules: ReadonlyMap<string, ScheduleDefinition>;
  } {
    const added = this.#compile(withTasks(definition), this.#compiled.tasks.keys());
    const { tasks, defaults } = added.source;
    return {
      tasks: new Map([...added.tasks.keys()].map((name) => [name, withDefaults(ownMember(tasks, name), defaults)])),
      schedules: added.schedules,
    };
  }

  /**
   * Adds tasks, or replaces them.
   *
   * @throws BadRequestError when they do not fit to the others; UnavailableError when they cannot be kept; nothing has changed then
   */
  async define(tasks: ReadonlyMap<string, TaskDefinition>): Promise<void> {
    const overlay = new Map<string, TaskDefinition | null>([...this.#overlay, ...tasks]);
    const compiled = this.#compile(this.#under(overlay));
    const { journal } = this.#parts;
    // Given at once they share a commit.
    await Promise.all([...tasks].map(([name, task]) => journal.setTask(name, JSON.stringify(task))));
    this.#overlay = overlay;
    this.#compiled = compiled;
  }

  /**
   * Removes a task; where it stood in place of one that the service was given, that one is there again.
   *
   * @throws BadRequestError when there is none, or another one needs it
   */
  async remove(task: string): Promise<void> {
    this.#require(task);
    const isOverlaid = this.#overlay.has(task);
    const overlay = new Map(this.#overlay);
    if (isOverlaid) overlay.delete(task);
    else overlay.set(task, null);
    if (!this.staysWithout(task)) this.#requireUnneeded(task);
    const compiled = this.#compile(this.#under(overlay));
    await this.#parts.journal.setTask(task, isOverlaid ? undefined : null);
    this.#overlay = overlay;
    this.#compiled = compiled;
  }

  #require(task: string): void {
    if (this.#compiled.tasks.has(task)) return;
    throw refusal(`There is no task ${JSON.stringify(task)}${didYouMean(task, this.#compiled.tasks.keys())}`);
  }

  #requireUnneeded(task: string): void {
    for (const other of this.#compiled.tasks.values()) {
      if (other.name !== task && calls(other, task)) {
        throw refusal(`The task ${other.name} calls ${task}: remove that first, or define it without`);
      }
    }
  }

  #under(overlay: Overlay): WorkflowDefinition {
    const tasks = new Map<string, TaskDefinition>(Object.entries(this.#parts.base.tasks));
    for (const [name, task] of overlay) {
      if (task) tasks.set(name, task);
      else tasks.delete(name);
    }
    return { tasks: Object.fromEntries(tasks) };
  }

  #use(overlay: Overlay): void {
    this.#compiled = compileWorkflow(this.#under(overlay), { code: this.#parts.code });
    this.#overlay = overlay;
  }

  /** One after the other, as long as another one fits: they may need each other. */
  #useWhatFits(stored: Overlay): void {
    const left = new Map(stored);
    const reasons = new Map<string, string>();
    for (let before = -1; before !== left.size; ) {
      before = left.size;
      for (const [name, task] of left) {
        try {
          this.#use(new Map([...this.#overlay, [name, task]]));
          left.delete(name);
        } catch (error) {
          reasons.set(name, (error as Error).message);
        }
      }
    }
    for (const [name, task] of left) {
      const what = task ? `The task ${name} that was defined at run time` : `That the task ${name} was removed`;
      this.#parts.log.error(
        `${what} does not fit to what the service is given now, and is left out: ${reasons.get(name) ?? ""}`,
      );
    }
  }

  #compile(definition: unknown, tasks?: Iterable<string>): CompiledWorkflow {
    try {
      return compileWorkflow(definition, { code: this.#parts.code, tasks });
    } catch (error) {
      if (RpcError.isRpcError(error) && error.code === "CONFIGURATION") throw refusal(error.message, error);
      throw error;
    }
  }
}

/** Who adds schedules alone need not say that there are no tasks. */
function withTasks(definition: unknown): unknown {
  const hasNone = typeof definition === "object" && definition !== null && !("tasks" in definition);
  return hasNone ? { ...definition, tasks: {} } : definition;
}

function calls(task: CompiledTask, other: string): boolean {
  for (const { step } of stepsOf(task)) if (step.kind === "task" && step.task === other) return true;
  return false;
}

function ownMember(tasks: WorkflowDefinition["tasks"], name: string): TaskDefinition {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  return task ?? [];
}

function refusal(message: string, cause?: unknown): BadRequestError {
  return new BadRequestError(message, { outcome: "not-executed", cause });
}

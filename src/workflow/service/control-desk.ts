import { BadRequestError } from "../../errors.js";
import type { Logger } from "../../util/log.js";
import type { ScheduleInfo, TaskInfo, WorkflowControl } from "../control.js";
import type { ScheduleDefinition, TaskDefinition, WorkflowDefinition } from "../definition/definition.js";
import { versionOf } from "../definition/version.js";
import { readText } from "./control-checks.js";
import type { Scheduler } from "./scheduler.js";
import type { TaskDesk } from "./task-desk.js";
import type { TaskWarnings } from "./task-warnings.js";

/** What a {@link ControlDesk} works with. */
export interface ControlDeskParts {
  readonly tasks: TaskDesk;
  readonly scheduler: Scheduler;
  readonly warnings: TaskWarnings;
  /** Tasks have changed. */
  readonly changed: () => void;
  readonly log: Logger;
}

/** Changes tasks and schedules at run time, one request after the other. */
export class ControlDesk
  implements Pick<WorkflowControl, "tasks" | "define" | "remove" | "schedules" | "schedule" | "unschedule">
{
  readonly #parts: ControlDeskParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ControlDeskParts) {
    this.#parts = parts;
  }

  async tasks(): Promise<readonly TaskInfo[]> {
    const { tasks, warnings } = this.#parts;
    const { compiled } = tasks;
    const found = await warnings.of(compiled, AbortSignal.timeout(WARN_MS));
    return [...compiled.tasks.values()]
      .map(({ name, doc }) => ({
        name,
        doc: doc ?? null,
        version: versionOf(compiled, name),
        definition: Object.getOwnPropertyDescriptor(compiled.source.tasks, name)?.value as TaskDefinition,
        warnings: found.get(name) ?? [],
      }))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async define(definition: WorkflowDefinition): Promise<readonly TaskInfo[]> {
    const { tasks, scheduler, changed, log } = this.#parts;
    const names = await this.#inTurn(async () => {
      const added = tasks.read(definition);
      await tasks.define(added.tasks);
      changed();
      for (const [name, schedule] of added.schedules) await scheduler.set(name, schedule);
      return [...added.tasks.keys()];
    });
    if (names.length > 0) log.info(`Defined at run time: ${names.join(", ")}`);
    return (await this.tasks()).filter(({ name }) => names.includes(name));
  }

  remove({ task }: { task: string }): Promise<void> {
    const { tasks, scheduler, changed, log } = this.#parts;
    return this.#inTurn(async () => {
      const [needing] = scheduler.needing(task);
      if (needing !== undefined && !tasks.staysWithout(task)) {
        throw new BadRequestError(`The schedule ${needing} begins runs of ${task}: remove that first`, {
          outcome: "not-executed",
        });
      }
      await tasks.remove(task);
      changed();
      log.info(`Removed at run time: ${task}`);
    });
  }

  schedules(): Promise<readonly ScheduleInfo[]> {
    return Promise.resolve(this.#parts.scheduler.list());
  }

  schedule(options: ScheduleDefinition & { name: string }): Promise<ScheduleInfo> {
    return this.#inTurn(async () => {
      const { name, ...definition } = options;
      const read = this.#parts.tasks.read({ tasks: {}, schedules: { [readText(name, "name", MAX_NAME)]: definition } });
      const schedule = read.schedules.get(name) ?? definition;
      return await this.#parts.scheduler.set(name, schedule);
    });
  }

  unschedule({ name }: { name: string }): Promise<void> {
    return this.#inTurn(() => this.#parts.scheduler.remove(name));
  }

  /** Nothing changes while something else is about to. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(change);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** How long services may take to tell what they offer, in milliseconds, before tasks are listed without what that would warn of. */
const WARN_MS = 2_000;
/** So that the ids of runs, which begin with it, are not too long. */
const MAX_NAME = 150;

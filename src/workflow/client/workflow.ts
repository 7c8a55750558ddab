import { randomUUID } from "node:crypto";
import type { Client } from "../../client/client.js";
import { type CallPipeline, Component } from "../../client/component.js";
import { defaultClient } from "../../client/default-client.js";
import { INTROSPECT } from "../../peer/contract.js";
import type { CallOptions, OutgoingCall } from "../../peer/invoker.js";
import type { Dynamic, TypedAs } from "../../peer/remote.js";
import {
  CONTROL_INTERFACE,
  type Delivery,
  RUN_EXTENSION,
  type RunDetails,
  type RunProgress,
  type ScheduleInfo,
  type TaskInfo,
  WORKFLOW_INTERFACE,
  type WorkflowControl,
} from "../control.js";
import type { ScheduleDefinition, WorkflowDefinition } from "../definition/definition.js";
import type { HistoryEntry, RunAnswer, RunFilter, RunInfo } from "../run.js";
import { RemoteControl } from "./remote-control.js";

/** Options of {@link workflow}. */
export interface WorkflowOptions {
  /** Carries the calls out; who made it closes it. Default: that of `locate` and `nameserver`. */
  readonly client?: Client | undefined;
}

/**
 * A workflow service, as its callers have it: a component whose methods are the tasks, and beside them all that can be done with
 * runs. Made by {@link workflow}.
 *
 * Each call of a task begins a run and waits for its result. It is known by an id that goes with it, so that a call which is tried again, also at
 * a service that was killed and started anew meanwhile, is the same run.
 *
 * @typeParam Tasks - the tasks as methods, for `proxy(w)`
 */
export class Workflow<Tasks extends object = Dynamic> extends Component implements TypedAs<Tasks> {
  declare readonly "~remote": Tasks;
  /** What can be done with runs, tasks and schedules; the methods of this class are short for it. */
  readonly control: WorkflowControl;
  readonly #remote: RemoteControl;

  /** Use {@link workflow}. @internal */
  constructor(client: Client, service: string) {
    const tasks = client.component(WORKFLOW_INTERFACE, { service });
    const pipeline: CallPipeline = (component, call, shape) => tasks.pipeline(component, withRun(call), shape);
    super(WORKFLOW_INTERFACE, tasks.invoker, pipeline);
    this.#remote = new RemoteControl(client.component(CONTROL_INTERFACE, { service }));
    this.control = this.#remote;
  }

  /** See {@link WorkflowControl.start}; without an id the run gets one here, so that it is the same however often this is tried. */
  start(options: { task: string; input?: unknown; id?: string }): Promise<RunInfo> {
    return this.control.start(options);
  }

  /**
   * The result of a run, whenever it has one.
   *
   * @param options - `timeoutMs`: default as long as it takes, or until `signal` fires
   * @throws as {@link WorkflowControl.wait}
   */
  wait(options: { run: string; timeoutMs?: number; signal?: AbortSignal }): Promise<unknown> {
    return this.#remote.wait(options);
  }

  /** See {@link WorkflowControl.status}; a component has a `status` of its own. */
  info(options: { run: string }): Promise<RunInfo> {
    return this.control.status(options);
  }

  /** See {@link WorkflowControl.show}. */
  show(options: { run: string }): Promise<RunDetails> {
    return this.control.show(options);
  }

  /** See {@link WorkflowControl.list}. */
  list(filter: RunFilter = {}): Promise<readonly RunInfo[]> {
    return this.control.list(filter);
  }

  /** See {@link WorkflowControl.count}. */
  count(): Promise<Readonly<Record<string, number>>> {
    return this.control.count();
  }

  /** See {@link WorkflowControl.history}. */
  history(options: { run: string; after?: number; limit?: number }): Promise<readonly HistoryEntry[]> {
    return this.control.history(options);
  }

  /** See {@link WorkflowControl.cancel}. */
  cancel(options: { run: string; reason?: string; by?: string }): Promise<RunInfo> {
    return this.control.cancel(options);
  }

  /** See {@link WorkflowControl.retry}. */
  retry(options: { run: string; by?: string }): Promise<RunInfo> {
    return this.control.retry(options);
  }

  /** See {@link WorkflowControl.resume}. */
  resume(options: RunAnswer & { run: string }): Promise<RunInfo> {
    return this.control.resume(options);
  }

  /** See {@link WorkflowControl.deliver}. */
  deliver(options: { event: string; payload?: unknown; run?: string; key?: string }): Promise<Delivery> {
    return this.control.deliver(options);
  }

  /** See {@link WorkflowControl.progress}. */
  progress(options: { run?: string } = {}): AsyncIterable<RunProgress> {
    return this.control.progress(options);
  }

  /** See {@link WorkflowControl.tasks}. */
  tasks(): Promise<readonly TaskInfo[]> {
    return this.control.tasks();
  }

  /** See {@link WorkflowControl.define}. */
  define(definition: WorkflowDefinition): Promise<readonly TaskInfo[]> {
    return this.control.define(definition);
  }

  /** See {@link WorkflowControl.remove}. */
  remove(options: { task: string }): Promise<void> {
    return this.control.remove(options);
  }

  /** See {@link WorkflowControl.schedules}. */
  schedules(): Promise<readonly ScheduleInfo[]> {
    return this.control.schedules();
  }

  /** See {@link WorkflowControl.schedule}. */
  schedule(options: ScheduleDefinition & { name: string }): Promise<ScheduleInfo> {
    return this.control.schedule(options);
  }

  /** See {@link WorkflowControl.unschedule}. */
  unschedule(options: { name: string }): Promise<void> {
    return this.control.unschedule(options);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#remote.close();
  }
}

/**
 * A workflow service by its service path. Returns at once:
 *
 * ```ts
 * const w = workflow("/demo/workflow/1");
 * await w.invoke("task1", { order: 42 });
 * await proxy(w).task1({ order: 42 }); // the same
 * ```
 *
 * @throws ConfigurationError when the service is no name
 */
export function workflow<Tasks extends object = Dynamic>(
  service: string,
  options: WorkflowOptions = {},
): Workflow<Tasks> {
  return new Workflow<Tasks>(options.client ?? defaultClient(), service);
}

/** A call gets its run's id before it is tried first, and may be tried as often as needed. */
function withRun(call: OutgoingCall): OutgoingCall {
  if (call.method === INTROSPECT) return call;
  return {
    ...call,
    extensions: { [RUN_EXTENSION]: randomUUID(), ...call.extensions },
    options: { ...call.options, idempotent: call.options.idempotent ?? true } satisfies CallOptions,
  };
}

import { randomUUID } from "node:crypto";
import type { Component } from "../../client/component.js";
import { RpcError } from "../../errors.js";
import type { Delivery, RunDetails, RunProgress, ScheduleInfo, TaskInfo, WorkflowControl } from "../control.js";
import type { ScheduleDefinition, WorkflowDefinition } from "../definition/definition.js";
import { ENDED_STATES, type HistoryEntry, type RunAnswer, type RunFilter, type RunInfo } from "../run.js";
import { type ControlCall, controlOf } from "./control-call.js";

/** The control interface of a workflow service elsewhere. */
export class RemoteControl implements WorkflowControl {
  readonly #component: Component;
  readonly #call: ControlCall;

  /** @param component - of the control interface */
  constructor(component: Component) {
    this.#component = component;
    this.#call = controlOf(component);
  }

  start(options: { task: string; input?: unknown; id?: string }): Promise<RunInfo> {
    const { task, input = null, id = randomUUID() } = options;
    return this.#call("start", { task, input, id }, { idempotent: true });
  }

  /** Waits in calls of limited length, one after the other. */
  async wait(options: { run: string; timeoutMs?: number; signal?: AbortSignal }): Promise<unknown> {
    const { run, timeoutMs = Infinity, signal } = options;
    const giveUpAt = performance.now() + timeoutMs;
    for (;;) {
      const leftMs = Math.max(1, Math.min(ONE_WAIT_MS, giveUpAt - performance.now()));
      try {
        // The service is to say what it knows before the call is over.
        return await this.#call("wait", { run, timeoutMs: leftMs }, { timeoutMs: leftMs + MARGIN_MS, signal });
      } catch (error) {
        if (!(await this.#goesOn(run, error, giveUpAt, signal))) throw error;
      }
    }
  }

  status(options: { run: string }): Promise<RunInfo> {
    return this.#call("status", options);
  }

  show(options: { run: string }): Promise<RunDetails> {
    return this.#call("show", options);
  }

  list(filter: RunFilter = {}): Promise<readonly RunInfo[]> {
    return this.#call("list", filter);
  }

  count(): Promise<Readonly<Record<string, number>>> {
    return this.#call("count");
  }

  history(options: { run: string; after?: number; limit?: number }): Promise<readonly HistoryEntry[]> {
    return this.#call("history", options);
  }

  cancel(options: { run: string; reason?: string; by?: string }): Promise<RunInfo> {
    return this.#call("cancel", options);
  }

  retry(options: { run: string; by?: string }): Promise<RunInfo> {
    return this.#call("retry", options);
  }

  resume(options: RunAnswer & { run: string }): Promise<RunInfo> {
    return this.#call("resume", options);
  }

  deliver(options: { event: string; payload?: unknown; run?: string; key?: string }): Promise<Delivery> {
    return this.#call("deliver", options);
  }

  async *progress(options: { run?: string } = {}): AsyncGenerator<RunProgress, void, undefined> {
    yield* await this.#call("progress", options);
  }

  tasks(): Promise<readonly TaskInfo[]> {
    return this.#call("tasks");
  }

  define(definition: WorkflowDefinition): Promise<readonly TaskInfo[]> {
    return this.#call("define", definition);
  }

  async remove(options: { task: string }): Promise<void> {
    await this.#call("remove", options);
  }

  schedules(): Promise<readonly ScheduleInfo[]> {
    return this.#call("schedules");
  }

  schedule(options: ScheduleDefinition & { name: string }): Promise<ScheduleInfo> {
    return this.#call("schedule", options);
  }

  async unschedule(options: { name: string }): Promise<void> {
    await this.#call("unschedule", options);
  }

  /** Ends the use of it. */
  close(): Promise<void> {
    return this.#component.close();
  }

  /** A wait has ended without a result: is it only the wait that took too long, and not the run? */
  async #goesOn(run: string, error: unknown, giveUpAt: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (!RpcError.isRpcError(error) || error.code !== "TIMEOUT" || signal?.aborted) return false;
    if (performance.now() >= giveUpAt) return false;
    const { state } = await this.#call("status", { run }, { signal });
    return !ENDED_STATES.includes(state);
  }
}

/** How long one call waits, in milliseconds: shorter than what is between clients and services may cut off. */
const ONE_WAIT_MS = 20_000;
/** How much longer the call may take, in milliseconds. */
const MARGIN_MS = 5_000;

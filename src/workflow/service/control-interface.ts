import { currentCall, outsideOfCalls } from "../../peer/call-context.js";
import { defineInterface, type InterfaceDefinition } from "../../peer/exposed/definition.js";
import type { MethodWithOptions } from "../../peer/exposed/interface-of.js";
import type { MethodFunction } from "../../peer/exposed/method-options.js";
import { CONTROL_INTERFACE, type RunProgress, type WorkflowControl } from "../control.js";
import type { ScheduleDefinition, WorkflowDefinition } from "../definition/definition.js";
import type { Runs } from "../engine/runs.js";
import {
  readFilter,
  readInteger,
  readOptionalRun,
  readOptionalText,
  readRun,
  readText,
  readTimeout,
} from "./control-checks.js";
import { followed } from "./followed.js";
import { runIdOf } from "./run-id.js";
import type { TaskCalls } from "./task-calls.js";
import { told } from "./told.js";
import { toldEntry } from "./told-entry.js";

/** What the control interface is about. */
export interface ControlParts {
  readonly runs: () => Runs;
  /** Waits for runs. */
  readonly calls: TaskCalls;
  /** Tasks and schedules. */
  readonly desk: Pick<WorkflowControl, "tasks" | "define" | "remove" | "schedules" | "schedule" | "unschedule">;
  /** Fires when the service is closed. */
  readonly closing: AbortSignal;
}

/** The interface of those who look after runs: checks what comes from outside, and hands it on. */
export function controlInterface({ runs, calls, desk, closing }: ControlParts): InterfaceDefinition {
  const methods: Readonly<Record<string, MethodWithOptions>> = {
    start: {
      doc: "Begins a run of a task. The same id twice is the same run.",
      params: ["task", "input?", "id?"],
      idempotent: "by-call-id",
      run: (task: unknown, input: unknown, id: unknown) => {
        const given = readOptionalRun(id, "id") ?? runIdOf(currentCall());
        return outsideOfCalls(() => runs().start(readText(task, "task"), input ?? null, { id: given }));
      },
    },
    wait: {
      doc: "The result of a run, as soon as it has one.",
      params: ["run", "timeoutMs?"],
      idempotent: true,
      run: async (run: unknown, timeoutMs: unknown) => {
        const [id, longestMs, call] = [readRun(run), readTimeout(timeoutMs), currentCall()];
        await outsideOfCalls(() => runs().status(id));
        return await calls.wait(call, id, longestMs);
      },
    },
    status: {
      doc: "How a run is doing.",
      params: ["run"],
      idempotent: true,
      run: (run: unknown) => outsideOfCalls(() => runs().status(readRun(run))),
    },
    show: {
      doc: "A run with its chain.",
      params: ["run"],
      idempotent: true,
      run: (run: unknown) => outsideOfCalls(() => runs().show(readRun(run))),
    },
    list: {
      doc: "Runs, the newest first.",
      params: ["task?", "state?", "since?", "before?", "limit?", "after?"],
      idempotent: true,
      run: (task: unknown, state: unknown, since: unknown, before: unknown, limit: unknown, after: unknown) =>
        outsideOfCalls(() => runs().list(readFilter({ task, state, since, before, limit, after }))),
    },
    count: {
      doc: "How many runs there are in each state.",
      idempotent: true,
      run: () => outsideOfCalls(() => runs().count()),
    },
    history: {
      doc: "What has happened in a run, in order.",
      params: ["run", "after?", "limit?"],
      idempotent: true,
      run: (run: unknown, after: unknown, limit: unknown) => {
        const [behind, most] = [
          readInteger(after, "after", 0, Number.MAX_SAFE_INTEGER),
          readInteger(limit, "limit", 1, 1_000),
        ];
        return outsideOfCalls(async () => (await runs().history(readRun(run), behind, most ?? 1_000)).map(toldEntry));
      },
    },
    cancel: {
      doc: "Stops a run, and undoes what it did.",
      params: ["run", "reason?", "by?"],
      run: (run: unknown, reason: unknown, by: unknown) => {
        const who = readBy(by);
        const why = readOptionalText(reason, "reason", 2_000) ?? "Somebody wants it to be";
        return outsideOfCalls(() => runs().cancel(readRun(run), why, who));
      },
    },
    retry: {
      doc: "Lets a run that has failed go on at the step that failed.",
      params: ["run", "by?"],
      run: (run: unknown, by: unknown) => {
        const who = readBy(by);
        return outsideOfCalls(() => runs().retry(readRun(run), who));
      },
    },
    resume: {
      doc: "Answers a question of a run.",
      params: ["run", "answer", "result?", "step?", "by?"],
      run: (run: unknown, answer: unknown, result: unknown, step: unknown, by: unknown) => {
        const who = readBy(by);
        const path = readOptionalText(step, "step", 1_000);
        return outsideOfCalls(() => runs().resume(readRun(run), { answer, result, step: path, by: who }));
      },
    },
    deliver: {
      doc: "Delivers an event to a run, or to all that wait for it under a key.",
      params: ["event", "payload?", "run?", "key?"],
      run: (event: unknown, payload: unknown, run: unknown, key: unknown) => {
        const to = { run: readOptionalRun(run), key: readOptionalText(key, "key", 1_000) };
        return outsideOfCalls(() => runs().deliver(readText(event, "event"), payload ?? null, to));
      },
    },
    progress: {
      doc: "Follows a run until it ends, or all runs from now on: a stream.",
      params: ["run?"],
      run: (run: unknown) => {
        const id = readOptionalRun(run);
        return followed(
          (signal) => outsideOfCalls(() => toldProgress(runs().progress(id, signal))),
          currentCall().signal,
          closing,
        );
      },
    },
    tasks: {
      doc: "All tasks.",
      idempotent: true,
      run: () => outsideOfCalls(() => desk.tasks()),
    },
    define: {
      doc: "Adds or replaces tasks and schedules. Runs that have begun keep what they began with.",
      params: ["tasks?", "schedules?", "defaults?"],
      idempotent: true,
      // Whatever else stands there is told of by whoever reads definitions.
      run: () => {
        const definition = currentCall().args as WorkflowDefinition;
        return outsideOfCalls(() => desk.define(definition));
      },
    },
    remove: {
      doc: "Removes a task; its runs go on.",
      params: ["task"],
      run: (task: unknown) => outsideOfCalls(() => desk.remove({ task: readText(task, "task") })),
    },
    schedules: {
      doc: "What is begun by the clock.",
      idempotent: true,
      run: () => outsideOfCalls(() => desk.schedules()),
    },
    schedule: {
      doc: "Adds or replaces a schedule.",
      params: ["name", "task", "cron", "timezone?", "input?", "missed?"],
      idempotent: true,
      run: () => {
        const schedule = currentCall().args as ScheduleDefinition & { name: string };
        return outsideOfCalls(() => desk.schedule(schedule));
      },
    },
    unschedule: {
      doc: "Removes a schedule.",
      params: ["name"],
      run: (name: unknown) => outsideOfCalls(() => desk.unschedule({ name: readText(name, "name") })),
    },
  };
  return defineInterface(CONTROL_INTERFACE, {
    doc: "Looks after the runs of a workflow service.",
    methods: Object.fromEntries(
      Object.entries(methods).map(([name, method]) => [name, { ...method, run: tellingOutcomes(method.run) }]),
    ),
  });
}

/**
 * What is no part of the call is begun outside of it: neither its deadline nor its token go on to what runs do. Errors are told with the outcome
 * that they have.
 */
function tellingOutcomes(run: MethodFunction): MethodFunction {
  return (...values: never[]) => {
    try {
      const result = run(...values);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw told(error);
      });
    } catch (error) {
      throw told(error);
    }
  };
}

async function* toldProgress(progress: AsyncIterable<RunProgress>): AsyncGenerator<RunProgress, undefined> {
  for await (const one of progress) yield one.entry ? { ...one, entry: toldEntry(one.entry) } : one;
  return undefined;
}

/** Who does it, for the history: what the caller says, and what is proven of them. */
function readBy(by: unknown): string | undefined {
  const proven = currentCall().caller?.name;
  const said = readOptionalText(by, "by");
  if (said === undefined || proven === undefined || said === proven) return said ?? proven;
  return `${said} (${proven})`;
}

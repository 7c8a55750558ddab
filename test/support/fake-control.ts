import { EventEmitter, once } from "node:events";
import { BadRequestError, defineInterface, type InterfaceDefinition, rpcError } from "../../src/index.js";
import {
  CONTROL_INTERFACE,
  type RunDetails,
  type RunProgress,
  type ScheduleInfo,
  type StepStatus,
} from "../../src/workflow/control.js";
import { ENDED_STATES, type HistoryEntry, type HistoryEvent, type RunFilter } from "../../src/workflow/run.js";

/** A step as tests make it. */
export function stepOf(path: string, more: Partial<StepStatus> = {}): StepStatus {
  return { step: path, kind: "call", label: `demo.${path}`, state: "pending", attempts: 0, steps: [], ...more };
}

/** What is asked of a workflow service, answered from memory: runs are what a test says that they are. */
export class FakeControl {
  readonly definition: InterfaceDefinition;
  /** All that was asked, in order. */
  readonly asked: { readonly method: string; readonly given: Readonly<Record<string, unknown>> }[] = [];
  readonly #runs = new Map<string, { run: RunDetails; readonly history: HistoryEntry[] }>();
  readonly #schedules = new Map<string, ScheduleInfo>();
  readonly #changes = new EventEmitter().setMaxListeners(0);

  /** @param onAsk - called in each call */
  constructor(onAsk: () => void = () => undefined) {
    const answers: Readonly<Record<string, (given: Given) => unknown>> = {
      start: ({ task, input = null, id = "made" }) => {
        if (task === "unknown") throw rpcError("METHOD_NOT_FOUND", "There is no task unknown");
        const known = this.#runs.get(id as string);
        return known ? known.run : this.add({ id: id as string, task: task as string, input });
      },
      wait: (given) => this.#wait(given),
      status: ({ run }) => this.#of(run).run,
      show: ({ run }) => this.#of(run).run,
      list: (filter) => this.#list(filter),
      count: () => ({ running: 2, failed: 1 }),
      history: ({ run, after = 0 }) => this.#of(run).history.filter(({ number }) => number > (after as number)),
      cancel: ({ run, reason = "", by }) => {
        const event = { kind: "cancelled", reason: reason as string, by: by as string | undefined } as const;
        return this.change(run as string, { state: "cancelled" }, event);
      },
      retry: ({ run, by }) => {
        if (this.#of(run).run.state !== "failed") throw new BadRequestError(`The run ${String(run)} has not failed`);
        const more = { state: "running", error: undefined, endedAt: null } as const;
        return this.change(run as string, more, { kind: "retried", by: by as string | undefined });
      },
      resume: ({ run, answer, step, result, by }) => {
        const { questions } = this.#of(run).run;
        const question = questions.find((one) => step === undefined || one.step === step);
        if (!question) throw new BadRequestError(`The run ${String(run)} asks nothing`);
        const rest = questions.filter((one) => one !== question);
        const event = { kind: "answered", step: question.step, answer, result, by: by as string | undefined } as const;
        return this.change(run as string, { questions: rest, state: rest.length > 0 ? "waiting" : "running" }, event);
      },
      deliver: ({ run, key }) => ({ runs: run === undefined ? (key === "k" ? ["one", "two"] : []) : [run] }),
      progress: ({ run }) => (run === undefined ? this.#all() : this.#progress(run as string)),
      tasks: () => [
        {
          name: "order",
          doc: "An order.",
          version: "v1",
          definition: [],
          warnings: ["order, step 0: nobody provides the interface demo.x"],
        },
      ],
      define: ({ tasks }) => Object.keys(tasks as object).map((name) => ({ ...TASK, name })),
      remove: ({ task }) => {
        if (task !== "order") throw new BadRequestError(`There is no task ${String(task)}`);
      },
      schedules: () => [...this.#schedules.values()],
      schedule: (given) => {
        const schedule = { ...given, nextAt: Date.UTC(2026, 0, 2), lastAt: null } as unknown as ScheduleInfo;
        this.#schedules.set(schedule.name, schedule);
        return schedule;
      },
      unschedule: ({ name }) => {
        this.#schedules.delete(name as string);
      },
    };
    this.definition = defineInterface(CONTROL_INTERFACE, {
      methods: Object.fromEntries(
        Object.entries(answers).map(([method, answer]) => [
          method,
          (given: Given | null) => {
            this.asked.push({ method, given: given ?? {} });
            onAsk();
            return answer(given ?? {});
          },
        ]),
      ),
    });
  }

  /** Adds a run, or replaces one. */
  add(more: Partial<RunDetails> & Pick<RunDetails, "id">): RunDetails {
    const startedAt = more.startedAt ?? Date.now();
    const run: RunDetails = {
      task: "order",
      version: "v1",
      state: "running",
      startedAt,
      updatedAt: startedAt,
      endedAt: null,
      input: null,
      questions: [],
      steps: [stepOf("pay"), stepOf("ship")],
      ...more,
    };
    this.#runs.set(run.id, { run, history: [{ number: 1, at: startedAt, event: { kind: "begun" } }] });
    this.#changes.emit("change", run, undefined);
    return run;
  }

  /** Changes a run, and tells those who follow it. */
  change(id: string, more: Partial<RunDetails>, event?: HistoryEvent): RunDetails {
    const kept = this.#of(id);
    const at = Date.now();
    const run = { ...kept.run, updatedAt: at, ...more };
    kept.run = ENDED_STATES.includes(run.state) ? { ...run, endedAt: run.endedAt ?? at } : run;
    const entry = event && { number: kept.history.length + 1, at, event };
    if (entry) kept.history.push(entry);
    this.#changes.emit("change", kept.run, entry);
    return kept.run;
  }

  #of(id: unknown): { run: RunDetails; readonly history: HistoryEntry[] } {
    const kept = this.#runs.get(id as string);
    if (!kept) throw new BadRequestError(`There is no run ${String(id)}`);
    return kept;
  }

  async #wait({ run: id, timeoutMs = 30_000 }: Given): Promise<unknown> {
    const timeout = AbortSignal.timeout(timeoutMs as number);
    for (;;) {
      const { run } = this.#of(id);
      if (run.state === "completed") return run.result;
      if (run.error && ENDED_STATES.includes(run.state)) {
        const { code, message, number } = run.error;
        throw rpcError(code as "UNKNOWN", message, { outcome: "executed", number });
      }
      try {
        await once(this.#changes, "change", { signal: timeout });
      } catch {
        throw rpcError("TIMEOUT", `The run ${String(id)} is ${run.state}`, { outcome: "executed" });
      }
    }
  }

  #list({ task, state, after, limit = 100 }: RunFilter): readonly RunDetails[] {
    const states = state === undefined ? undefined : [state].flat();
    const all = [...this.#runs.values()].map(({ run }) => run).sort((a, b) => b.startedAt - a.startedAt);
    const fitting = all.filter((run) => (task ?? run.task) === run.task && (states?.includes(run.state) ?? true));
    const from = after === undefined ? 0 : fitting.findIndex(({ id }) => id === after) + 1;
    return fitting.slice(from, from + limit);
  }

  async *#progress(id: string): AsyncGenerator<RunProgress, void> {
    let next = 0;
    for (;;) {
      const { run, history } = this.#of(id);
      for (; next < history.length; next++) yield { run, entry: history[next] };
      if (ENDED_STATES.includes(this.#of(id).run.state)) return;
      if (next === history.length) await once(this.#changes, "change");
    }
  }

  async *#all(): AsyncGenerator<RunProgress, void> {
    const waiting: RunDetails[] = [];
    const listener = (run: RunDetails): void => {
      waiting.push(run);
    };
    this.#changes.on("change", listener);
    try {
      for (;;) {
        const run = waiting.shift();
        if (run) yield { run };
        else await once(this.#changes, "change");
      }
    } finally {
      this.#changes.off("change", listener);
    }
  }
}

type Given = Readonly<Record<string, unknown>>;

const TASK = { doc: null, version: "v2", definition: [], warnings: [] };

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rpcError } from "../../src/errors.js";
import type { ServiceRecord } from "../../src/peer/record.js";
import { SILENT } from "../../src/util/log.js";
import { untilAborted } from "../../src/util/sleep.js";
import { type Clock, SYSTEM_CLOCK } from "../../src/workflow/clock.js";
import type { CodeFunction } from "../../src/workflow/code-function.js";
import { compileWorkflow } from "../../src/workflow/definition/compile.js";
import type { TaskDefinition } from "../../src/workflow/definition/definition.js";
import { Engine } from "../../src/workflow/engine/engine.js";
import type { StepCall, StepCaller } from "../../src/workflow/engine/step-caller.js";
import { openRunJournal } from "../../src/workflow/journal/open-run-journal.js";
import type { RunJournal } from "../../src/workflow/journal/run-journal.js";

/** A method of a service that is none: gets its first argument, the call, and the name of the try. */
export type FakeMethod = (value: unknown, call: StepCall, name: string) => unknown;

/** What an engine is started with. */
export interface EngineSetup {
  readonly tasks: Readonly<Record<string, TaskDefinition>>;
  /** By `interface.method`. */
  readonly services?: Readonly<Record<string, FakeMethod>>;
  readonly code?: Readonly<Record<string, CodeFunction>>;
  readonly clock?: Clock;
  readonly published?: (interfaceName: string) => Promise<unknown>;
  /** Stands around the journal. */
  readonly wrap?: (journal: RunJournal) => RunJournal;
}

/** An engine of a test, with services that are functions. */
export interface TestEngine {
  readonly engine: Engine;
  readonly journal: RunJournal;
  /** Settles when the services have been called so often. */
  called(times: number): Promise<void>;
  /** Ends it without waiting for anything, and starts another one with the same journal. */
  crash(changed?: Partial<EngineSetup>): Promise<TestEngine>;
}

const RECORD: ServiceRecord = {
  service: "/demo",
  address: "tcp://127.0.0.1:1",
  interfaces: [],
  endpoints: [],
  tags: [],
  data: {},
  incarnation: "fake",
};

/** Starts engines, each with a journal of its own; ends them after each test. */
export function useEngines(): { start(setup: EngineSetup): Promise<TestEngine> } {
  const running = new Set<() => Promise<void>>();
  const folders: string[] = [];
  afterEach(async () => {
    for (const end of running) await end();
    running.clear();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const open = async (setup: EngineSetup, file: string): Promise<TestEngine> => {
    const opened = await openRunJournal(file, { sync: "normal" });
    const journal = setup.wrap?.(opened) ?? opened;
    const caller = new FakeCaller(setup.services ?? {});
    const engine = new Engine(
      {
        journal,
        caller,
        code: new Map(Object.entries(setup.code ?? {})),
        published: async (name, _topic, signal) =>
          untilAborted(setup.published?.(name) ?? new Promise(() => undefined), signal),
        clock: setup.clock ?? SYSTEM_CLOCK,
        log: SILENT,
        random: Math.random,
      },
      compileWorkflow({ tasks: setup.tasks }),
      { lackPauseMs: 1 },
    );
    const end = async (): Promise<void> => {
      running.delete(end);
      await engine.close(0);
      caller.close();
      await opened.close();
    };
    running.add(end);
    await engine.resumeAll();
    return {
      engine,
      journal,
      called: (times) => caller.called(times),
      crash: async (changed) => {
        await end();
        return open({ ...setup, ...changed }, file);
      },
    };
  };
  return {
    start: (setup) => {
      const folder = mkdtempSync(join(tmpdir(), "lamplighter-"));
      folders.push(folder);
      return open(setup, join(folder, "runs.journal"));
    },
  };
}

/** Calls functions as if they were services that know what became of a call by its name. */
class FakeCaller implements StepCaller {
  readonly #services: Readonly<Record<string, FakeMethod>>;
  readonly #closing = new AbortController();
  #calls = 0;
  readonly #watchers = new Set<() => void>();

  constructor(services: Readonly<Record<string, FakeMethod>>) {
    this.#services = services;
  }

  async call(call: StepCall): Promise<unknown> {
    const { interface: name, method, args, named, idempotent } = call;
    const tried =
      named.earlier?.call ??
      (await named.sending({
        record: RECORD,
        incarnation: "fake",
        journal: undefined,
        idempotent: idempotent === true,
      }));
    this.#calls++;
    for (const look of this.#watchers) look();
    const body = this.#services[`${name}.${method}`];
    if (!body) throw rpcError("METHOD_NOT_FOUND", `${name} has no method ${method}`, { outcome: "not-executed" });
    return untilAborted(
      Promise.resolve().then(() => body(args[0], call, tried)),
      this.#closing.signal,
    );
  }

  close(): void {
    this.#closing.abort(rpcError("CLOSED", "The client was closed", { outcome: "unknown" }));
  }

  called(times: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#calls < times) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }
}

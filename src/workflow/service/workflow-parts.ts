import { statSync } from "node:fs";
import { Client } from "../../client/client.js";
import { Host } from "../../nameserver/host.js";
import { credentialsOfHost } from "../../security/host-security.js";
import { type Logger, SILENT, unfailing } from "../../util/log.js";
import { thrownText } from "../../util/thrown-text.js";
import { type Clock, SYSTEM_CLOCK } from "../clock.js";
import { Engine } from "../engine/engine.js";
import { openRunJournal } from "../journal/open-run-journal.js";
import type { RunJournal } from "../journal/run-journal.js";
import { readBase } from "./base-definition.js";
import { ClientCaller, nextPublished } from "./client-caller.js";
import { ControlDesk } from "./control-desk.js";
import { controlInterface } from "./control-interface.js";
import { Scheduler } from "./scheduler.js";
import { TaskCalls } from "./task-calls.js";
import { TaskDesk } from "./task-desk.js";
import { taskInterface } from "./task-interface.js";
import { TaskWarnings } from "./task-warnings.js";
import type { WorkflowHostOptions } from "./workflow-host-options.js";

/** What a workflow service consists of, once it is started. */
export class WorkflowParts {
  readonly host: Host;
  readonly runs: Engine;
  readonly #options: WorkflowHostOptions;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #journal: RunJournal;
  readonly #client: Client;
  readonly #tasks: TaskDesk;
  readonly #warnings: TaskWarnings;
  readonly #scheduler: Scheduler;
  readonly #calls: TaskCalls;
  readonly #closing = new AbortController();
  #stopPruning: (() => void) | undefined;
  /** Goes on beside everything else. */
  #background: Promise<unknown> = Promise.resolve();

  /** Use {@link WorkflowParts.open}. */
  private constructor(options: WorkflowHostOptions, journal: RunJournal, tasks: TaskDesk) {
    this.#options = options;
    this.#log = unfailing(options.log ?? SILENT);
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#journal = journal;
    this.#tasks = tasks;
    this.#client = options.client ?? ownClient(options);
    this.#warnings = new TaskWarnings(this.#client);
    this.runs = new Engine(
      {
        journal,
        caller: new ClientCaller(this.#client),
        code: new Map(Object.entries(options.code ?? {})),
        published: (name, topic, signal) => nextPublished(this.#client, name, topic, signal),
        clock: this.#clock,
        log: this.#log,
        random: options.random ?? Math.random,
      },
      tasks.compiled,
      { maxRuns: options.maxRuns },
    );
    const runs = (): Engine => this.runs;
    this.#calls = new TaskCalls(runs, options.service);
    this.#scheduler = new Scheduler({
      journal,
      start: (task, input, id) => this.runs.start(task, input, { id }),
      clock: this.#clock,
      log: this.#log,
    });
    const desk = new ControlDesk({
      tasks,
      scheduler: this.#scheduler,
      warnings: this.#warnings,
      changed: () => {
        this.runs.definitions = tasks.compiled;
        this.host.replace(taskInterface(tasks.compiled.tasks.values(), this.#calls));
      },
      log: this.#log,
    });
    const { definitions: _, journal: __, ...hostOptions } = options;
    // Those who wait for runs must not keep others out.
    this.host = new Host({ maxConcurrent: 100_000, ...hostOptions });
    this.host.provide(taskInterface(tasks.compiled.tasks.values(), this.#calls));
    this.host.provide(controlInterface({ runs, calls: this.#calls, desk, closing: this.#closing.signal }));
    this.host.addStats("workflow", () => this.#stats());
  }

  /**
   * Reads the definitions and opens the journal.
   *
   * @throws DefinitionError, ConfigurationError; nothing is left open then
   */
  static async open(options: WorkflowHostOptions): Promise<WorkflowParts> {
    const { definitions = [], code = {} } = options;
    const names = Object.keys(code);
    const sources = typeof definitions === "object" && "length" in definitions ? definitions : [definitions];
    const base = await readBase(sources, names);
    const log = unfailing(options.log ?? SILENT);
    const isOwn = typeof options.journal === "string";
    const journal =
      typeof options.journal === "string"
        ? await openRunJournal(options.journal, { sync: options.sync, log })
        : options.journal;
    try {
      const tasks = new TaskDesk({ base, journal, code: names, log });
      await tasks.open();
      const parts = new WorkflowParts(options, journal, tasks);
      await parts.#scheduler.open(new Map(Object.entries(base.schedules ?? {})));
      return parts;
    } catch (error) {
      if (isOwn) await journal.close();
      throw error;
    }
  }

  /** See {@link WorkflowHost.start}. */
  async start(): Promise<boolean> {
    const count = await this.runs.resumeAll();
    if (count > 0) this.#log.info(`${this.#options.service} goes on with ${count} runs`);
    const isRegistered = await this.host.start();
    this.#scheduler.begin();
    this.#background = Promise.all([this.#logWarnings(), this.#prune()]);
    return isRegistered;
  }

  /** See {@link WorkflowHost.close}. */
  async close(): Promise<void> {
    this.#scheduler.close();
    this.#stopPruning?.();
    // Refuses new calls from here on, so that nobody begins to wait.
    const hostClosed = this.host.close();
    this.#closing.abort();
    this.#calls.close();
    // Whatever cannot be closed, the journal is, so that the next start can have it.
    try {
      await Promise.all([hostClosed, this.runs.close(this.#options.drainTimeoutMs ?? 10_000)]);
      if (!this.#options.client) await this.#client.close();
      await this.#background;
    } finally {
      if (typeof this.#options.journal === "string") await this.#journal.close();
    }
  }

  /** What is probably wrong with tasks. Takes as long as services take to answer. */
  async #logWarnings(): Promise<void> {
    const warnings = await this.#warnings.of(this.#tasks.compiled, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    for (const text of new Set([...warnings.values()].flat())) this.#log.warn(text);
  }

  async #prune(): Promise<void> {
    const { prune } = this.#options;
    if (prune === false || this.#isClosing()) return;
    try {
      const count = await this.#journal.prune(prune ?? {});
      if (count > 0) this.#log.info(`${this.#options.service} has forgotten ${count} runs that ended long ago`);
    } catch (error) {
      if (!this.#isClosing()) this.#log.warn(`The journal cannot be pruned: ${thrownText(error)}`);
    }
    if (this.#isClosing()) return;
    this.#stopPruning = this.#clock.at(this.#clock.now() + PRUNE_MS, () => {
      this.#background = Promise.all([this.#background, this.#prune()]).then(() => undefined);
    });
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #stats(): Promise<unknown> {
    const { stalled } = this.runs;
    const { journal } = this.#options;
    return {
      runs: await this.runs.count(),
      going: this.runs.size,
      waitingCallers: this.#calls.waiting,
      tasks: this.#tasks.compiled.tasks.size,
      schedules: this.#scheduler.definitions.size,
      stalled: stalled ?? null,
      counters: this.runs.counters.read(),
      journalBytes: typeof journal === "string" ? sizeOf(journal) + sizeOf(`${journal}-wal`) : null,
    };
  }
}

/** Reaches what the host registers at, with its keys. */
function ownClient({ nameserver, security, log }: WorkflowHostOptions): Client {
  return new Client({
    nameserver: nameserver === false ? undefined : nameserver,
    security: credentialsOfHost(security),
    log,
  });
}

/** Of a file, in bytes; 0 when it is not there. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** How often it is looked for runs to be forgotten, in milliseconds. */
const PRUNE_MS = 60 * 60 * 1_000;

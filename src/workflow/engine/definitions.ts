import { rpcError } from "../../errors.js";
import { compileWorkflow } from "../definition/compile.js";
import type { CompiledWorkflow } from "../definition/compiled.js";
import { closureOf, versionOf } from "../definition/version.js";
import type { RunJournal } from "../journal/run-journal.js";

/** Definitions that runs begin with, and those that earlier runs have begun with. */
export class Definitions {
  readonly #journal: RunJournal;
  /** By version. */
  readonly #known = new Map<string, Promise<CompiledWorkflow>>();
  #versions = new Map<string, string>();
  #current: CompiledWorkflow;

  constructor(journal: RunJournal, current: CompiledWorkflow) {
    this.#journal = journal;
    this.#current = current;
  }

  /** What new runs begin with. */
  get current(): CompiledWorkflow {
    return this.#current;
  }

  set current(workflow: CompiledWorkflow) {
    this.#current = workflow;
    this.#versions = new Map();
  }

  /** Tells versions of a task apart. */
  versionOf(task: string): string {
    const known = this.#versions.get(task);
    if (known !== undefined) return known;
    const version = versionOf(this.#current, task);
    this.#versions.set(task, version);
    return version;
  }

  /**
   * What a run of a task begins with; it is kept, so that the run can go on with it whatever becomes of the task.
   *
   * @throws MethodNotFoundError when there is no such task; UnavailableError when it cannot be kept
   */
  async begin(task: string): Promise<{ readonly version: string; readonly workflow: CompiledWorkflow }> {
    const version = this.versionOf(task);
    const known = this.#known.get(version);
    if (known) return { version, workflow: await known };
    const source = closureOf(this.#current, task);
    await this.#journal.keepDefinition(version, JSON.stringify(source));
    const workflow = compileWorkflow(source);
    this.#known.set(version, Promise.resolve(workflow));
    return { version, workflow };
  }

  /** What a run has begun with. @throws ConfigurationError when it is not there any more, or cannot be read */
  find(version: string): Promise<CompiledWorkflow> {
    const known = this.#known.get(version);
    if (known) return known;
    const read = this.#read(version);
    this.#known.set(version, read);
    read.catch(() => this.#known.delete(version));
    return read;
  }

  async #read(version: string): Promise<CompiledWorkflow> {
    const json = await this.#journal.definition(version);
    if (json === undefined) throw rpcError("CONFIGURATION", `The journal has no definition ${version}`);
    return compileWorkflow(JSON.parse(json));
  }
}

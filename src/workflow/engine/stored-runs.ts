import { rpcError } from "../../errors.js";
import type { RunDetails } from "../control.js";
import type { RunJournal, StoredRun } from "../journal/run-journal.js";
import { ENDED_STATES, type RunInfo } from "../run.js";
import type { Definitions } from "./definitions.js";
import { describeSteps } from "./describe-steps.js";
import { leftAsItIs, refuse } from "./failure.js";
import type { EngineParts } from "./parts.js";
import { RunMemory } from "./run-memory.js";
import { StuckRuns } from "./stuck-runs.js";

/** Runs as they stand in the journal: those that have ended, and those that cannot go on in this process. */
export class StoredRuns {
  /** Those that have not ended and cannot go on. */
  readonly stuck: StuckRuns;
  readonly #journal: RunJournal;
  readonly #definitions: Definitions;

  constructor(parts: EngineParts, definitions: Definitions) {
    this.stuck = new StuckRuns(parts);
    this.#journal = parts.journal;
    this.#definitions = definitions;
  }

  /** @throws BadRequestError when there is none of this id */
  async find(id: string): Promise<StoredRun> {
    const stored = await this.#journal.find(id);
    if (!stored) throw refuse(`There is no run ${id}; it may have been forgotten since it ended`);
    return stored;
  }

  /** How a run is doing. */
  infoOf(stored: StoredRun): RunInfo {
    const { key: _, ...told } = stored;
    const stalled = this.stuck.why(stored.id);
    return { ...told, questions: [], ...(stalled !== undefined && { stalled }) };
  }

  /** A run with its chain. @throws ConfigurationError when its definition is not there any more */
  async show(id: string): Promise<RunDetails> {
    const stored = await this.find(id);
    if (this.stuck.why(id) !== undefined) return { ...this.infoOf(stored), steps: [] };
    const workflow = await this.#definitions.find(stored.version);
    const task = workflow.tasks.get(stored.task);
    const memory = await this.remember(stored);
    const info = this.infoOf(stored);
    return { ...info, steps: task ? describeSteps(workflow, task, memory, info.state) : [] };
  }

  /** What its history tells. */
  async remember({ key }: StoredRun): Promise<RunMemory> {
    const memory = new RunMemory();
    for (const entry of await this.#journal.history(key)) memory.apply(entry);
    return memory;
  }

  /**
   * A run that does not go on in this process has to have ended.
   *
   * @throws ConfigurationError when it cannot go on; UnavailableError, `unknown`, when it goes on in the next process
   */
  requireEnded({ id, task, state }: StoredRun): void {
    if (ENDED_STATES.includes(state)) return;
    const why = this.stuck.why(id);
    if (why === undefined) throw leftAsItIs(id);
    throw rpcError("CONFIGURATION", `Run ${id} of ${task} has not ended, and cannot go on: ${why}`, {
      outcome: "executed",
    });
  }
}

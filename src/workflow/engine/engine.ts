import { isDeepStrictEqual } from "node:util";
import { RpcError, rpcError } from "../../errors.js";
import { outsideOfCalls } from "../../peer/call-context.js";
import { randomText } from "../../util/random-text.js";
import { sleep, untilAborted } from "../../util/sleep.js";
import type { Delivery, RunDetails, RunProgress } from "../control.js";
import type { CompiledWorkflow } from "../definition/compiled.js";
import type { StoredRun } from "../journal/run-journal.js";
import type { HistoryEntry, RunAnswer, RunFilter, RunInfo } from "../run.js";
import { CallTargets } from "./call-targets.js";
import { Definitions } from "./definitions.js";
import { describeSteps } from "./describe-steps.js";
import { EventDesk } from "./event-desk.js";
import { Execution, type ExecutionOwner } from "./execution.js";
import { errorOfRun, leftAsItIs, refuse, Suspended } from "./failure.js";
import { Followers, type RunPast } from "./followers.js";
import type { EngineParts } from "./parts.js";
import { Room } from "./room.js";
import { RunCounters } from "./run-counters.js";
import { RunMemory } from "./run-memory.js";
import type { Runs, StartOptions } from "./runs.js";
import { StoredRuns } from "./stored-runs.js";

/** Options of an {@link Engine}. */
export interface EngineOptions {
  /** Runs that have not ended, at most; default 100,000. One more is refused with `OVERLOADED`. */
  readonly maxRuns?: number | undefined;
  /** After how long the journal is tried again when it could not be written, in milliseconds; default 1,000. */
  readonly lackPauseMs?: number | undefined;
}

/**
 * Runs tasks: what happens in a run is written down before it goes on, and a run that was interrupted goes on where it was.
 */
export class Engine implements Runs {
  /** How often what has happened. */
  readonly counters: RunCounters = new RunCounters();
  readonly #parts: EngineParts;
  readonly #maxRuns: number;
  readonly #definitions: Definitions;
  readonly #stored: StoredRuns;
  /** Runs that have not ended, by id. */
  readonly #going = new Map<string, Execution>();
  /** Those that are about to begin, or to be retried. */
  readonly #beginning = new Map<string, Promise<Execution | StoredRun>>();
  readonly #events = new EventDesk();
  readonly #followers = new Followers();
  readonly #givingUp = new AbortController();
  readonly #owner: ExecutionOwner;
  readonly #room: Room;
  #isClosing = false;

  constructor(parts: EngineParts, definitions: CompiledWorkflow, options: EngineOptions = {}) {
    this.#parts = parts;
    this.#maxRuns = options.maxRuns ?? 100_000;
    this.#definitions = new Definitions(parts.journal, definitions);
    this.#stored = new StoredRuns(parts, this.#definitions);
    this.#room = new Room(parts.log, options.lackPauseMs);
    this.#owner = {
      parts,
      room: this.#room,
      targets: new CallTargets(parts.journal, this.#room),
      isClosing: () => this.#isClosing,
      givingUp: this.#givingUp.signal,
      listen: (run, event, key, heard) => this.#events.listen(run, event, key, heard),
      happened: (execution, entry) => {
        if (entry) this.counters.note(entry.event);
        this.#followers.tell(execution.id, entry, () => execution.info);
      },
    };
  }

  get definitions(): CompiledWorkflow {
    return this.#definitions.current;
  }

  set definitions(workflow: CompiledWorkflow) {
    this.#definitions.current = workflow;
  }

  /** Why runs do not go on; `undefined`: they do. */
  get stalled(): string | undefined {
    return this.#room.lack;
  }

  /** Runs that have not ended. */
  get size(): number {
    return this.#going.size;
  }

  /** Goes on with all runs that have not ended. Call it once, before anything else. @returns how many */
  async resumeAll(): Promise<number> {
    const unfinished = await this.#parts.journal.unfinished();
    for (const stored of unfinished) {
      if (this.#isOver()) break;
      try {
        const workflow = await this.#definitions.find(stored.version);
        this.#begin(stored, workflow, await this.#stored.remember(stored));
      } catch (error) {
        if (this.#isOver()) break;
        this.#stored.stuck.add(stored, error as Error);
      }
    }
    return this.#going.size;
  }

  async start(task: string, input: unknown, { id }: StartOptions = {}): Promise<RunInfo> {
    const begun = await this.#start(task, input, id);
    return begun instanceof Execution ? begun.info : this.#stored.infoOf(begun);
  }

  async wait(run: string, signal?: AbortSignal): Promise<unknown> {
    const beginning = this.#beginning.get(run);
    // Whoever begins it hears what becomes of that.
    if (beginning) await beginning.catch(() => undefined);
    const going = this.#going.get(run);
    if (going) return signal ? untilAborted(resultOf(going), signal) : resultOf(going);
    const stored = await this.#stored.find(run);
    // It may have been retried while that was read.
    if (this.#going.has(run)) return this.wait(run, signal);
    this.#stored.requireEnded(stored);
    if (stored.error) throw errorOfRun(stored, stored.error);
    return stored.result;
  }

  async status(run: string): Promise<RunInfo> {
    return this.#going.get(run)?.info ?? this.#stored.infoOf(await this.#stored.find(run));
  }

  async show(run: string): Promise<RunDetails> {
    const going = this.#going.get(run);
    if (going)
      return { ...going.info, steps: describeSteps(going.workflow, going.task, going.memory, going.info.state) };
    return this.#stored.show(run);
  }

  async list(filter: RunFilter): Promise<readonly RunInfo[]> {
    const found = await this.#parts.journal.list(filter);
    return found.map((stored) => this.#going.get(stored.id)?.info ?? this.#stored.infoOf(stored));
  }

  count(): Promise<Readonly<Record<string, number>>> {
    return this.#parts.journal.count();
  }

  async history(run: string, after?: number, limit?: number): Promise<readonly HistoryEntry[]> {
    const going = this.#going.get(run);
    await going?.written();
    const { key } = going?.stored ?? (await this.#stored.find(run));
    return this.#parts.journal.history(key, after, limit);
  }

  async cancel(run: string, reason: string, by?: string): Promise<RunInfo> {
    const { stuck } = this.#stored;
    if (stuck.why(run) !== undefined) {
      this.#requireOpen();
      await stuck.cancel(await this.#stored.find(run), reason, by);
      return this.status(run);
    }
    const going = await this.#requireGoing(run);
    await going.cancel(reason, by);
    return going.info;
  }

  async retry(run: string, by?: string): Promise<RunInfo> {
    this.#requireOpen();
    if (this.#going.has(run) || this.#beginning.has(run)) throw refuse(`Run ${run} is going on`);
    const beginning = this.#retry(run, by);
    // Whoever retries it meanwhile must not begin it once more.
    this.#beginning.set(run, beginning);
    try {
      return (await beginning).info;
    } finally {
      this.#beginning.delete(run);
    }
  }

  async resume(run: string, answer: RunAnswer): Promise<RunInfo> {
    const going = await this.#requireGoing(run);
    await going.resume(answer);
    return going.info;
  }

  async deliver(
    event: string,
    payload: unknown,
    { run, key }: { readonly run?: string | undefined; readonly key?: string | undefined },
  ): Promise<Delivery> {
    this.#requireOpen();
    if (run === undefined && key === undefined) throw refuse(`The event ${event} needs a run or a key to go to`);
    const runs = run === undefined ? this.#events.runsAt(event, key ?? "") : [run];
    if (run !== undefined) await this.#requireGoing(run);
    await Promise.all(
      runs.map(async (id) => {
        await this.#going.get(id)?.deliver(event, payload);
        this.#events.tell(id, event);
      }),
    );
    return { runs };
  }

  progress(run: string | undefined, signal: AbortSignal): AsyncGenerator<RunProgress, undefined> {
    const past = async (id: string): Promise<RunPast> => {
      const entries = await this.history(id);
      return { run: await this.status(id), entries };
    };
    return this.#followers.follow(run, past, signal);
  }

  /**
   * Lets no run begin anything more, and leaves them as they stand in the journal. Idempotent.
   *
   * @param drainMs - how long it waits for what is being done; what is done then is not heard of any more
   */
  async close(drainMs: number): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const going = [...this.#going.values()];
    for (const execution of going) execution.suspend();
    const enough = new AbortController();
    await Promise.race([Promise.allSettled(going.map(({ ended }) => ended)), sleep(drainMs, enough.signal)]);
    enough.abort();
    this.#giveUp();
    this.#followers.close();
  }

  #giveUp(): void {
    this.#room.close();
    this.#givingUp.abort(rpcError("CANCELLED", "The workflow service was closed", { outcome: "unknown" }));
  }

  async #start(task: string, input: unknown, given: string | undefined): Promise<Execution | StoredRun> {
    this.#requireOpen();
    const id = given ?? randomText(9);
    const same = (begun: Execution | StoredRun): Execution | StoredRun => {
      const { task: other, input: otherInput } = begun instanceof Execution ? begun.stored : begun;
      if (other !== task) throw refuse(`The id ${id} belongs to a run of ${other}, and not of ${task}`);
      if (isDeepStrictEqual(otherInput, input)) return begun;
      throw refuse(`The id ${id} belongs to a run of ${task} with another input`);
    };
    const known = this.#going.get(id) ?? this.#beginning.get(id);
    if (known) return same(await known);
    if (this.#going.size + this.#beginning.size >= this.#maxRuns) {
      throw rpcError("OVERLOADED", `${this.#maxRuns} runs have not ended; no more are begun`, {
        outcome: "not-executed",
      });
    }
    const beginning = this.#write(id, task, input);
    this.#beginning.set(id, beginning);
    try {
      return same(await beginning);
    } finally {
      this.#beginning.delete(id);
    }
  }

  async #write(id: string, task: string, input: unknown): Promise<Execution | StoredRun> {
    const { version, workflow } = await this.#definitions.begin(task);
    const startedAt = this.#parts.clock.now();
    const { run, isNew } = await this.#parts.journal.begin({ id, task, version, state: "running", startedAt, input });
    if (!isNew) return this.#going.get(id) ?? run;
    const memory = new RunMemory();
    memory.apply({ number: 1, at: startedAt, event: { kind: "begun" } });
    return this.#begin(run, workflow, memory);
  }

  async #retry(run: string, by: string | undefined): Promise<Execution> {
    const stored = await this.#stored.find(run);
    if (stored.state !== "failed")
      throw refuse(`Run ${run} is ${stored.state}; only one that has failed can be retried`);
    const workflow = await this.#definitions.find(stored.version);
    const memory = await this.#stored.remember(stored);
    const at = this.#parts.clock.now();
    const entry: HistoryEntry = {
      number: memory.lines + 1,
      at,
      event: { kind: "retried", ...(by !== undefined && { by }) },
    };
    memory.apply(entry);
    const { key } = stored;
    await this.#parts.journal.write([
      { kind: "entry", run: key, entry },
      { kind: "state", run: key, state: "running", at },
    ]);
    const { error: _, result: __, ...rest } = stored;
    return this.#begin({ ...rest, state: "running", updatedAt: at, endedAt: null }, workflow, memory);
  }

  #begin(stored: StoredRun, workflow: CompiledWorkflow, memory: RunMemory): Execution {
    // What is begun from here on would not be told to stop.
    if (this.#isClosing) throw leftAsItIs(stored.id);
    // It belongs to no call, and ends with none.
    const execution = outsideOfCalls(() => new Execution(this.#owner, stored, workflow, memory));
    this.#going.set(stored.id, execution);
    const over = (): void => {
      this.#going.delete(stored.id);
    };
    execution.ended.then(over, (error: unknown) => {
      over();
      if (!RpcError.isRpcError(error) && !(error instanceof Suspended)) {
        this.#parts.log.error(`Run ${stored.id} of ${stored.task} broke off: ${(error as Error).message}`);
      }
    });
    return execution;
  }

  async #requireGoing(run: string): Promise<Execution> {
    this.#requireOpen();
    const going = this.#going.get(run);
    if (going) return going;
    const stored = await this.#stored.find(run);
    this.#stored.requireEnded(stored);
    throw refuse(`Run ${run} is ${stored.state} already`);
  }

  #isOver(): boolean {
    return this.#isClosing;
  }

  #requireOpen(): void {
    if (!this.#isClosing) return;
    throw rpcError("DRAINING", "The workflow service is being closed", { outcome: "not-executed" });
  }
}

async function resultOf({ id, ended }: Execution): Promise<unknown> {
  try {
    return await ended;
  } catch (error) {
    if (!(error instanceof Suspended)) throw error;
    throw leftAsItIs(id);
  }
}

import { rpcError } from "../../errors.js";
import type { CompiledStep, CompiledTask, CompiledWorkflow } from "../definition/compiled.js";
import type { StoredRun } from "../journal/run-journal.js";
import type { HistoryEntry, HistoryEvent, RunAnswer, RunFailure, RunInfo, RunState } from "../run.js";
import { runTask } from "./branches.js";
import type { CallTargets } from "./call-targets.js";
import { errorOfRun, failureOf, leftAsItIs, refuse, StepFailed, Suspended } from "./failure.js";
import type { Frame, RunContext } from "./frame.js";
import type { EngineParts } from "./parts.js";
import { questionFor } from "./questions.js";
import type { Room } from "./room.js";
import { RunLog } from "./run-log.js";
import { RunMemory } from "./run-memory.js";
import { RunScope } from "./scope.js";
import { runFinally, runSteps } from "./sequence.js";
import { Stop } from "./stop.js";
import { CallNames } from "./strand.js";
import { type Undo, undoAll } from "./undo.js";

/** What the engine lends each of its runs. */
export interface ExecutionOwner {
  readonly parts: EngineParts;
  readonly room: Room;
  readonly targets: CallTargets;
  /** Is the service being closed, so that nothing is begun any more? */
  isClosing(): boolean;
  /** Fires a while after the service was closed. */
  readonly givingUp: AbortSignal;
  /** See {@link RunContext.listen}. */
  listen(run: string, event: string, key: string | undefined, heard: () => void): () => void;
  /** Something has happened in a run. */
  happened(execution: Execution, entry: HistoryEntry | undefined): void;
}

/** A run that is going on in this process. */
export class Execution implements RunContext {
  readonly workflow: CompiledWorkflow;
  readonly task: CompiledTask;
  readonly memory: RunMemory;
  readonly names: CallNames = new CallNames();
  readonly targets: CallTargets;
  readonly parts: EngineParts;
  readonly closing: Stop = new Stop();
  readonly givingUp: AbortSignal;
  /** Settles when the run has ended, with its result, or is suspended. */
  readonly ended: Promise<unknown>;
  #retold: Promise<void> | undefined;
  readonly #stored: StoredRun;
  readonly #owner: ExecutionOwner;
  readonly #log: RunLog;
  readonly #stop = new Stop(this.closing);
  readonly #undos = new Map<string, Undo>();
  readonly #questions = new Map<string, () => void>();
  readonly #going = { working: 0, waiting: 0, asking: 0 };
  #state: RunState;
  #updatedAt: number;
  #error: RunFailure | undefined;
  #end: Pick<StoredRun, "result" | "endedAt"> | undefined;
  #isSettling = false;
  #isFinishing = false;
  #timeout: (() => void) | undefined;

  /**
   * Goes on with a run at once, or begins with it.
   *
   * @param memory - its history so far
   */
  constructor(owner: ExecutionOwner, stored: StoredRun, workflow: CompiledWorkflow, memory: RunMemory) {
    const task = workflow.tasks.get(stored.task);
    if (!task) throw rpcError("CONFIGURATION", `The definition of run ${stored.id} has no task ${stored.task}`);
    this.#owner = owner;
    this.#stored = stored;
    this.workflow = workflow;
    this.task = task;
    this.memory = memory;
    this.parts = owner.parts;
    this.targets = owner.targets;
    this.givingUp = owner.givingUp;
    this.#log = new RunLog(owner.parts.journal, owner.room);
    this.#state = stored.state;
    this.#updatedAt = stored.updatedAt;
    this.#error = stored.error;
    if (owner.isClosing()) this.suspend();
    if (memory.undoing) this.#stop.stop(new StepFailed(memory.undoing));
    else if (memory.cancelled) this.#cancelNow(memory.cancelled.reason);
    if (memory.lines > 1) {
      // What is known is told without pauses, and so within this turn.
      this.#retold = new Promise<void>(setImmediate).then(() => {
        this.#retold = undefined;
      });
    }
    this.ended = this.#run();
    // Whoever waits for it is told.
    this.ended.catch(() => undefined);
  }

  get id(): string {
    return this.#stored.id;
  }

  get retold(): Promise<void> | undefined {
    return this.#retold;
  }

  get facts(): Execution["stored"] {
    return this.#stored;
  }

  /** As it began. */
  get stored(): StoredRun {
    return this.#stored;
  }

  /** How it is doing. */
  get info(): RunInfo {
    const { id, task, version, startedAt, input } = this.#stored;
    const lack = this.#owner.room.lack;
    return {
      id,
      task,
      version,
      state: this.#state,
      startedAt,
      updatedAt: this.#updatedAt,
      endedAt: this.#end?.endedAt ?? null,
      input,
      ...(this.#end && this.#state === "completed" && { result: this.#end.result }),
      ...(this.#error && { error: this.#error }),
      questions: this.#end ? [] : this.memory.questions(),
      ...(lack !== undefined && !this.#end && { stalled: lack }),
    };
  }

  runSteps(steps: readonly CompiledStep[], frame: Frame, result: unknown): Promise<unknown> {
    return runSteps(this, steps, frame, result);
  }

  runFinally(steps: readonly CompiledStep[], frame: Frame, error: RunFailure | undefined): Promise<void> {
    return runFinally(this, steps, frame, error);
  }

  undoLater(path: string, undo: CompiledStep, scope: RunScope): void {
    this.#undos.set(path, { undo, scope });
  }

  record(event: HistoryEvent): void {
    const at = this.parts.clock.now();
    const entry: HistoryEntry = { number: this.memory.lines + 1, at, event };
    this.memory.apply(entry);
    this.#log.add({ kind: "entry", run: this.#stored.key, entry });
    this.#updatedAt = at;
    this.#owner.happened(this, entry);
  }

  safe(): Promise<void> {
    return this.#log.safe();
  }

  /** As {@link Execution.safe}, for those who are no step of it. @throws RpcError that says why it is not safe */
  async written(): Promise<void> {
    try {
      await this.safe();
    } catch (error) {
      throw error instanceof Suspended ? leftAsItIs(this.id) : errorOfRun(this.info, failureOf(error, ""));
    }
  }

  busy(how: "working" | "waiting" | "asking"): () => void {
    const going = this.#going;
    going[how]++;
    this.#settleState();
    return () => {
      going[how]--;
      this.#settleState();
    };
  }

  listen(event: string, key: string | undefined, heard: () => void): () => void {
    return this.#owner.listen(this.id, event, key, heard);
  }

  answered(step: string, heard: () => void): () => void {
    this.#questions.set(step, heard);
    return () => this.#questions.delete(step);
  }

  /** An event is delivered to it; settles when it is safe. */
  async deliver(event: string, payload: unknown): Promise<void> {
    this.#requireUnended();
    this.#requireKeepable(payload, `what comes with the event ${event}`);
    this.record({ kind: "event", event, payload });
    await this.written();
  }

  /** Stops it, and undoes what it did; settles when that is safe to happen. */
  async cancel(reason: string, by: string | undefined): Promise<void> {
    if (!this.memory.cancelled && !this.memory.undoing && !this.#isFinishing) {
      this.record({ kind: "cancelled", reason, ...(by !== undefined && { by }) });
      this.#cancelNow(reason);
    }
    await this.written();
  }

  /**
   * Answers a question; settles when that is safe.
   *
   * @throws BadRequestError when there is none, or it is no answer to it
   */
  async resume(given: RunAnswer): Promise<void> {
    const { step } = questionFor(this.info, given);
    const { answer, result, by } = given;
    this.#requireUnended();
    this.#requireKeepable([answer, result], `the answer to run ${this.id}`);
    this.record({
      kind: "answered",
      step,
      answer,
      ...(result !== undefined && { result }),
      ...(by !== undefined && { by }),
    });
    await this.written();
    this.#questions.get(step)?.();
    // Whoever answered is told how the run is doing now: the step goes on in this turn, and the state follows at its end.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }

  /** Leaves it as it stands: the service is being closed. */
  suspend(): void {
    this.closing.stop(new Suspended());
  }

  /** What cannot be written down must not be heard of. */
  #requireKeepable(value: unknown, what: string): void {
    try {
      this.parts.journal.check(value, what);
    } catch (error) {
      throw refuse((error as Error).message);
    }
  }

  #requireUnended(): void {
    if (!this.#isFinishing) return;
    throw refuse(`Run ${this.id} has ended`);
  }

  /** @returns its result @throws what it failed with */
  async #run(): Promise<unknown> {
    let result: unknown;
    let failure: RunFailure | undefined;
    const { task } = this;
    if (task.timeoutMs !== undefined) {
      const over = (this.memory.retriedAt ?? this.#stored.startedAt) + task.timeoutMs;
      const stop = (): void => {
        const message = `${task.name} took longer than ${task.timeoutMs} ms`;
        this.#stop.stop(new StepFailed({ code: "TIMEOUT", message, outcome: "executed" }));
      };
      // When nobody was there at that time, nothing more is begun either.
      if (this.memory.lines > 1 && this.parts.clock.now() >= over) stop();
      else this.#timeout = this.parts.clock.at(over, stop);
    }
    try {
      const scope = RunScope.ofTask(this.#stored, this.#stored.input);
      const frame: Frame = { path: "", scope, strand: this.names.strand(), stop: this.#stop };
      result = await runTask(this, task, frame, "", {
        succeeded: (latest) => this.#settle(latest),
        failed: (reason) => this.#undo(reason),
      });
      await this.safe();
    } catch (error) {
      if (error instanceof Suspended) throw error;
      failure = failureOf(error, "");
      this.#log.forgive();
    } finally {
      this.#timeout?.();
    }
    this.#isFinishing = true;
    await this.#finish(result, failure);
    if (failure) throw errorOfRun(this.info, failure);
    return result;
  }

  /** What has come out of a run and cannot be kept is a failure of its steps, while they can still be undone. */
  async #settle(result: unknown): Promise<void> {
    await this.safe();
    try {
      this.parts.journal.check(result, `the result of run ${this.id}`);
    } catch (error) {
      throw new StepFailed({ code: "BAD_REQUEST", message: (error as Error).message, outcome: "executed" });
    }
  }

  async #finish(result: unknown, failure: RunFailure | undefined): Promise<void> {
    const state = failure ? (this.memory.cancelled ? "cancelled" : "failed") : "completed";
    const { key: run } = this.#stored;
    const at = this.parts.clock.now();
    this.#log.add({ kind: "state", run, state, at, ended: true, ...(failure ? { error: failure } : { result }) });
    this.record({ kind: "ended", state });
    await this.safe();
    this.#state = state;
    this.#error = failure;
    this.#end = { result, endedAt: at };
    this.#owner.happened(this, undefined);
  }

  async #undo(reason: RunFailure): Promise<RunFailure> {
    // What is gone on with is undone for the reason that it was begun for.
    const failure = this.memory.undoing ?? reason;
    // With a result that cannot be kept the step has failed, and nothing more is lost by it.
    this.#log.forgive();
    this.#error = failure;
    if (this.#undos.size > 0) this.#become("undoing");
    return undoAll(this, this.#undos, failure);
  }

  #cancelNow(reason: string): void {
    this.#stop.stop(new StepFailed({ code: "CANCELLED", message: `It was cancelled: ${reason}`, outcome: "executed" }));
  }

  /** At the end of the turn it is looked what the run does, so that what follows at once does not look like a pause. */
  #settleState(): void {
    if (this.#isSettling) return;
    const { waiting, asking } = this.#going;
    if (waiting + asking === 0 && this.#state === "running") return;
    this.#isSettling = true;
    setImmediate(() => {
      this.#isSettling = false;
      if (this.#isFinishing || this.closing.reason) return;
      this.#become(this.#now());
    });
  }

  #now(): RunState {
    const { working, waiting, asking } = this.#going;
    if (asking > 0) return "asking";
    if (this.memory.undoing) return "undoing";
    return waiting > 0 && working === 0 ? "waiting" : "running";
  }

  #become(state: RunState): void {
    if (state === this.#state) return;
    this.#state = state;
    const at = this.parts.clock.now();
    this.#updatedAt = at;
    this.#log.add({
      kind: "state",
      run: this.#stored.key,
      state,
      at,
      ...(state === "undoing" && this.#error && { error: this.#error }),
    });
    this.#owner.happened(this, undefined);
  }
}

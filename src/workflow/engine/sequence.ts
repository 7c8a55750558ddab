import type { CompiledStep } from "../definition/compiled.js";
import type { RunFailure } from "../run.js";
import { type CompositeStep, runWithin } from "./branches.js";
import { runCall } from "./call-step.js";
import { runCode } from "./code-step.js";
import { failureOf, StepFailed, Suspended } from "./failure.js";
import { type Frame, inputOf, pauseUntil, type RunContext, requireGoing } from "./frame.js";
import { nextTryAt } from "./retry.js";
import { FINALLY, type StepMemory } from "./run-memory.js";
import { Stop } from "./stop.js";
import { timed } from "./timed.js";
import { runWait } from "./wait-step.js";

/** See {@link RunContext.runSteps}. */
export async function runSteps(
  context: RunContext,
  steps: readonly CompiledStep[],
  frame: Frame,
  result: unknown,
): Promise<unknown> {
  let latest = result;
  for (const [index, step] of steps.entries()) {
    // What later steps came after is not stopped at: that they came has to be known.
    const isPassed = frame.stop.reason !== undefined && isBehind(context, steps, index, frame.path);
    latest = await runStep(context, step, isPassed ? { ...frame, stop: new Stop(context.closing) } : frame);
    frame.scope.ended(step.name, latest);
  }
  return latest;
}

/** See {@link RunContext.runFinally}. */
export async function runFinally(
  context: RunContext,
  steps: readonly CompiledStep[],
  frame: Frame,
  error: RunFailure | undefined,
): Promise<void> {
  if (steps.length === 0) return;
  const scope = frame.scope.apart({ error: error ?? null, result: error ? null : frame.scope.get("result") });
  // What is to be done at the end is done also when the run stops.
  await runSteps(
    context,
    steps,
    { ...frame, path: `${frame.path}${FINALLY}/`, scope, stop: new Stop(context.closing) },
    undefined,
  );
}

/** Had a later one of these steps begun when the run was taken up? */
function isBehind({ memory }: RunContext, steps: readonly CompiledStep[], index: number, prefix: string): boolean {
  return steps.slice(index + 1).some(({ key }) => {
    const path = prefix + key;
    return memory.steps.get(path)?.startedAt !== undefined || memory.hasBegun(path);
  });
}

/** Carries out one step, with all its tries. */
async function runStep(context: RunContext, step: CompiledStep, frame: Frame): Promise<unknown> {
  const path = frame.path + step.key;
  const memory = context.memory.at(path);
  let result: unknown;
  if (memory.doneNumber > 0) {
    await recall(context, step, path, frame, undefined);
    result = memory.result;
  } else {
    if (memory.failure && memory.retryAt === undefined) {
      const failed = new StepFailed(memory.failure);
      await recall(context, step, path, frame, failed);
      throw failed;
    }
    // Before anything new begins all are to know what an earlier process knew: that another branch has failed, say.
    // What waits already is there at once for what comes.
    if (context.retold && DOING.has(step.kind) && !memory.wait) await context.retold;
    // Whether what was begun was executed is found out even when the run stops; and what was done within it has to be known to be undone.
    if (!memory.open && !memory.question && !context.memory.hasBegun(path)) requireGoing(frame);
    result = await tryStep(context, step, path, memory, frame);
  }
  if (step.compensate) {
    context.undoLater(
      path,
      step.compensate,
      frame.scope.apart({ given: inputOf(step, frame.scope), output: result, result }),
    );
  }
  return result;
}

/** What an earlier process did within a step that has ended has to be known, so that it can be undone. Does nothing again. */
async function recall(
  context: RunContext,
  step: CompiledStep,
  path: string,
  frame: Frame,
  failed: StepFailed | undefined,
): Promise<void> {
  if (!isComposite(step) || !context.memory.hasBegun(path)) return;
  const stop = new Stop(context.closing);
  if (failed) stop.stop(failed);
  try {
    await runWithin(context, step, path, { ...frame, stop });
  } catch (error) {
    if (error instanceof Suspended) throw error;
  }
}

function isComposite(step: CompiledStep): step is CompositeStep {
  return step.kind !== "value" && !DOING.has(step.kind);
}

/** Tries a step as often as its definition says. */
async function tryStep(
  context: RunContext,
  step: CompiledStep,
  path: string,
  memory: StepMemory,
  frame: Frame,
): Promise<unknown> {
  for (;;) {
    try {
      if (memory.retryAt !== undefined) await pauseForRetry(context, path, frame, memory.retryAt);
      return await runOnce(context, step, path, memory, frame);
    } catch (error) {
      // That it stops is no failure of this step.
      if (error instanceof Suspended || error === frame.stop.reason) throw error;
      const failure = failureOf(error, path);
      const mayRetry = !(error instanceof StepFailed) || error.mayRetry;
      const retryAt = mayRetry ? nextTryAt(step, memory.failures, failure, context.parts) : undefined;
      // What failed within it has said so itself.
      if (retryAt !== undefined || failure.step === path) {
        context.record({ kind: "failed", step: path, error: failure, retryAt });
      }
      if (retryAt === undefined) throw error instanceof StepFailed ? error : new StepFailed(failure);
    }
  }
}

async function pauseForRetry(context: RunContext, path: string, frame: Frame, retryAt: number): Promise<void> {
  const over = context.busy("working");
  try {
    await pauseUntil(context, frame, retryAt);
  } catch (error) {
    // What earlier tries did within it has to be known to be undone; nothing new is begun any more.
    if (error instanceof Suspended || !context.memory.hasBegun(path)) throw error;
  } finally {
    over();
  }
}

/** Carries out what a step consists of, within its time. */
function runComposite(
  context: RunContext,
  step: CompositeStep,
  path: string,
  memory: StepMemory,
  frame: Frame,
): Promise<unknown> {
  const { timeoutMs } = step;
  // It may have begun before the service was started anew.
  if (timeoutMs !== undefined && !memory.open && !frame.stop.reason) {
    context.record({ kind: "started", step: path, attempt: memory.attempts + 1, idempotent: true });
  }
  const since = memory.open?.at ?? context.parts.clock.now();
  return timed(context, frame, { path, since, timeoutMs }, (inner, _late, stopIfLate) => {
    stopIfLate();
    return runWithin(context, step, path, inner);
  });
}

/** Kinds of steps that do something themselves, or wait for it. */
const DOING: ReadonlySet<CompiledStep["kind"]> = new Set(["call", "code", "wait"] as const);

function runOnce(context: RunContext, step: CompiledStep, path: string, memory: StepMemory, frame: Frame): unknown {
  switch (step.kind) {
    case "call":
      return runCall(context, step, path, memory, frame);
    case "code":
      return runCode(context, step, path, memory, frame);
    case "wait":
      return runWait(context, step, path, memory, frame);
    case "value":
      return step.value(frame.scope);
    default:
      return runComposite(context, step, path, memory, frame);
  }
}

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
  for (const step of steps) {
    latest = await runStep(context, step, frame);
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

/** Carries out one step, with all its tries. */
async function runStep(context: RunContext, step: CompiledStep, frame: Frame): Promise<unknown> {
  const path = frame.path + step.key;
  const memory = context.memory.at(path);
  let result: unknown;
  if (memory.doneNumber > 0) result = memory.result;
  else {
    if (memory.failure && memory.retryAt === undefined) throw new StepFailed(memory.failure);
    // Whether what was begun was executed is found out even when the run stops.
    if (!memory.open && !memory.question) requireGoing(frame);
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
      if (memory.retryAt !== undefined) await pauseForRetry(context, frame, memory.retryAt);
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

async function pauseForRetry(context: RunContext, frame: Frame, retryAt: number): Promise<void> {
  const over = context.busy("working");
  try {
    await pauseUntil(context, frame, retryAt);
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
  if (timeoutMs !== undefined && !memory.open) {
    context.record({ kind: "started", step: path, attempt: memory.attempts + 1, idempotent: true });
  }
  const since = memory.open?.at ?? context.parts.clock.now();
  return timed(context, frame, { path, since, timeoutMs }, (inner) => runWithin(context, step, path, inner));
}

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

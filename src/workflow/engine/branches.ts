import { rpcError } from "../../errors.js";
import type {
  CompiledMap,
  CompiledParallel,
  CompiledSequence,
  CompiledStep,
  CompiledSwitch,
  CompiledTask,
  CompiledTaskCall,
  CompiledWhen,
} from "../definition/compiled.js";
import type { RunFailure } from "../run.js";
import { failureOf, StepFailed, Suspended } from "./failure.js";
import { type Frame, inputOf, type RunContext } from "./frame.js";
import { RunScope } from "./scope.js";
import { Stop } from "./stop.js";

/** A step that consists of steps. */
export type CompositeStep =
  | CompiledSequence
  | CompiledParallel
  | CompiledMap
  | CompiledWhen
  | CompiledSwitch
  | CompiledTaskCall;

/** Carries out the steps that a step consists of. */
export function runWithin(context: RunContext, step: CompositeStep, path: string, frame: Frame): Promise<unknown> {
  switch (step.kind) {
    case "steps":
      return runSequence(context, step, { ...frame, path: `${path}/`, scope: frame.scope.within({}) }, path);
    case "parallel":
      return runParallel(context, step, path, frame);
    case "map":
      return runMap(context, step, path, frame);
    case "when":
      return runWay(context, step.when(frame.scope) ? ["then", step.then] : ["else", step.else], path, frame);
    case "switch":
      return runSwitch(context, step, path, frame);
    case "task":
      return runTaskCall(context, step, path, frame);
  }
}

/**
 * Carries out a task: its steps, and what is done at the end of them.
 *
 * @param between - what is done between the two
 */
export async function runTask(
  context: RunContext,
  task: CompiledTask,
  frame: Frame,
  path: string,
  between: BetweenSteps = {},
): Promise<unknown> {
  return endingWith(context, task.finally, frame, path, between.failed, async () => {
    const latest = await context.runSteps(task.steps, frame, frame.scope.get("input"));
    const result = task.result ? task.result(frame.scope) : latest;
    await between.succeeded?.(result);
    return result;
  });
}

/** What is done between the steps of a task and what stands at its end. */
export interface BetweenSteps {
  /** They have succeeded; what this throws they have failed with. */
  readonly succeeded?: (result: unknown) => Promise<void>;
  /** They have failed. @returns what is to be told of it */
  readonly failed?: (failure: RunFailure) => Promise<RunFailure>;
}

function runSequence(context: RunContext, step: CompiledSequence, frame: Frame, path: string): Promise<unknown> {
  return endingWith(context, step.finally, frame, path, undefined, () =>
    context.runSteps(step.steps, frame, frame.scope.get("result")),
  );
}

async function endingWith(
  context: RunContext,
  last: readonly CompiledStep[],
  frame: Frame,
  path: string,
  onFailure: ((failure: RunFailure) => Promise<RunFailure>) | undefined,
  body: () => Promise<unknown>,
): Promise<unknown> {
  let result: unknown;
  try {
    result = await body();
  } catch (error) {
    if (error instanceof Suspended) throw error;
    let failure = failureOf(error, path);
    if (onFailure) failure = await onFailure(failure);
    try {
      await context.runFinally(last, frame, failure);
    } catch (another) {
      if (another instanceof Suspended) throw another;
      failure = withFurther(failure, failureOf(another, path));
    }
    // The reason why a run stops stays what it is, so that it is recognised.
    if (error instanceof StepFailed && error.failure === failure) throw error;
    throw new StepFailed(failure);
  }
  await context.runFinally(last, frame, undefined);
  // With it the end is known, and what stands at the end does not come again.
  if (last.length > 0 && path !== "" && context.memory.at(path).doneNumber === 0) {
    context.record({ kind: "done", step: path, result });
  }
  return result;
}

/** A failure, and what failed because of it. */
export function withFurther(failure: RunFailure, { step, message }: RunFailure): RunFailure {
  return { ...failure, further: [...(failure.further ?? []), step === undefined ? message : `${step}: ${message}`] };
}

async function runParallel(
  context: RunContext,
  { branches, isList }: CompiledParallel,
  path: string,
  frame: Frame,
): Promise<unknown> {
  const stop = new Stop(frame.stop);
  const results = await allOrFirst(
    context,
    frame.stop,
    stop,
    [...branches].map(([key, steps]) => ({
      path: `${path}/${key}`,
      run: async (): Promise<readonly [string, unknown]> => {
        const scope = frame.scope.within({ result: frame.scope.get("result") });
        const branch = { path: `${path}/${key}/`, scope, strand: context.names.strand(), stop };
        return [key, await context.runSteps(steps, branch, frame.scope.get("result"))];
      },
    })),
    Infinity,
  );
  return isList ? results.map(([, result]) => result) : Object.fromEntries(results);
}

async function runMap(
  context: RunContext,
  { list, steps, concurrency }: CompiledMap,
  path: string,
  frame: Frame,
): Promise<unknown> {
  const items = list(frame.scope);
  if (!Array.isArray(items)) {
    throw rpcError("BAD_REQUEST", `map needs a list, and got ${items === null ? "null" : typeof items}`);
  }
  const stop = new Stop(frame.stop);
  return allOrFirst(
    context,
    frame.stop,
    stop,
    items.map((item: unknown, index) => ({
      path: `${path}/${index}`,
      run: () => {
        const scope = frame.scope.apart({ item, index, result: item });
        const one = { path: `${path}/${index}/`, scope, strand: context.names.strand(), stop };
        return context.runSteps(steps, one, item);
      },
    })),
    concurrency,
  );
}

async function runSwitch(context: RunContext, step: CompiledSwitch, path: string, frame: Frame): Promise<unknown> {
  const value = step.on(frame.scope);
  const key = typeof value === "string" ? value : JSON.stringify(value ?? null);
  const found = step.cases.get(key);
  if (found) return runWay(context, [`=${key}`, found], path, frame);
  if (step.default) return runWay(context, ["default", step.default], path, frame);
  const known = [...step.cases.keys()].join(", ");
  throw rpcError("BAD_REQUEST", `switch got ${key}, for which there is no case (${known}) and no default`);
}

function runWay(
  context: RunContext,
  [key, steps]: readonly [string, readonly CompiledStep[] | undefined],
  path: string,
  frame: Frame,
): Promise<unknown> {
  const result = frame.scope.get("result");
  if (!steps) return Promise.resolve(result);
  return context.runSteps(steps, { ...frame, path: `${path}/${key}/`, scope: frame.scope.within({ result }) }, result);
}

function runTaskCall(context: RunContext, step: CompiledTaskCall, path: string, frame: Frame): Promise<unknown> {
  const task = context.workflow.tasks.get(step.task);
  if (!task) throw rpcError("CONFIGURATION", `There is no task ${step.task}`);
  const scope = RunScope.ofTask(context.facts, inputOf(step, frame.scope));
  return runTask(context, task, { ...frame, path: `${path}/`, scope }, path);
}

/**
 * Carries out jobs side by side. The first that fails stops the others; when they have stopped, it is told.
 *
 * @param outer - stops all of it
 * @param stop - within that one, stops the others
 * @param limit - so many at a time
 */
async function allOrFirst<T>(
  { memory }: RunContext,
  outer: Stop,
  stop: Stop,
  jobs: readonly Job<T>[],
  limit: number,
): Promise<T[]> {
  const results = new Array<T>(jobs.length);
  let next = 0;
  let suspended: Suspended | undefined;
  const failures: StepFailed[] = [];
  let ended = 0;
  const numberOf = ({ failure: { step = "" } }: StepFailed): number =>
    memory.steps.get(step)?.failedNumber ?? Number.MAX_SAFE_INTEGER;
  const worker = async (): Promise<void> => {
    while (next < jobs.length && !suspended) {
      const index = next++;
      const job = jobs[index];
      // What an earlier process did in it has to be known to be undone.
      if (!job || (stop.reason && !memory.hasBegun(job.path))) continue;
      try {
        results[index] = await job.run();
        ended++;
      } catch (error) {
        if (error instanceof Suspended) suspended = error;
        else {
          const failed = error instanceof StepFailed ? error : new StepFailed(failureOf(error, ""));
          failures.push(failed);
          stop.stop(failed);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, jobs.length) }, worker));
  if (suspended) throw suspended;
  // When the history tells it again, they fail in any order.
  const [first] = failures.sort((one, other) => numberOf(one) - numberOf(other));
  const reason = outer.reason ?? first ?? stop.reason;
  if (reason && ended < jobs.length) throw reason;
  return results;
}

/** A branch, or what is done with an item. */
interface Job<T> {
  /** Of all in it. */
  readonly path: string;
  readonly run: () => Promise<T>;
}

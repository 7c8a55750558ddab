import type { CompiledStep } from "../definition/compiled.js";
import type { RunFailure } from "../run.js";
import { failureOf, Suspended } from "./failure.js";
import type { RunContext } from "./frame.js";
import { UNDO } from "./run-memory.js";
import type { RunScope } from "./scope.js";
import { Stop } from "./stop.js";

/** What undoes a step that has ended. */
export interface Undo {
  readonly undo: CompiledStep;
  /** Of the step, with what it was given and what it resulted in. */
  readonly scope: RunScope;
}

/**
 * Undoes what was done, the last first. What cannot be undone keeps nothing else from being undone.
 *
 * @param undos - by the path of the step
 * @returns the failure, with what went wrong besides
 * @throws Suspended
 */
export async function undoAll(
  context: RunContext,
  undos: ReadonlyMap<string, Undo>,
  failure: RunFailure,
): Promise<RunFailure> {
  const further: string[] = [];
  for (const path of context.memory.doubtful()) further.push(`${path} may have been executed, and was not undone`);
  if (undos.size > 0 && !context.memory.undoing) context.record({ kind: "undoing", error: failure });
  const lastDone = context.memory.lastDone();
  const inOrder = [...undos].map(([path, undo]) => ({ path, undo, doneNumber: lastDone.get(path) ?? 0 }));
  inOrder.sort((one, other) => other.doneNumber - one.doneNumber);
  for (const { path, undo } of inOrder) {
    const frame = {
      path: `${path}/`,
      scope: undo.scope,
      strand: context.names.strand(),
      stop: new Stop(context.closing),
    };
    try {
      await context.runSteps([{ ...undo.undo, key: UNDO }], frame, undefined);
    } catch (error) {
      if (error instanceof Suspended) throw error;
      further.push(`${path} could not be undone: ${failureOf(error, path).message}`);
    }
  }
  return further.length === 0 ? failure : { ...failure, further: [...(failure.further ?? []), ...further] };
}

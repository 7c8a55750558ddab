import { rpcError } from "../../errors.js";
import { outsideOfCalls } from "../../peer/call-context.js";
import { listenToAbort } from "../../util/signals.js";
import type { CodeFunction } from "../code-function.js";
import type { CompiledCode } from "../definition/compiled.js";
import { Suspended } from "./failure.js";
import { type Frame, inputOf, type RunContext, requireGoing } from "./frame.js";
import { askWhatBecame } from "./questions.js";
import type { StepMemory } from "./run-memory.js";

/** Runs a function of a `code` step. Its result is written down; what was begun and not ended before the service died is asked for. */
export async function runCode(
  context: RunContext,
  step: CompiledCode,
  path: string,
  memory: StepMemory,
  frame: Frame,
): Promise<unknown> {
  const body = context.parts.code.get(step.code);
  const over = context.busy("working");
  try {
    if (memory.question || (memory.open && !step.idempotent)) {
      const what = `The service was ended while the function ${step.code} ran. It may have done its work, or a part of it`;
      const told = await askWhatBecame(context, frame, memory, path, memory.question?.text ?? what);
      if (told) return told.result;
    }
    requireGoing(frame);
    if (!body) {
      throw rpcError("CONFIGURATION", `No function ${step.code} was handed to the workflow service`, {
        outcome: "not-executed",
      });
    }
    const input = inputOf(step, frame.scope);
    const attempt = memory.attempts + 1;
    context.record({ kind: "started", step: path, attempt, ...(step.idempotent && { idempotent: true }) });
    await context.safe();
    let result: unknown;
    try {
      result = await runWithin(context, step, body, { input, path, attempt });
    } catch (error) {
      if (context.givingUp.aborted) throw new Suspended();
      throw error;
    }
    context.record({ kind: "done", step: path, result });
    return result;
  } finally {
    over();
  }
}

/** Nobody can end a function; but one that takes too long, or goes on when the service is closed, is not waited for. */
async function runWithin(
  { facts, givingUp }: RunContext,
  { code, timeoutMs }: CompiledCode,
  body: CodeFunction,
  { input, path, attempt }: { readonly input: unknown; readonly path: string; readonly attempt: number },
): Promise<unknown> {
  const control = new AbortController();
  const { signal } = control;
  const giveUp = (): void => {
    control.abort(givingUp.reason);
  };
  listenToAbort(givingUp, giveUp);
  const clock =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          const text = `The function ${code} took longer than ${timeoutMs} ms. It was told, and may be going on`;
          control.abort(rpcError("TIMEOUT", text, { outcome: "executed" }));
        }, timeoutMs);
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        reject(signal.reason as Error);
      });
      const { id: run, task } = facts;
      outsideOfCalls(() => Promise.resolve().then(() => body(input, { run, task, step: path, attempt, signal }))).then(
        resolve,
        reject,
      );
    });
  } finally {
    clearTimeout(clock);
    givingUp.removeEventListener("abort", giveUp);
  }
}

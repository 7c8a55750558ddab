import { type RpcError, rpcError } from "../../errors.js";
import type { EarlierNamedTry } from "../../peer/named-call.js";
import type { ServiceRecord } from "../../peer/record.js";
import type { CompiledCall } from "../definition/compiled.js";
import { failureOf, Suspended } from "./failure.js";
import { type Frame, inputOf, pauseUntil, type RunContext, requireGoing } from "./frame.js";
import { askWhatBecame } from "./questions.js";
import type { OpenTry, StepMemory } from "./run-memory.js";

/**
 * Calls a service: at most once, unless twice does no harm. A try of which nobody knows what became of it is asked for where it went; when
 * that cannot be found out, a person is asked.
 */
export async function runCall(
  context: RunContext,
  step: CompiledCall,
  path: string,
  memory: StepMemory,
  frame: Frame,
): Promise<unknown> {
  const { scope } = frame;
  const args = step.args ? step.args.map((template) => template(scope)) : listOf(inputOf(step, scope));
  const over = context.busy("working");
  let doubt = memory.question?.text;
  try {
    for (let asked = 0; ; asked++) {
      if (doubt !== undefined) {
        const told = await askWhatBecame(context, frame, memory, path, doubt);
        if (told) return told.result;
        doubt = undefined;
      }
      if (!memory.open) requireGoing(frame);
      try {
        const result = await callOnce(context, step, args, path, memory, frame);
        context.record({ kind: "done", step: path, result });
        return result;
      } catch (error) {
        if (context.givingUp.aborted) throw new Suspended();
        const open: OpenTry | undefined = memory.open;
        if (failureOf(error, path).outcome !== "unknown" || !open || open.idempotent) throw error;
        // Where calls are written down it is known as soon as somebody can be asked.
        const mayBeTold = open.journal !== undefined && (error as RpcError).remote === undefined && asked < MAX_ASKED;
        if (mayBeTold) await pauseUntil(context, frame, context.parts.clock.now() + pauseMs(asked));
        else doubt = (error as RpcError).message;
      }
    }
  } finally {
    frame.strand.ended();
    over();
  }
}

async function callOnce(
  context: RunContext,
  step: CompiledCall,
  args: readonly unknown[],
  path: string,
  memory: StepMemory,
  frame: Frame,
): Promise<unknown> {
  const { parts, targets } = context;
  const asked = memory.open ? await earlierTry(context, step, memory.open) : undefined;
  return parts.caller.call({
    interface: step.interface,
    service: step.service,
    tags: step.tags,
    method: step.method,
    args,
    timeoutMs: step.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // What was begun as such goes on as such, whoever gets it now.
    idempotent: step.idempotent ?? (asked && memory.open?.idempotent ? true : undefined),
    only: asked?.only,
    named: {
      earlier: asked?.earlier,
      taken: frame.strand.taken,
      sending: (target) => {
        const call = frame.strand.next();
        const { journal } = target;
        const name = targets.nameOf(target);
        context.record({
          kind: "started",
          step: path,
          attempt: memory.attempts + 1,
          call,
          target: name,
          ...(journal !== undefined && { journal }),
          ...(target.idempotent && { idempotent: true }),
        });
        const kept = targets.kept(name);
        const safe = kept ? Promise.all([kept, context.safe()]) : context.safe();
        return safe.then(() => call);
      },
    },
  });
}

/**
 * What has to be asked for before the call is made once more. Also one that may be executed twice keeps its name, by which the service may know it.
 *
 * @returns `undefined`: nothing, it does no harm
 * @throws UnavailableError, `unknown`, when there is nobody to ask
 */
async function earlierTry(
  { parts, targets }: RunContext,
  step: CompiledCall,
  open: OpenTry,
): Promise<{ readonly earlier: EarlierNamedTry; readonly only: ServiceRecord | undefined } | undefined> {
  const record = open.target === undefined ? undefined : await targets.find(open.target);
  const { call, journal, at } = open;
  if (call === undefined || record?.incarnation === undefined) {
    if (open.idempotent) return undefined;
    const who = record?.service ?? step.service ?? step.interface;
    const what = `${step.interface}.${step.method} was sent to ${who}, and this service was ended before the answer came`;
    throw rpcError("UNAVAILABLE", `${what}; ${who} cannot be asked what became of it`, { outcome: "unknown" });
  }
  const ageMs = Math.max(parts.clock.now() - at, 0) + MARGIN_MS;
  return {
    earlier: { call, incarnation: record.incarnation, journal, ageMs },
    only: journal === undefined && !open.idempotent ? record : undefined,
  };
}

/** As a proxy takes them: nothing is no value. */
function listOf(input: unknown): readonly unknown[] {
  return input === null || input === undefined ? [] : [input];
}

function pauseMs(asked: number): number {
  return Math.min(1_000 * 2 ** asked, 60_000);
}

/** Default of a step, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 30_000;
/** What a clock may be wrong by, in milliseconds. */
const MARGIN_MS = 1_000;
/** How often somebody who does not answer is asked what became of a call, before a person is: for about ten minutes. */
const MAX_ASKED = 14;

import { rpcError } from "../../errors.js";
import type { CompiledWait } from "../definition/compiled.js";
import type { WaitingEvent } from "../run.js";
import { type Frame, pauseUntil, type RunContext, waitFor } from "./frame.js";
import { ask } from "./questions.js";
import type { StepMemory } from "./run-memory.js";
import { timed } from "./timed.js";

/** Waits for a time, an event, something that is published, or a person. */
export async function runWait(
  context: RunContext,
  step: CompiledWait,
  path: string,
  memory: StepMemory,
  frame: Frame,
): Promise<unknown> {
  // When it began in an earlier process, it goes on waiting for what it waited for.
  if (!memory.wait) context.record(describeWait(context, step, path, frame));
  const { wait } = memory;
  const { timeoutMs } = step;
  const over = context.busy("waiting");
  const end: { timedOut?: true } = {};
  try {
    const since = wait?.at ?? context.parts.clock.now();
    const result = await timed(context, frame, { path, since, timeoutMs }, async (inner, late) => {
      try {
        return await waitOnce(context, step, path, memory, inner);
      } catch (error) {
        if (error !== late || step.onTimeout !== "continue") throw error;
        end.timedOut = true;
        return null;
      }
    });
    if (memory.doneNumber === 0) {
      context.record({ kind: "done", step: path, result, ...end });
    }
    return result;
  } finally {
    over();
  }
}

function describeWait(
  { parts }: RunContext,
  { for: what }: CompiledWait,
  step: string,
  { scope }: Frame,
): WaitingEvent {
  const kind = "waiting";
  switch (what.kind) {
    case "time":
      return { kind, step, until: parts.clock.now() + readMs(what.forMs(scope)) };
    case "moment":
      return { kind, step, until: readMoment(what.until(scope)) };
    case "event":
      return { kind, step, event: what.event, ...(what.key && { key: readKey(what.key(scope)) }) };
    case "published":
      return { kind, step, published: what.interface };
    case "approval":
      return { kind, step };
  }
}

async function waitOnce(
  context: RunContext,
  { for: what }: CompiledWait,
  path: string,
  memory: StepMemory,
  frame: Frame,
): Promise<unknown> {
  switch (what.kind) {
    case "time":
    case "moment":
      await pauseUntil(context, frame, memory.wait?.until ?? 0);
      return frame.scope.get("result");
    case "event":
      return waitForEvent(context, path, frame, what.event, memory.wait?.key);
    case "published":
      return waitForPublished(context, frame, what.interface, what.topic && readKey(what.topic(frame.scope)));
    case "approval": {
      const text = what.text(frame.scope);
      const asked = typeof text === "string" ? text : JSON.stringify(text);
      const answered = await ask(context, frame, memory, {
        step: path,
        kind: "approval",
        text: asked,
        choices: what.choices ?? [],
      });
      return answered.answer;
    }
  }
}

/** Takes an event, and says at once that it has it: another branch may wait for the same. */
async function waitForEvent(
  context: RunContext,
  path: string,
  frame: Frame,
  event: string,
  key: string | undefined,
): Promise<unknown> {
  const { memory } = context;
  return waitFor(frame, (settle) => {
    let isTaken = false;
    const take = (): void => {
      if (isTaken || !memory.hasEvent(event) || frame.stop.reason) return;
      isTaken = true;
      const payload = memory.firstEvent(event);
      context.record({ kind: "done", step: path, result: payload });
      settle(payload);
    };
    const letGo = context.listen(event, key, take);
    take();
    return letGo;
  });
}

async function waitForPublished(
  context: RunContext,
  frame: Frame,
  interfaceName: string,
  topic: string | undefined,
): Promise<unknown> {
  return waitFor(frame, (settle, fail) => {
    const control = new AbortController();
    context.parts.published(interfaceName, topic, control.signal).then(settle, (error: unknown) => {
      if (!control.signal.aborted) fail(error);
    });
    return () => {
      control.abort();
    };
  });
}

function readMs(value: unknown): number {
  if (typeof value === "number" && value >= 0) return value;
  throw wrong(`forMs has to be a number of milliseconds, and got ${JSON.stringify(value)}`);
}

function readMoment(value: unknown): number {
  const moment = typeof value === "string" ? Date.parse(value) : value instanceof Date ? value.getTime() : value;
  if (typeof moment === "number" && Number.isFinite(moment)) return moment;
  throw wrong(`until has to be a date such as 2030-01-31T12:00:00Z, and got ${JSON.stringify(value)}`);
}

function readKey(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw wrong(`A key has to be a text, and got ${JSON.stringify(value)}`);
}

function wrong(message: string): Error {
  return rpcError("BAD_REQUEST", message);
}

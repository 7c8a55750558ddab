import { randomUUID } from "node:crypto";
import { RpcError } from "../../errors.js";
import { CommandError, EXIT } from "../exit.js";
import { interrupted } from "../interrupted.js";
import { jsonLine } from "../json.js";
import { createLogger } from "../log.js";
import { printLine } from "../print-line.js";
import { timeoutSetting } from "../settings.js";
import { awaitRun } from "../workflow/await-run.js";
import { type ControlFlags, parseJson, withControl } from "../workflow/control.js";

/** Flags of `lamplighter workflow start`. */
export interface WorkflowStartFlags extends ControlFlags {
  readonly id?: string;
  readonly wait?: boolean;
}

/** `lamplighter workflow start SERVICE TASK [JSON]` */
export async function workflowStartCommand(
  service: string,
  task: string,
  text: string | undefined,
  flags: WorkflowStartFlags,
): Promise<void> {
  const input = text === undefined ? null : parseJson(text, "the input");
  const timeoutMs = timeoutSetting(flags.timeout);
  const log = createLogger(flags);
  // With an id of our own it does no harm to ask twice.
  const id = flags.id ?? randomUUID();
  const began = performance.now();
  const signal = flags.wait ? interrupted() : undefined;
  await withControl(flags, { service, run: flags.wait ? id : flags.id }, timeoutMs, async (control) => {
    const begin = control("start", { task, input, id }, { idempotent: true, signal });
    const { id: run } = await begin.catch((error: unknown) => {
      throw unlessKnown(error, service, id);
    });
    if (!signal) {
      await printLine(run);
      return;
    }
    process.stderr.write(`run: ${run}\n`);
    const leftMs = timeoutMs === undefined ? undefined : Math.max(1, timeoutMs - (performance.now() - began));
    const result = await awaitRun(control, { service, run, isKnown: true, timeoutMs: leftMs, signal, log });
    await printLine(jsonLine(result).text);
  });
}

/** `lamplighter workflow wait SERVICE RUN` */
export async function workflowWaitCommand(service: string, run: string, flags: ControlFlags): Promise<void> {
  const timeoutMs = timeoutSetting(flags.timeout);
  const log = createLogger(flags);
  const signal = interrupted();
  await withControl(flags, { service, run }, undefined, async (control) => {
    const result = await awaitRun(control, { service, run, isKnown: false, timeoutMs, signal, log });
    await printLine(jsonLine(result).text);
  });
}

/** Whether the run has begun is not known: its id tells it later. */
function unlessKnown(error: unknown, service: string, id: string): unknown {
  if (!RpcError.isRpcError(error) || error.outcome !== "unknown") return error;
  return new CommandError(error.message, EXIT.unanswered, {
    cause: error,
    hint: `The run may have begun: "lamplighter workflow show ${service} ${id}" tells it. Started with --id ${id} once more, it is the same run.`,
  });
}

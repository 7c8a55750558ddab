import type { RunInfo, RunQuestion } from "../../workflow/run.js";
import { CommandError, EXIT, usageError } from "../exit.js";
import { plainText } from "../figures.js";
import { timeoutSetting } from "../settings.js";
import { type ControlFlags, parseJson, whoActs, withControl } from "../workflow/control.js";
import { questionLines } from "../workflow/draw-run.js";
import { plain } from "../workflow/paint.js";

/** Flags of `lamplighter workflow cancel`. */
export interface WorkflowCancelFlags extends ControlFlags {
  readonly reason?: string;
}

/** Flags of `lamplighter workflow resume`. */
export interface WorkflowResumeFlags extends ControlFlags {
  readonly value?: string;
  readonly result?: string;
  readonly step?: string;
}

/** Flags of `lamplighter workflow deliver`. */
export interface WorkflowDeliverFlags extends ControlFlags {
  readonly run?: string;
  readonly key?: string;
}

/** `lamplighter workflow cancel SERVICE RUN` */
export async function workflowCancelCommand(service: string, run: string, flags: WorkflowCancelFlags): Promise<void> {
  await withControl(flags, { service, run }, timeoutSetting(flags.timeout), async (control) => {
    printState(await control("cancel", { run, reason: flags.reason, by: whoActs() }));
  });
}

/** `lamplighter workflow retry SERVICE RUN` */
export async function workflowRetryCommand(service: string, run: string, flags: ControlFlags): Promise<void> {
  await withControl(flags, { service, run }, timeoutSetting(flags.timeout), async (control) => {
    printState(await control("retry", { run, by: whoActs() }));
  });
}

/** `lamplighter workflow resume SERVICE RUN [ANSWER]` */
export async function workflowResumeCommand(
  service: string,
  run: string,
  text: string | undefined,
  flags: WorkflowResumeFlags,
): Promise<void> {
  const { step, value } = flags;
  if (text !== undefined && value !== undefined)
    throw usageError("An answer is either ANSWER or --value JSON, not both");
  const answer = value === undefined ? text : parseJson(value, "--value");
  const result = flags.result === undefined ? undefined : parseJson(flags.result, "--result");
  await withControl(flags, { service, run }, timeoutSetting(flags.timeout), async (control) => {
    if (answer === undefined) throw withoutAnswer(await control("status", { run }), service);
    printState(await control("resume", { run, answer, result, step, by: whoActs() }));
  });
}

/** `lamplighter workflow deliver SERVICE EVENT [JSON]` */
export async function workflowDeliverCommand(
  service: string,
  event: string,
  text: string | undefined,
  flags: WorkflowDeliverFlags,
): Promise<void> {
  const { run, key } = flags;
  if (run === undefined && key === undefined) {
    throw usageError("deliver wants --run RUN, or --key KEY for all runs that wait for the event under that key");
  }
  const payload = text === undefined ? null : parseJson(text, "what the event brings");
  await withControl(flags, { service, run }, timeoutSetting(flags.timeout), async (control) => {
    const { runs } = await control("deliver", { event, payload, run, key });
    if (runs.length === 0) process.stderr.write("no run waits for it\n");
    for (const one of runs) process.stdout.write(`${plainText(one)}\n`);
  });
}

function printState({ id, state }: RunInfo): void {
  process.stdout.write(`${plainText(id)}\t${state}\n`);
}

function withoutAnswer(info: RunInfo, service: string): CommandError {
  const { id, questions } = info;
  if (questions.length === 0) return new CommandError(`The run ${id} asks nothing; it is ${info.state}`, EXIT.refused);
  const lines = questions.flatMap((one: RunQuestion) => questionLines(one, info, service, Date.now(), plain));
  return new CommandError(`An answer is missing. The run ${id} asks:`, EXIT.usage, { hint: lines.join("\n") });
}

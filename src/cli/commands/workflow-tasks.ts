import type { ScheduleInfo, TaskInfo } from "../../workflow/control.js";
import { usageError } from "../exit.js";
import { momentText, plainText } from "../figures.js";
import { jsonLine } from "../json.js";
import { timeoutSetting } from "../settings.js";
import { formatTable } from "../table.js";
import { type ControlFlags, parseJson, withControl } from "../workflow/control.js";

/** Flags of `lamplighter workflow tasks`, `define` and `schedules`. */
export interface WorkflowTasksFlags extends ControlFlags {
  readonly json?: boolean;
}

/** Flags of `lamplighter workflow schedule`. */
export interface WorkflowScheduleFlags extends ControlFlags {
  readonly task: string;
  readonly cron: string;
  readonly timezone?: string;
  readonly input?: string;
  readonly missed?: string;
}

/** `lamplighter workflow tasks SERVICE` */
export async function workflowTasksCommand(service: string, flags: WorkflowTasksFlags): Promise<void> {
  await withControl(flags, { service }, timeoutSetting(flags.timeout), async (control) => {
    printTasks(await control("tasks"), flags);
  });
}

/** `lamplighter workflow remove SERVICE TASK` */
export async function workflowRemoveCommand(service: string, task: string, flags: ControlFlags): Promise<void> {
  await withControl(flags, { service }, timeoutSetting(flags.timeout), async (control) => {
    await control("remove", { task });
  });
}

/** `lamplighter workflow schedules SERVICE` */
export async function workflowSchedulesCommand(service: string, flags: WorkflowTasksFlags): Promise<void> {
  await withControl(flags, { service }, timeoutSetting(flags.timeout), async (control) => {
    const schedules = await control("schedules");
    if (flags.json) process.stdout.write(`${jsonLine(schedules).text}\n`);
    else if (schedules.length === 0) process.stderr.write("no schedule is there\n");
    else printSchedules(schedules);
  });
}

/** `lamplighter workflow schedule SERVICE NAME` */
export async function workflowScheduleCommand(
  service: string,
  name: string,
  flags: WorkflowScheduleFlags,
): Promise<void> {
  const { task, cron, timezone, missed } = flags;
  const input = flags.input === undefined ? undefined : parseJson(flags.input, "--input");
  if (missed !== undefined && missed !== "skip" && missed !== "last") {
    throw usageError(`--missed wants skip or last, got ${missed}`);
  }
  await withControl(flags, { service }, timeoutSetting(flags.timeout), async (control) => {
    printSchedules([await control("schedule", { name, task, cron, timezone, input, missed })]);
  });
}

/** `lamplighter workflow unschedule SERVICE NAME` */
export async function workflowUnscheduleCommand(service: string, name: string, flags: ControlFlags): Promise<void> {
  await withControl(flags, { service }, timeoutSetting(flags.timeout), async (control) => {
    await control("unschedule", { name });
  });
}

/** Tasks as a table, what is probably wrong with them on standard error. */
export function printTasks(tasks: readonly TaskInfo[], flags: WorkflowTasksFlags): void {
  if (flags.json) {
    process.stdout.write(`${jsonLine(tasks).text}\n`);
    return;
  }
  if (tasks.length === 0) process.stderr.write("no task is defined\n");
  else {
    const rows = tasks.map(({ name, version, doc }) => [plainText(name), plainText(version), plainText(doc ?? "")]);
    process.stdout.write(`${formatTable(["TASK", "VERSION", ""], rows)}\n`);
  }
  printWarnings(tasks.flatMap(({ warnings }) => warnings));
}

/** What is probably wrong, a line each on standard error. What holds for all tasks is said once. */
export function printWarnings(warnings: readonly string[]): void {
  for (const warning of new Set(warnings)) process.stderr.write(`warning: ${plainText(warning)}\n`);
}

function printSchedules(schedules: readonly ScheduleInfo[]): void {
  const rows = schedules.map(({ name, task, cron, timezone = "UTC", nextAt, lastAt }) => [
    plainText(name),
    plainText(task),
    plainText(cron),
    plainText(timezone),
    nextAt === null ? "-" : momentText(nextAt),
    lastAt === null ? "-" : momentText(lastAt),
  ]);
  process.stdout.write(`${formatTable(["SCHEDULE", "TASK", "CRON", "TIMEZONE", "NEXT", "LAST"], rows)}\n`);
}

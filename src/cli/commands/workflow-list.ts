import type { RunFilter, RunInfo, RunState } from "../../workflow/run.js";
import { usageError } from "../exit.js";
import { elapsedText, momentText, plainText } from "../figures.js";
import { jsonLine } from "../json.js";
import { timeoutSetting } from "../settings.js";
import { formatTable } from "../table.js";
import { type ControlFlags, withControl } from "../workflow/control.js";

/** Flags of `lamplighter workflow list`. */
export interface WorkflowListFlags extends ControlFlags {
  readonly task?: string;
  readonly state?: readonly string[];
  readonly since?: string;
  readonly before?: string;
  readonly limit?: string;
  readonly after?: string;
  readonly count?: boolean;
  readonly json?: boolean;
}

/** `lamplighter workflow list SERVICE` */
export async function workflowListCommand(service: string, flags: WorkflowListFlags): Promise<void> {
  const filter: RunFilter = {
    task: flags.task,
    // The choices of the flag are the states.
    state: flags.state as readonly RunState[] | undefined,
    since: momentSetting("--since", flags.since),
    before: momentSetting("--before", flags.before),
    limit: limitSetting(flags.limit),
    after: flags.after,
  };
  await withControl(flags, { service, run: flags.after }, timeoutSetting(flags.timeout), async (control) => {
    if (flags.count) printCounts(await control("count"), flags);
    else printRuns(await control("list", filter), flags);
  });
}

function printRuns(runs: readonly RunInfo[], flags: WorkflowListFlags): void {
  if (flags.json) {
    process.stdout.write(`${jsonLine(runs).text}\n`);
    return;
  }
  if (runs.length === 0) {
    process.stderr.write("no run matches\n");
    return;
  }
  const now = Date.now();
  const rows = runs.map(({ id, task, state, startedAt, endedAt, error, questions, stalled }) => [
    plainText(id),
    plainText(task),
    state,
    momentText(startedAt),
    elapsedText((endedAt ?? now) - startedAt),
    plainText(stalled ?? questions[0]?.text ?? error?.message ?? "").slice(0, MAX_NOTE),
  ]);
  process.stdout.write(`${formatTable(["RUN", "TASK", "STATE", "BEGAN", "TIME", ""], rows)}\n`);
}

function printCounts(counts: Readonly<Record<string, number>>, flags: WorkflowListFlags): void {
  const rows = Object.entries(counts).map(([state, count]) => [plainText(state), String(count)]);
  process.stdout.write(`${flags.json ? JSON.stringify(counts) : formatTable(["STATE", "RUNS"], rows)}\n`);
}

function momentSetting(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw usageError(`${name} wants a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970, got ${text}`);
}

function limitSetting(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1_000) return Number(text);
  throw usageError(`--limit wants a whole number from 1 to 1000, got ${text}; --after RUN gives the next page`);
}

const MAX_NOTE = 100;

import type { ControlCall } from "../../workflow/client/control-call.js";
import { interrupted } from "../interrupted.js";
import { jsonLine } from "../json.js";
import { createLogger } from "../log.js";
import { printLine } from "../print-line.js";
import { timeoutSetting } from "../settings.js";
import { formatTable, hasColours } from "../table.js";
import { type About, type ControlFlags, withControl } from "../workflow/control.js";
import { describeEntry } from "../workflow/describe-event.js";
import { drawRun } from "../workflow/draw-run.js";
import { followRun } from "../workflow/follow-run.js";
import { coloured, plain } from "../workflow/paint.js";

/** Flags of `lamplighter workflow show` and `history`. */
export interface WorkflowShowFlags extends ControlFlags {
  readonly json?: boolean;
  readonly follow?: boolean;
}

/** `lamplighter workflow show SERVICE RUN` */
export async function workflowShowCommand(service: string, run: string, flags: WorkflowShowFlags): Promise<void> {
  await withControl(flags, { service, run }, timeoutSetting(flags.timeout), async (control) => {
    if (flags.follow) {
      await followRun(control, { service, run, isJson: flags.json === true }, interrupted(), createLogger(flags));
      return;
    }
    const details = await control("show", { run });
    const paint = hasColours() ? coloured : plain;
    await printLine(
      flags.json ? jsonLine(details).text : drawRun(details, { service, now: Date.now(), paint }).join("\n"),
    );
  });
}

/** `lamplighter workflow history SERVICE RUN` */
export async function workflowHistoryCommand(service: string, run: string, flags: WorkflowShowFlags): Promise<void> {
  await withControl(flags, { service, run }, timeoutSetting(flags.timeout), async (control) => {
    await printHistory(control, { service, run }, flags);
  });
}

/** A long one comes in parts. */
async function printHistory(control: ControlCall, { run = "" }: About, flags: WorkflowShowFlags): Promise<void> {
  const rows: string[][] = [];
  let after = 0;
  for (;;) {
    const entries = await control("history", { run, after, limit: PART });
    for (const entry of entries) {
      if (flags.json) await printLine(jsonLine(entry).text);
      else {
        const { what, step, detail } = describeEntry(entry);
        rows.push([String(entry.number), new Date(entry.at).toISOString(), what, step, detail]);
      }
    }
    const last = entries.at(-1)?.number ?? 0;
    if (entries.length < PART || last <= after) break;
    after = last;
  }
  if (rows.length > 0) await printLine(formatTable(["", "TIME", "WHAT", "STEP", ""], rows));
}

const PART = 1_000;

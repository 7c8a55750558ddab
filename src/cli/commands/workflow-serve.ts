import { configuration } from "../../client/default-client.js";
import type { PrunePolicy } from "../../workflow/journal/run-journal.js";
import { WorkflowHost } from "../../workflow/service/workflow-host.js";
import { usageError } from "../exit.js";
import { createLogger } from "../log.js";
import { runHost } from "../run-host.js";
import { type ServeFlags, serveSettings } from "../settings.js";
import { loadWorkflows, sourceOf } from "../workflow/load-definitions.js";

/** Flags of `lamplighter workflow serve`. */
export interface WorkflowServeFlags extends ServeFlags {
  readonly code?: readonly string[];
  readonly sync?: string;
  readonly keep?: string;
}

/** `lamplighter workflow serve FILE...` */
export async function workflowServeCommand(files: readonly string[], flags: WorkflowServeFlags): Promise<void> {
  const log = createLogger(flags);
  const { journal, service, ...settings } = serveSettings(flags, configuration(), log);
  if (service === undefined) throw usageError("A workflow service has a name that it keeps: -s /demo/workflow/1");
  if (journal === undefined) throw usageError("What runs do is written down in a file: --journal FILE");
  const prune = pruneSetting(flags.keep);
  const { definitions, code } = await loadWorkflows(files, flags.code);
  const host = new WorkflowHost({
    ...settings,
    service,
    journal,
    // The choices of the flag.
    sync: flags.sync as "full" | "normal" | undefined,
    prune,
    definitions: definitions.map(sourceOf),
    code,
    log,
  });
  await runHost(
    {
      get address() {
        return host.address;
      },
      start: async () => {
        const isRegistered = await host.start();
        const tasks = [...host.runs.definitions.tasks.keys()].join(", ") || "no task yet";
        log.info(`${service} serves ${tasks}${isRegistered ? "" : ", not registered yet"}`);
        return isRegistered;
      },
      close: () => host.close(),
    },
    log,
  );
}

/** Runs that have ended are kept so many days. */
function pruneSetting(text: string | undefined): PrunePolicy | false | undefined {
  if (text === undefined) return undefined;
  if (text === "forever") return false;
  const days = Number(text);
  if (days > 0 && Number.isFinite(days)) return { maxAgeMs: days * DAY_MS };
  throw usageError(`--keep wants a number of days, or forever, got ${text}`);
}

const DAY_MS = 86_400_000;

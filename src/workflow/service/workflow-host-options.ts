import type { Client } from "../../client/client.js";
import { ConfigurationError } from "../../errors.js";
import type { HostOptions } from "../../nameserver/host.js";
import { requireLogger } from "../../util/log.js";
import type { Clock } from "../clock.js";
import type { CodeFunction } from "../code-function.js";
import type { WorkflowDefinition } from "../definition/definition.js";
import type { PrunePolicy, RunJournal } from "../journal/run-journal.js";

/** A definition, or the file that it stands in: JSON, or YAML if its name ends in `.yaml` or `.yml`. */
export type DefinitionSource = WorkflowDefinition | string;

/** Options of {@link WorkflowHost}: its own, and those of a {@link Host}. */
export interface WorkflowHostOptions extends Omit<HostOptions, "journal"> {
  /** Service path, such as `/demo/workflow/1`. Callers name it, so that they find it again wherever it is started. */
  readonly service: string;
  /** Tasks and schedules: one definition or file, or several; default none, all is defined at run time. Files are read at the start. */
  readonly definitions?: DefinitionSource | readonly DefinitionSource[] | undefined;
  /**
   * Where it is written down what runs do: a file, which the service opens and closes, or what `openRunJournal` gave. Needs the package
   * `libsql`. One service at a time has it.
   */
  readonly journal: string | RunJournal;
  /** For a journal that is a file; see {@link RunJournalOptions.sync}. */
  readonly sync?: "full" | "normal" | undefined;
  /** Which ended runs are forgotten; looked at once an hour. `false`: none. */
  readonly prune?: PrunePolicy | false | undefined;
  /** Functions for `code` steps, by name. */
  readonly code?: Readonly<Record<string, CodeFunction>> | undefined;
  /** Makes the calls of steps; who made it closes it. Default: one of the service's own, at its nameserver and with its keys. */
  readonly client?: Client | undefined;
  /** Runs that have not ended, at most; default 100,000. One more is refused with `OVERLOADED`. */
  readonly maxRuns?: number | undefined;
  /** Time, for schedules, waits and timeouts; default that of the machine. */
  readonly clock?: Clock | undefined;
  /** Chance, for pauses between tries; default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * Looks at options before anything is opened.
 *
 * @throws ConfigurationError for a wrong one
 */
export function checkWorkflowOptions(options: WorkflowHostOptions): void {
  const { service, journal, code, maxRuns, sync } = options;
  requireLogger(options.log);
  if (typeof service !== "string" || service === "") {
    throw new ConfigurationError('A workflow service needs the option service, such as "/demo/workflow/1"');
  }
  if (typeof journal === "string" ? journal === "" : typeof (journal as unknown) !== "object") {
    throw new ConfigurationError("A workflow service needs the option journal: a file, or what openRunJournal gave");
  }
  if (typeof journal !== "string" && sync !== undefined) {
    throw new ConfigurationError("The option sync is for a journal that is named by its file");
  }
  if (maxRuns !== undefined && !(Number.isInteger(maxRuns) && maxRuns > 0)) {
    throw new ConfigurationError(`The option maxRuns must be a whole number above 0, got ${String(maxRuns)}`);
  }
  for (const [name, run] of Object.entries(code ?? {})) {
    if (typeof run === "function") continue;
    throw new ConfigurationError(`The option code has ${name}, which is no function`);
  }
}

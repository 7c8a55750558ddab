import { Client } from "../../client/client.js";
import { compileWorkflow } from "../../workflow/definition/compile.js";
import type { CompiledWorkflow } from "../../workflow/definition/compiled.js";
import type { WorkflowDefinition } from "../../workflow/definition/definition.js";
import { DefinitionError, type DefinitionProblem } from "../../workflow/definition/problems.js";
import { readBase } from "../../workflow/service/base-definition.js";
import { TaskWarnings } from "../../workflow/service/task-warnings.js";
import type { ClientFlags } from "../client.js";
import { CommandError, EXIT } from "../exit.js";
import { plainText } from "../figures.js";
import { keysSetting, nameserverSetting, timeoutSetting } from "../settings.js";
import { type ControlFlags, withControl } from "../workflow/control.js";
import { type LoadedDefinition, type LoadedWorkflows, loadWorkflows, sourceOf } from "../workflow/load-definitions.js";
import { printTasks, printWarnings } from "./workflow-tasks.js";

/** Flags of `lamplighter workflow check`. */
export interface WorkflowCheckFlags extends ClientFlags {
  readonly code?: readonly string[];
  readonly json?: boolean;
  readonly timeout?: string;
}

/** Flags of `lamplighter workflow define`. */
export interface WorkflowDefineFlags extends ControlFlags {
  readonly json?: boolean;
}

/** What is probably wrong with a task. */
interface Warning {
  readonly task: string;
  readonly message: string;
}

/** `lamplighter workflow check FILE...` */
export async function workflowCheckCommand(files: readonly string[], flags: WorkflowCheckFlags): Promise<void> {
  const timeoutMs = timeoutSetting(flags.timeout) ?? ASK_MS;
  const checked = await problemsOf(files, flags.code);
  const warnings = checked.workflow ? await warningsOf(checked.workflow, flags, timeoutMs) : [];
  const tasks = [...(checked.workflow?.tasks.keys() ?? [])];
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ tasks, problems: checked.problems, warnings })}\n`);
    if (checked.problems.length > 0) process.exitCode = EXIT.usage;
    return;
  }
  if (checked.problems.length > 0) {
    throw new CommandError(new DefinitionError(checked.problems).message, EXIT.usage);
  }
  process.stdout.write(tasks.map((name) => `${plainText(name)}\n`).join(""));
  printWarnings(warnings.map(({ message }) => message));
}

/** `lamplighter workflow define SERVICE FILE` */
export async function workflowDefineCommand(service: string, file: string, flags: WorkflowDefineFlags): Promise<void> {
  const { definitions } = await loadWorkflows([file]);
  const timeoutMs = timeoutSetting(flags.timeout);
  await withControl(flags, { service }, timeoutMs, async (control) => {
    for (const one of definitions) {
      // The service looks at it itself.
      printTasks(await control("define", one.source as WorkflowDefinition), flags);
    }
  });
}

interface Checked {
  readonly problems: readonly DefinitionProblem[];
  /** When there are none. */
  readonly workflow: CompiledWorkflow | undefined;
}

/** All that is wrong in all files, as `serve` would find it one file after the other. */
async function problemsOf(files: readonly string[], modules: readonly string[] | undefined): Promise<Checked> {
  const problems: DefinitionProblem[] = [];
  const collect = async <T>(work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const loaded: LoadedWorkflows[] = [];
  for (const file of files) {
    const one = await collect(() => loadWorkflows([file]));
    if (one) loaded.push(one);
  }
  const functions = await loadWorkflows([], modules);
  const definitions = loaded.flatMap((one) => one.definitions);
  const code = [functions, ...loaded].flatMap((one) => Object.keys(one.code));
  const tasks = definitions.flatMap(taskNames);
  for (const { source, file } of definitions) {
    await collect(() => compileWorkflow(source, { file, code, tasks }));
  }
  if (problems.length > 0) return { problems, workflow: undefined };
  const all = await collect(async () => compileWorkflow(await readBase(definitions.map(sourceOf), code), { code }));
  return { problems, workflow: all };
}

/** Without a nameserver nobody knows who provides what. */
async function warningsOf(
  workflow: CompiledWorkflow,
  flags: WorkflowCheckFlags,
  timeoutMs: number,
): Promise<readonly Warning[]> {
  const { LAMPLIGHTER_NAMESERVER: named = "" } = process.env;
  if (flags.nameserver === undefined && named === "") return [];
  await using client = new Client({
    nameserver: nameserverSetting(flags.nameserver),
    security: keysSetting(flags.keys),
    timeoutMs,
  });
  const found = await new TaskWarnings(client).of(workflow, AbortSignal.timeout(timeoutMs));
  return [...found].flatMap(([task, messages]) => messages.map((message) => ({ task, message })));
}

function taskNames({ source }: LoadedDefinition): readonly string[] {
  const { tasks } = (source ?? {}) as { readonly tasks?: unknown };
  return typeof tasks === "object" && tasks !== null ? Object.keys(tasks) : [];
}

/** How long services may take to say what they offer. */
const ASK_MS = 10_000;

import { ConfigurationError } from "../../errors.js";
import { compileWorkflow } from "../definition/compile.js";
import type { WorkflowDefinition } from "../definition/definition.js";
import { readWorkflowFile } from "../definition/read-file.js";
import { mergeDefinitions } from "../definition/version.js";
import type { DefinitionSource } from "./workflow-host-options.js";

/** A definition that was read, and not checked yet. */
interface Read {
  readonly file: string | undefined;
  /** For people. */
  readonly label: string;
  readonly source: unknown;
}

/**
 * Reads the definitions that a service was given, checks each of them, and makes one of them.
 *
 * @param code - names of the functions that were handed in
 * @throws DefinitionError with all that is wrong with the first that is; ConfigurationError when two have a task or a schedule of one name
 */
export async function readBase(
  sources: readonly DefinitionSource[],
  code: Iterable<string>,
): Promise<WorkflowDefinition> {
  const read: readonly Read[] = await Promise.all(
    sources.map(async (source, index) =>
      typeof source === "string"
        ? { file: source, label: source, source: await readWorkflowFile(source) }
        : { file: undefined, label: `definition ${index + 1}`, source },
    ),
  );
  const names = read.flatMap(({ source }) => namesIn(source));
  const known = [...code];
  let all: WorkflowDefinition = { tasks: {} };
  const owners = new Map<string, string>();
  for (const { file, label, source } of read) {
    const compiled = compileWorkflow(source, { file, code: known, tasks: names });
    const own = [...[...compiled.tasks.keys()].map(taskCalled), ...[...compiled.schedules.keys()].map(scheduleCalled)];
    for (const what of own) {
      const other = owners.get(what);
      if (other !== undefined)
        throw new ConfigurationError(`${what} stands in ${other}, and in ${label}: rename one of them`);
      owners.set(what, label);
    }
    all = mergeDefinitions(all, compiled.source);
  }
  // Only all together they can go round in circles.
  return compileWorkflow(all, { code: known }).source;
}

function taskCalled(name: string): string {
  return `The task ${JSON.stringify(name)}`;
}

function scheduleCalled(name: string): string {
  return `The schedule ${JSON.stringify(name)}`;
}

/** Names of the tasks of what was not checked yet. */
function namesIn(source: unknown): string[] {
  const tasks: unknown = typeof source === "object" && source !== null && "tasks" in source ? source.tasks : undefined;
  return typeof tasks === "object" && tasks !== null && !Array.isArray(tasks) ? Object.keys(tasks) : [];
}

import { extname } from "node:path";
import { isPlainObject } from "../../peer/arguments.js";
import type { CodeFunction } from "../../workflow/code-function.js";
import type { WorkflowDefinition } from "../../workflow/definition/definition.js";
import { readWorkflowFile } from "../../workflow/definition/read-file.js";
import { usageError } from "../exit.js";
import { loadModule } from "../load-module.js";

/** Definitions of workflows, and functions for their `code` steps, that were named on the command line. */
export interface LoadedWorkflows {
  /** Definitions, not checked yet, and where they come from. */
  readonly definitions: readonly LoadedDefinition[];
  /** Functions by name. */
  readonly code: Readonly<Record<string, CodeFunction>>;
}

/** A definition that was read. */
export interface LoadedDefinition {
  /** For messages: the file, and of a module what it exports. */
  readonly file: string;
  /** As of `WorkflowDefinition`, not checked yet. */
  readonly source: unknown;
  /** Is it a file that a workflow service reads itself? */
  readonly isFile: boolean;
}

/**
 * Reads files of JSON and YAML, and modules, which export definitions and functions.
 *
 * @param files - paths; modules also packages
 * @param modules - modules of which only the functions count
 * @throws CommandError with status 2 for modules that are missing, broken, or have nothing to offer, and for two functions of one name
 * @throws DefinitionError for a file that cannot be read
 */
export async function loadWorkflows(
  files: readonly string[],
  modules: readonly string[] = [],
): Promise<LoadedWorkflows> {
  const definitions: LoadedDefinition[] = [];
  const code = new Map<string, { readonly run: CodeFunction; readonly from: string }>();
  const addCode = (from: string, found: ReadonlyMap<string, CodeFunction>): void => {
    for (const [name, run] of found) {
      const other = code.get(name);
      if (other && other.run !== run) {
        throw usageError(`The function ${name} is exported by ${other.from} and by ${from}: rename one of them`);
      }
      code.set(name, { run, from });
    }
  };
  for (const file of files) {
    if (DATA.includes(extname(file).toLowerCase())) {
      definitions.push({ file, source: await readWorkflowFile(file), isFile: true });
      continue;
    }
    const exports = await loadModule(file);
    const found = definitionsIn(file, exports);
    const functions = functionsIn(exports);
    if (found.length + functions.size === 0) {
      throw usageError(`The module ${file} exports no definition of a workflow, { tasks: { … } }, and no function`);
    }
    definitions.push(...found);
    addCode(file, functions);
  }
  for (const module of modules) {
    const functions = functionsIn(await loadModule(module));
    if (functions.size === 0) throw usageError(`The module ${module} exports no function for code steps`);
    addCode(module, functions);
  }
  return { definitions, code: Object.fromEntries(Array.from(code, ([name, { run }]) => [name, run])) };
}

/** What a workflow service is to be given: a file by its name, so that it says where something is wrong. */
export function sourceOf({ file, source, isFile }: LoadedDefinition): string | WorkflowDefinition {
  return isFile ? file : (source as WorkflowDefinition);
}

function definitionsIn(file: string, exports: Readonly<Record<string, unknown>>): LoadedDefinition[] {
  const seen = new Set<unknown>();
  return Object.entries(exports).flatMap(([name, value]) => {
    if (!isPlainObject(value) || !Object.hasOwn(value, "tasks") || seen.has(value)) return [];
    seen.add(value);
    return [{ file: `${file} (export ${name})`, source: value, isFile: false }];
  });
}

/** Classes are none of them, and what has no name of its own cannot be referred to. */
function functionsIn(exports: Readonly<Record<string, unknown>>): ReadonlyMap<string, CodeFunction> {
  return new Map(
    Object.entries(exports).flatMap(([name, value]) =>
      typeof value === "function" && name !== "default" && !/^class\b/.test(Function.prototype.toString.call(value))
        ? [[name, value as CodeFunction] as const]
        : [],
    ),
  );
}

const DATA = [".json", ".yaml", ".yml"];

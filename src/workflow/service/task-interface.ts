import { BadRequestError } from "../../errors.js";
import { currentCall } from "../../peer/call-context.js";
import { InterfaceDefinition } from "../../peer/exposed/definition.js";
import type { MethodWithOptions } from "../../peer/exposed/interface-of.js";
import { WORKFLOW_INTERFACE } from "../control.js";
import type { CompiledTask } from "../definition/compiled.js";
import type { TaskCalls } from "./task-calls.js";
import { told } from "./told.js";

/**
 * The interface whose methods are tasks. Its contract is what their definitions say; they come and go.
 *
 * @param calls - carries the calls out
 */
export function taskInterface(tasks: Iterable<CompiledTask>, calls: TaskCalls): InterfaceDefinition {
  const mark = {
    name: WORKFLOW_INTERFACE,
    doc: "Chains of calls: each method begins a run of a task.",
    mayBeEmpty: true,
  };
  return new InterfaceDefinition(
    mark,
    Object.fromEntries([...tasks].map((task) => [task.name, methodOf(task, calls)])),
  );
}

function methodOf({ name, doc, params = [], optional }: CompiledTask, calls: TaskCalls): MethodWithOptions {
  const required = params.filter((param) => !optional.includes(param));
  const others = params.filter((param) => optional.includes(param));
  const run = async (...values: unknown[]): Promise<unknown> => {
    try {
      return await calls.call(name, params.length > 0 ? currentCall().args : onlyValue(name, values));
    } catch (error) {
      throw told(error);
    }
  };
  // The id of the run comes from that of the call: once more is the same run.
  return { doc, params: [...required, ...others.map((param) => `${param}?`)], idempotent: "by-call-id", run };
}

/** Some wires bring several values, whatever is declared. */
function onlyValue(task: string, values: readonly unknown[]): unknown {
  if (values.length <= 1) return values[0] ?? null;
  throw new BadRequestError(`The task ${task} declares no params and takes one value; got ${values.length}`, {
    outcome: "not-executed",
  });
}

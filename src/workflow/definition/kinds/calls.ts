import { didYouMean } from "../../../util/did-you-mean.js";
import type { CompiledCall, CompiledCode, CompiledTaskCall, CompiledValue } from "../compiled.js";
import { described, quote } from "../problems.js";
import type { ReadStep, StepContext, StepKind, StepPlace } from "./step-context.js";

/** Calls a method of a service. */
export const CALL: StepKind = {
  what: "a step that calls",
  members: ["interface", "service", "tags", "method", "input", "args", "idempotent"],
  timeoutMs: 30_000,
  read({ fields, reach, common }, context): ReadStep<CompiledCall> {
    const name = fields.required("interface", "name the interface that it calls");
    if (/\s/.test(name))
      fields.problem("interface", `${quote(name)} has blanks in it`, "write a name such as com.foo.example");
    if (fields.has("input") && fields.has("args")) {
      fields.problem("args", "stands beside input", "give either one value as input, or several as args");
    }
    const step: CompiledCall = {
      ...common,
      kind: "call",
      interface: name,
      service: fields.text("service"),
      tags: fields.texts("tags", "tags"),
      method: fields.text("method") ?? context.task,
      args: context.mappings(fields, "args", reach),
      input: context.mapping(fields, "input", reach)?.template,
      idempotent: fields.flag("idempotent"),
    };
    return { step, names: [] };
  },
};

/** Runs a function. */
export const CODE: StepKind = {
  what: "a step of code",
  members: ["code", "input", "idempotent"],
  timeoutMs: 30_000,
  read({ fields, reach, common }, context): ReadStep<CompiledCode> {
    const code = fields.required("code", "name the function that it runs");
    if (code !== "" && context.code && !context.code.has(code)) {
      const known = [...context.code];
      const has = known.length === 0 ? "no function was handed in" : `there are ${known.slice(0, 10).join(", ")}`;
      fields.problem(
        "code",
        `no function ${quote(code)} was handed in${didYouMean(code, known)}`,
        `hand it in as an option, code: { ${code} }; ${has}`,
      );
    }
    const input = context.mapping(fields, "input", reach)?.template;
    return {
      step: { ...common, kind: "code", code, input, idempotent: fields.flag("idempotent") ?? false },
      names: [],
    };
  },
};

/** Another task. */
export const TASK: StepKind = {
  what: "a step of another task",
  members: ["task", "input"],
  read({ fields, reach, common }, context): ReadStep<CompiledTaskCall> {
    const task = fields.required("task", "name the task");
    if (task !== "") checkTask(task, fields.at("task"), context);
    return {
      step: { ...common, kind: "task", task, input: context.mapping(fields, "input", reach)?.template },
      names: [],
    };
  },
};

/** A value. */
export const VALUE: StepKind = {
  what: "a step with a value",
  members: ["value"],
  read({ fields, reach, common }: StepPlace, context: StepContext): ReadStep<CompiledValue> {
    const value = context.mapping(fields, "value", reach)?.template ?? ((): unknown => null);
    return { step: { ...common, kind: "value", value }, names: [] };
  },
};

function checkTask(task: string, path: string, context: StepContext): void {
  if (context.tasks.has(task)) context.calls(task, path);
  else {
    const near = didYouMean(task, context.tasks);
    context.problems.add(
      path,
      `there is no task ${described(task).replace(/^the text /, "")}${near}`,
      "name a task of this definition",
    );
  }
}

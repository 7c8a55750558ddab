import type { StandardSchemaV1 } from "@standard-schema/spec";
import { BadRequestError, rpcError } from "../../errors.js";

/** Is this a Standard Schema, of zod, valibot, arktype or another? */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  return (typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value;
}

/**
 * Validates arguments.
 *
 * @param root - path of the value, such as `args` or `args.user`
 * @returns what the schema makes of the value
 * @throws BadRequestError with the path of each wrong value
 */
export function validateArgument(schema: StandardSchemaV1, value: unknown, root: string): unknown {
  return settle(schema["~standard"].validate(value), (issues) => {
    throw new BadRequestError(describeIssues(issues, root));
  });
}

/** Validates a result; what is wrong with it is the service's fault, code 1. */
export function validateResult(schema: StandardSchemaV1, value: unknown): unknown {
  return settle(schema["~standard"].validate(value), (issues) => {
    throw rpcError("UNKNOWN", `The service broke its contract: ${describeIssues(issues, "result")}`, {
      outcome: "executed",
    });
  });
}

type Result = StandardSchemaV1.Result<unknown>;

/** Schemas may answer at once or later; so does this. */
function settle(
  result: Result | Promise<Result>,
  refuse: (issues: readonly StandardSchemaV1.Issue[]) => never,
): unknown {
  if (result instanceof Promise) return result.then((settled) => settle(settled, refuse));
  return result.issues ? refuse(result.issues) : result.value;
}

function describeIssues(issues: readonly StandardSchemaV1.Issue[], root: string): string {
  return issues.map((issue) => `${pathOf(issue, root)}: ${issue.message}`).join("; ");
}

function pathOf(issue: StandardSchemaV1.Issue, root: string): string {
  let path = root;
  for (const step of issue.path ?? []) {
    const key = typeof step === "object" ? step.key : step;
    path += typeof key === "number" ? `[${key}]` : `.${String(key)}`;
  }
  return path;
}

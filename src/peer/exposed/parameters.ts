import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConfigurationError } from "../../errors.js";
import type { ArgumentType } from "../contract.js";
import { requireArgumentType } from "./argument-type.js";
import type { MethodOptions } from "./method-options.js";
import { isStandardSchema } from "./schema.js";

/** A declared argument. */
export interface Parameter {
  /** Its name, without a question mark. */
  readonly name: string;
  /** May it be left out? */
  readonly optional: boolean;
  /** What it has to be. */
  readonly type: ArgumentType | undefined;
  /** What validates it. */
  readonly schema: StandardSchemaV1 | undefined;
}

/**
 * What a method declares of its arguments.
 *
 * @param inferred - types that the compiler told, used where the options name none
 * @throws ConfigurationError when the declaration contradicts itself
 */
export function readParameters(
  method: string,
  options: MethodOptions,
  inferred: readonly (ArgumentType | undefined)[],
): Parameter[] {
  const entries = declaredParameters(method, options.params ?? []);
  const incoming = options.attachments?.incoming ?? null;
  const seen = new Set<string>();
  let optionalSeen = false;
  const parameters = entries.map(([declaredName, check], index): Parameter => {
    const optional = declaredName.endsWith("?");
    const name = optional ? declaredName.slice(0, -1) : declaredName;
    if (name === "") throw new ConfigurationError(`Parameter ${index + 1} of the method ${method} has no name`);
    if (seen.has(name)) throw new ConfigurationError(`The method ${method} declares the parameter ${name} twice`);
    if (optionalSeen && !optional) {
      throw new ConfigurationError(
        `The method ${method} declares the required parameter ${name} after an optional one`,
      );
    }
    seen.add(name);
    optionalSeen ||= optional;
    const schema = isStandardSchema(check) ? check : undefined;
    const isTold = !schema && check !== undefined && check !== null;
    const told = isTold ? requireArgumentType(check, `args.${name} of the method ${method}`) : inferred[index];
    const type = schema ? undefined : told;
    return { name, optional, schema, type: name === incoming && !optional ? "bytes" : type };
  });
  if (incoming !== null && !seen.has(incoming)) {
    throw new ConfigurationError(`The method ${method} takes its attachment as ${incoming}, which it does not declare`);
  }
  return parameters;
}

/** Names and checks as declared, of which plain JavaScript may have made anything. */
function declaredParameters(method: string, declared: unknown): (readonly [name: string, check: unknown])[] {
  if (!Array.isArray(declared)) {
    if (typeof declared === "object" && declared !== null) return Object.entries(declared);
    throw new ConfigurationError(`The method ${method} wants its params as a list of names, or as an object by name`);
  }
  return declared.map((name: unknown) => {
    if (typeof name === "string") return [name, undefined] as const;
    throw new ConfigurationError(`The method ${method} declares a parameter whose name is no text but ${typeof name}`);
  });
}

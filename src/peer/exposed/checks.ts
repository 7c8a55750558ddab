import { BadRequestError } from "../../errors.js";
import { checkType } from "../arguments.js";
import type { ServerCall } from "../call-context.js";
import type { ArgumentType } from "../contract.js";
import { requireArgumentType } from "./argument-type.js";
import type { MethodPrehook } from "./method-options.js";

/** What {@link checkArgument} checks. */
export interface ArgumentCheck {
  /** Allowed JSON types. */
  readonly types?: ArgumentType | readonly ArgumentType[];
  /** Refuses by returning `false` or throwing. */
  readonly validate?: (name: string, value: unknown) => boolean;
  /** What the caller is told; default: a generated text. */
  readonly message?: string;
}

/**
 * A prehook that checks one argument. An absent argument is not checked. Several may stand in one list. PyCOM:
 * `pycom.ext.checks.check_argument` (docs/pycom-wire.md, section 10.4).
 *
 * @throws ConfigurationError when a type does not exist
 */
export function checkArgument(name: string, check: ArgumentCheck): MethodPrehook {
  const types = typeof check.types === "string" ? [check.types] : check.types;
  for (const type of types ?? []) requireArgumentType(type, `args.${name} of checkArgument()`);
  return (interfaceName, method, call) => {
    const value = argument(call, name);
    if (value === undefined) return call;
    const where = { interface: interfaceName, method };
    if (types && !types.some((type) => fits(name, value, type))) {
      throw new BadRequestError(
        check.message ??
          `The argument args.${name} of ${interfaceName}.${method} must be of type ${types.join(" or ")}`,
        where,
      );
    }
    if (check.validate && !passes(check.validate, name, value)) {
      throw new BadRequestError(
        check.message ?? `The argument args.${name} of ${interfaceName}.${method} has a value that is not allowed`,
        where,
      );
    }
    return call;
  };
}

function argument(call: ServerCall, name: string): unknown {
  const { args } = call;
  return typeof args === "object" && args !== null && Object.hasOwn(args, name)
    ? (args as Record<string, unknown>)[name]
    : undefined;
}

function fits(name: string, value: unknown, type: ArgumentType): boolean {
  try {
    checkType(name, value, type);
    return true;
  } catch {
    return false;
  }
}

function passes(validate: NonNullable<ArgumentCheck["validate"]>, name: string, value: unknown): boolean {
  try {
    return validate(name, value);
  } catch {
    return false;
  }
}

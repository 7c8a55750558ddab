import { BadRequestError } from "../errors.js";
import { callName } from "../wire/message.js";
import { NamedArguments } from "../wire/named-arguments.js";
import { isPlainObject } from "./arguments.js";
import type { PendingCall } from "./pending-calls.js";
import { AUTH_EXTENSION } from "./record.js";

/** What a call was given: values in order, values by name, or both. */
export interface GivenArguments {
  /** In order. */
  readonly positional: readonly unknown[];
  /** By name; members that are `undefined` are left out. */
  readonly named: Readonly<Record<string, unknown>>;
}

/**
 * The arguments of a call as it was made, for channels that take keywords. One plain object gives them by name, and so does
 * `named(…)` as the last of several; everything else is in order.
 */
export function givenArguments({ args, isPositional }: Pick<PendingCall, "args" | "isPositional">): GivenArguments {
  if (args === null || args === undefined) return { positional: [], named: {} };
  const values = isPositional && Array.isArray(args) ? (args as readonly unknown[]) : undefined;
  // What `invoke` was given is one value in the wire's shape; a proxy always gives a list.
  const only = values?.length === 1 ? values[0] : values ? undefined : args;
  if (isPlainObject(only)) return { positional: [], named: withoutUndefined(only) };
  const last = values?.at(-1);
  if (NamedArguments.is(last)) return { positional: values?.slice(0, -1) ?? [], named: withoutUndefined(last.values) };
  return { positional: values ?? (Array.isArray(args) ? (args as readonly unknown[]) : [args]), named: {} };
}

/**
 * Refuses what a protocol has no place for that knows nothing but arguments: a session, an attachment, extensions. The token of
 * a client stays at home; nobody there could read it.
 *
 * @param protocol - its name
 * @throws BadRequestError, `not-sent`
 */
export function requirePlainCall(
  call: Pick<PendingCall, "interface" | "method" | "sessionId" | "attachment" | "extensions">,
  protocol: string,
): void {
  const { interface: name, method } = call;
  const refuse = (what: string, advice: string): never => {
    throw new BadRequestError(
      `The call of ${callName(call)} has ${what}, and the protocol ${protocol} has none${advice}`,
      { interface: name, method },
    );
  };
  if (call.attachment) refuse("an attachment", ": give the bytes as an argument");
  if (call.sessionId !== undefined) refuse("a session", "");
  for (const extension of Object.keys(call.extensions ?? {})) {
    if (extension !== AUTH_EXTENSION) refuse(`the extension ${extension}`, ": give it as an argument");
  }
}

function withoutUndefined(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

import { ConfigurationError } from "../errors.js";
import type { Caller } from "./caller.js";
import { matchesAny, type NamePattern, namePatterns } from "./name-pattern.js";

/** The members of a rule that say whom it is for. */
export interface UserRule {
  /** Names of users; `*` at the end stands for any ending, and alone for whoever has proven who they are. Default everybody. */
  readonly users?: readonly string[] | undefined;
  /** Roles, of which a user has one at least; tokens grant them. Default no matter. */
  readonly roles?: readonly string[] | undefined;
}

/** The same, read. */
export interface Users {
  readonly names: readonly NamePattern[] | undefined;
  readonly roles: readonly string[] | undefined;
}

/**
 * Whom a rule is for; `undefined` for everybody.
 *
 * @throws ConfigurationError when it is no list, or an empty one
 */
export function usersOf({ users, roles }: UserRule, where: string): Users | undefined {
  if (users === undefined && roles === undefined) return undefined;
  for (const [what, list] of Object.entries({ users, roles } as Record<string, unknown>)) {
    if (list === undefined) continue;
    const isList = Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === "string");
    if (!isList) throw new ConfigurationError(`${where} wants ${what} as a list of one name at least`);
  }
  return { names: namePatterns(users), roles };
}

/** Is the caller one of them? Whoever has not proven who they are is among everybody only. */
export function isUserAmong(users: Users | undefined, caller: Caller | undefined): boolean {
  if (users === undefined) return true;
  if (caller === undefined || !matchesAny(users.names, caller.name)) return false;
  return users.roles?.some((role) => caller.roles.includes(role)) ?? true;
}

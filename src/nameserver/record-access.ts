import { ConfigurationError } from "../errors.js";
import type { ServiceRecord } from "../peer/record.js";
import type { Caller } from "../security/caller.js";
import { matchesAny, type NamePattern, namePatterns } from "../security/name-pattern.js";
import { requireMembers } from "../security/rule-members.js";
import { isUserAmong, type UserRule, type Users, usersOf } from "../security/users.js";
import type { Logger } from "../util/log.js";
import { thrownText } from "../util/thrown-text.js";
import type { RegistryChange } from "./registry.js";

/**
 * Records that users may register, or see: those whose service and all of whose interfaces it names. Names may end in `*`, which
 * stands for any ending.
 */
export interface RecordRule extends UserRule {
  /** Names of services; default all. */
  readonly service?: string | readonly string[] | undefined;
  /** Names of interfaces; default all. */
  readonly interface?: string | readonly string[] | undefined;
}

/** Decides about one record; only `true` allows. What it throws goes to the nameserver's log, and refuses. */
export type RecordPredicate = (caller: Caller | undefined, record: ServiceRecord) => boolean | Promise<boolean>;

/** Which records users may register, or see: those of which a rule says so, or a function. */
export type RecordPolicy = readonly RecordRule[] | RecordPredicate;

/** Decides as a {@link RecordPolicy} says. */
export class RecordAccess {
  readonly #permits: RecordPredicate;
  readonly #log: Logger;
  /** Do rules name users or roles? Where nobody can prove who they are, such rules would mean nothing. */
  readonly namesUsers: boolean;

  /**
   * @param what - names the option in errors
   * @throws ConfigurationError when a rule makes no sense
   */
  constructor(policy: RecordPolicy, what: string, log: Logger) {
    this.#log = log;
    if (typeof policy === "function") {
      this.#permits = policy;
      this.namesUsers = false;
      return;
    }
    if (!Array.isArray(policy)) throw new ConfigurationError(`The option ${what} is a list of rules, or a function`);
    const rules = (policy as readonly RecordRule[]).map((rule, index) =>
      readRule(rule, `Rule ${index + 1} of ${what}`),
    );
    this.#permits = (caller, record) => rules.some((rule) => covers(rule, caller, record));
    this.namesUsers = rules.some(({ users }) => users !== undefined);
  }

  /** May the caller register, or see, this record? */
  async permits(caller: Caller | undefined, record: ServiceRecord): Promise<boolean> {
    try {
      return ((await this.#permits(caller, record)) as unknown) === true;
    } catch (error) {
      this.#log.error(`A policy failed, and so ${record.service} is refused: ${thrownText(error)}`);
      return false;
    }
  }

  /** Those of the records that the caller may see. */
  async filter(caller: Caller | undefined, records: readonly ServiceRecord[]): Promise<ServiceRecord[]> {
    const seen: ServiceRecord[] = [];
    for (const record of records) if (await this.permits(caller, record)) seen.push(record);
    return seen;
  }

  /** What of the changes the caller may see: a record that changes so that it may not be seen any more is removed for it. */
  async changes(caller: Caller | undefined, changes: readonly RegistryChange[]): Promise<RegistryChange[]> {
    const seen: RegistryChange[] = [];
    for (const change of changes) {
      const { type, record, before } = change;
      const sees = await this.permits(caller, record);
      const saw = type === "changed" && before ? await this.permits(caller, before) : sees;
      if (sees && saw) seen.push(change);
      else if (sees) seen.push({ type: "added", record });
      else if (saw && before) seen.push({ type: "removed", record: before });
    }
    return seen;
  }
}

interface Rule {
  readonly services: readonly NamePattern[] | undefined;
  readonly interfaces: readonly NamePattern[] | undefined;
  readonly users: Users | undefined;
}

function readRule(rule: RecordRule, where: string): Rule {
  requireMembers(rule, ["service", "interface", "users", "roles"], where);
  return {
    services: namePatterns(rule.service),
    interfaces: namePatterns(rule.interface),
    users: usersOf(rule, where),
  };
}

function covers({ services, interfaces, users }: Rule, caller: Caller | undefined, record: ServiceRecord): boolean {
  return (
    isUserAmong(users, caller) &&
    matchesAny(services, record.service) &&
    record.interfaces.every((name) => matchesAny(interfaces, name))
  );
}

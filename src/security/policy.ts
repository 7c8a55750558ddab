import { ConfigurationError } from "../errors.js";
import type { Caller } from "./caller.js";
import { matchesAny, type NamePattern, namePatterns } from "./name-pattern.js";
import { requireMembers } from "./rule-members.js";
import { isUserAmong, type UserRule, type Users, usersOf } from "./users.js";

/**
 * A call that a policy decides about. Its arguments are not looked at before that, and its names are as the caller wrote
 * them: whether there are such an interface and method at all is not told to those who may not call it.
 */
export interface PolicyQuestion {
  /** Dotted name of the interface; `""` where the caller named none, and not exactly one has the method. */
  readonly interface: string;
  /** Remote name of the method. */
  readonly method: string;
  /** Who calls; `undefined` for those who have not proven who they are. */
  readonly caller: Caller | undefined;
}

/** Decides about one call; only `true` allows it. What it throws goes to the host's log, and denies. */
export type PolicyPredicate = (question: PolicyQuestion) => boolean | Promise<boolean>;

/**
 * One rule of a policy. It decides about the calls that match every member it has; names may end in `*`, which stands for
 * any ending.
 */
export interface PolicyRule extends UserRule {
  /** Interfaces; default all. */
  readonly interface?: string | readonly string[] | undefined;
  /** Methods; default all. */
  readonly method?: string | readonly string[] | undefined;
  /** What becomes of the call. */
  readonly then: "allow" | "deny" | PolicyPredicate;
}

/** Rules, and what becomes of calls that none of them matches. */
export interface PolicyRules {
  /** The first that matches decides. */
  readonly rules: readonly PolicyRule[];
  /** Default `deny`. */
  readonly otherwise?: "allow" | "deny" | undefined;
}

/** Who may call what: for all, rules of which the first that matches decides, or a function. */
export type Policy = "allow" | "deny" | PolicyPredicate | readonly PolicyRule[] | PolicyRules;

/** A question whose caller is established only when a rule wants to know. */
export interface PolicyInquiry extends Omit<PolicyQuestion, "caller"> {
  /** Establishes who calls; asked once at most. */
  readonly caller: () => Caller | undefined | Promise<Caller | undefined>;
  /** Told what a function has thrown. */
  readonly failed: (error: unknown) => void;
}

/** Decides as a {@link Policy} says. */
export class AccessPolicy {
  readonly #rules: readonly Rule[];
  readonly #otherwise: boolean;

  /** @throws ConfigurationError when a rule makes no sense, so that it would let in others than was meant */
  constructor(policy: Policy) {
    const { rules, otherwise = "deny" } = readPolicy(policy);
    if (!isList(rules)) throw new ConfigurationError("The rules of a policy are a list");
    this.#rules = rules.map((rule, index) => readRule(rule, `Rule ${index + 1} of the policy`));
    this.#otherwise = readVerdict(otherwise, "The member otherwise of the policy");
  }

  /** Do rules name users or roles? Where nobody can prove who they are, such rules would mean nothing. */
  get namesUsers(): boolean {
    return this.#rules.some(({ users }) => users !== undefined);
  }

  /** May the call be made? Answers at once where nothing has to be waited for. */
  permits(inquiry: PolicyInquiry): boolean | Promise<boolean> {
    return this.#decide(inquiry, 0, inquiry.caller);
  }

  #decide(inquiry: PolicyInquiry, from: number, who: PolicyInquiry["caller"]): boolean | Promise<boolean> {
    let ask = who;
    for (let index = from; index < this.#rules.length; index++) {
      const rule = this.#rules[index];
      if (!rule || !matchesAny(rule.interfaces, inquiry.interface) || !matchesAny(rule.methods, inquiry.method))
        continue;
      const { users, then } = rule;
      if (users === undefined && typeof then === "boolean") return then;
      const caller = ask();
      if (caller instanceof Promise) {
        return caller.then((established) => this.#decide(inquiry, index, () => established));
      }
      ask = () => caller;
      if (!isUserAmong(users, caller)) continue;
      return typeof then === "boolean" ? then : askPredicate(then, inquiry, caller);
    }
    return this.#otherwise;
  }
}

interface Rule {
  readonly interfaces: readonly NamePattern[] | undefined;
  readonly methods: readonly NamePattern[] | undefined;
  readonly users: Users | undefined;
  readonly then: boolean | PolicyPredicate;
}

function askPredicate(
  predicate: PolicyPredicate,
  { interface: name, method, failed }: PolicyInquiry,
  caller: Caller | undefined,
): boolean | Promise<boolean> {
  const deny = (error: unknown): false => {
    failed(error);
    return false;
  };
  try {
    const verdict = predicate({ interface: name, method, caller });
    if (typeof verdict === "boolean") return verdict;
    return Promise.resolve(verdict).then((settled) => (settled as unknown) === true, deny);
  } catch (error) {
    return deny(error);
  }
}

function readPolicy(policy: Policy): PolicyRules {
  if (typeof policy === "string") return { rules: [], otherwise: policy };
  if (typeof policy === "function") return { rules: [{ then: policy }] };
  if (isList(policy)) return { rules: policy };
  requireMembers(policy, ["rules", "otherwise"], "The policy");
  return policy;
}

/** `Array.isArray` does not tell a read-only list from the rest of a union. */
function isList(policy: object): policy is readonly PolicyRule[] {
  return Array.isArray(policy);
}

function readRule(rule: PolicyRule, where: string): Rule {
  requireMembers(rule, ["interface", "method", "users", "roles", "then"], where);
  const { then } = rule;
  return {
    interfaces: namePatterns(rule.interface),
    methods: namePatterns(rule.method),
    users: usersOf(rule, where),
    then: typeof then === "function" ? then : readVerdict(then, `The member then of ${where.toLowerCase()}`),
  };
}

function readVerdict(verdict: unknown, where: string): boolean {
  if (verdict === "allow" || verdict === "deny") return verdict === "allow";
  throw new ConfigurationError(`${where} is "allow" or "deny", got ${JSON.stringify(verdict)}`);
}

import { shared } from "../../util/shared.js";
import { DEFAULT_DOMAIN } from "./registry.js";

/** What a security plugin says of a user, for predicates to decide by. */
export type PredicateArguments = Readonly<Record<string, unknown>>;

/** Decides whether a job of its domain may be called. */
export type Predicate = (args: PredicateArguments) => boolean | Promise<boolean>;

/** Predicates by the domain that they stand for. */
const predicates = shared(
  "pseud.predicates",
  () =>
    new Map<string, Predicate>([
      [DEFAULT_DOMAIN, () => true],
      ["restricted", mayDoSomethingNasty],
    ]),
);

/** The example that pseud comes with: asks the user for the permission of that name. */
function mayDoSomethingNasty({ user }: PredicateArguments): boolean | Promise<boolean> {
  const { hasPermission } = (user ?? {}) as { hasPermission?: (permission: string) => boolean | Promise<boolean> };
  return hasPermission?.call(user, "DoSomethingNasty") ?? false;
}

/**
 * Says who may call the jobs of a domain, in all endpoints of the process. What stood for the domain before is replaced.
 *
 * ```ts
 * registerPredicate("staff", ({ user }) => (user as User).isStaff);
 * server.register(close, { name: "shop.close", domain: "staff" });
 * ```
 */
export function registerPredicate(domain: string, predicate: Predicate): void {
  predicates.set(domain, predicate);
}

/** The predicate of a domain; `undefined` when there is none. */
export function predicateOf(domain: string): Predicate | undefined {
  return predicates.get(domain);
}

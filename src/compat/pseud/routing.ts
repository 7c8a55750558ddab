import { ConfigurationError } from "../../errors.js";

/** A connection of a user, as routing sees it. */
export interface Route {
  /** Stays the same for the connection. */
  readonly id: string;
  /** IP address, `""` on a unix socket; `undefined` where the link does not know. */
  readonly remoteAddress: string | undefined;
}

/**
 * Chooses among the connections of the one that is called.
 *
 * @param routes - at least one, in the order in which they were made
 * @param user - who is called
 */
export type Routing = (routes: readonly Route[], user: string) => Route | undefined;

/** The way of an option: the newest connection, or each in its turn. */
export function findRouting(option: "last" | "turns" | Routing | undefined): Routing {
  if (typeof option === "function") return option;
  switch (option) {
    case undefined:
    case "last":
      return (routes) => routes.at(-1);
    case "turns":
      return inTurns();
    default:
      throw new ConfigurationError(`There is no routing ${JSON.stringify(option)}; there are last and turns`);
  }
}

function inTurns(): Routing {
  const turns = new WeakMap<Route, number>();
  let count = 0;
  return (routes) => {
    // Whoever has waited longest for a call.
    const next = routes.reduce<Route | undefined>(
      (best, route) => (best && (turns.get(best) ?? 0) <= (turns.get(route) ?? 0) ? best : route),
      undefined,
    );
    if (next) turns.set(next, ++count);
    return next;
  };
}

import type { Logger } from "../../util/log.js";
import { thrownText } from "../../util/thrown-text.js";
import type { EventUri } from "./event-uri.js";
import type { NodeMessage } from "./message.js";
import type { RouteEntry, RouteTarget } from "./routing-table.js";

/** What dispatchers do, and observers may watch or add to. */
export type RouteAction = "add" | "remove" | "get" | "fail";

/** What observers are told. */
export interface RouteRecord {
  /** The event's address as it was given; empty when all entries of a node are removed. */
  readonly uri: string;
  /** The same in its parts. */
  readonly parsedUri: EventUri;
  /** With `add` and `remove`: the node. */
  readonly instance?: RouteTarget | undefined;
  /** With `get` and `fail`: the message. Reading it unpacks it. */
  readonly message?: NodeMessage | undefined;
}

/**
 * Is told of an action, with what it was added with behind the record. Of `get` it may give entries, to whom the event is delivered as
 * well; it may give them later. What it throws is logged.
 */
export type RouteObserver = (record: RouteRecord, ...args: readonly never[]) => unknown;

/** One observer of one action, as `removeObserver` takes it. */
export interface AddedObserver {
  /** What it watches. */
  readonly action: RouteAction;
  /** The function. */
  readonly observe: RouteObserver;
  /** What it is given behind the record. */
  readonly args: readonly unknown[];
}

/** The observers of a dispatcher, in order. */
export class Observers {
  readonly #of = new Map<RouteAction, AddedObserver[]>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Does anybody watch this? */
  has(action: RouteAction): boolean {
    return (this.#of.get(action)?.length ?? 0) > 0;
  }

  /** Adds one behind the others. */
  add(action: RouteAction, observe: RouteObserver, args: readonly unknown[]): AddedObserver {
    const added = { action, observe, args };
    this.#of.set(action, [...(this.#of.get(action) ?? []), added]);
    return added;
  }

  /** Removes one; `false` when it is not there. */
  remove(added: AddedObserver): boolean {
    const all = this.#of.get(added.action) ?? [];
    this.#of.set(
      added.action,
      all.filter((one) => one !== added),
    );
    return all.includes(added);
  }

  /** Tells all of them, and gives what each has to say, as far as it did not fail. */
  tell(action: RouteAction, record: RouteRecord): unknown[] {
    return (this.#of.get(action) ?? []).map(({ observe, args }) => {
      try {
        const said = (observe as (record: RouteRecord, ...args: readonly unknown[]) => unknown)(record, ...args);
        return said instanceof Promise
          ? said.catch((error: unknown) => {
              this.#failed(action, error);
            })
          : said;
      } catch (error) {
        this.#failed(action, error);
        return undefined;
      }
    });
  }

  #failed(action: RouteAction, error: unknown): void {
    this.#log.error(`An observer of ${action} failed: ${thrownText(error)}`);
  }
}

/** What an observer of `get` has said, as entries. */
export function entriesOf(said: unknown): RouteEntry[] {
  if (!Array.isArray(said)) return [];
  return said.filter(
    (entry: unknown): entry is RouteEntry => typeof entry === "object" && entry !== null && "target" in entry,
  );
}

import type { Logger } from "../../util/log.js";
import { thrownText } from "../../util/thrown-text.js";
import { AttachedMember } from "./attached-node.js";
import { unpackMessage } from "./body.js";
import { type EventUri, LOCAL_HOST } from "./event-uri.js";
import type { Delivery } from "./interfaces.js";
import { entriesOf, type Observers, type RouteRecord } from "./observers.js";
import { isLocal, type RouteEntry, type RoutingTable } from "./routing-table.js";

/** What {@link Router} needs of its dispatcher. */
export interface RouterOptions {
  /** Who is subscribed to what. */
  readonly table: RoutingTable;
  /** Who watches. */
  readonly observers: Observers;
  /** The dispatcher's own label. */
  readonly label: string | undefined;
  /** Does the log hear of each event? */
  readonly isVerbose: boolean;
  /** Told of what fails. */
  readonly log: Logger;
  /** Hands an event to the dispatcher that it is addressed to; `false` when there is none. */
  relay(parsed: EventUri, delivery: Delivery): boolean;
}

/** Takes events to those who are subscribed to them, in the order in which they came. */
export class Router {
  readonly #options: RouterOptions;
  #deliveries = 0;
  /** Settles when those events are routed whose observers answer late: later ones wait for them. */
  #late: Promise<void> | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Deliveries that were tried. */
  get deliveries(): number {
    return this.#deliveries;
  }

  /** Takes an event to where it is to go. Observers may answer later; the events behind keep their place. */
  take(parsed: EventUri, delivery: Delivery): void {
    if (!this.#late) {
      const later = this.#route(parsed, delivery);
      if (later) this.#wait(later);
      return;
    }
    this.#wait(this.#late.then(() => this.#route(parsed, delivery)));
  }

  #wait(later: Promise<void>): void {
    const settled = later
      .catch((error: unknown) => {
        this.#options.log.error(`An event was not delivered: ${thrownText(error)}`);
      })
      .finally(() => {
        if (this.#late === settled) this.#late = undefined;
      });
    this.#late = settled;
  }

  /** @returns a promise where an observer answers later */
  #route(parsed: EventUri, delivery: Delivery): Promise<void> | undefined {
    const found = this.#find(parsed, delivery);
    if (this.#options.isVerbose)
      this.#options.log.debug(`${delivery.uri} from ${delivery.publisher}: ${found.length} subscribers`);
    this.#deliver(found, delivery);
    if (!this.#options.observers.has("get")) {
      if (found.length === 0 && !isLocal(parsed)) this.#fail(parsed, delivery);
      return undefined;
    }
    const said = this.#options.observers.tell("get", recordOf(parsed, delivery));
    const finish = (lists: readonly unknown[]): void => {
      let count = found.length;
      for (const list of lists.map(entriesOf)) {
        count += list.length;
        this.#deliver(list, delivery);
      }
      if (count === 0 && !isLocal(parsed)) this.#fail(parsed, delivery);
    };
    if (said.some((one) => one instanceof Promise)) return Promise.all(said).then(finish);
    finish(said);
    return undefined;
  }

  /** Where one is enough, one that has room. */
  #find(parsed: EventUri, delivery: Delivery): RouteEntry[] {
    if (delivery.isForAll) return this.#options.table.lookup(parsed);
    const [first] = this.#options.table.lookup(parsed, 1);
    if (!first || hasRoom(first, delivery)) return first ? [first] : [];
    const [other = first] = this.#options.table.peek(parsed).filter((entry) => hasRoom(entry, delivery));
    return [other];
  }

  #deliver(entries: readonly RouteEntry[], delivery: Delivery): void {
    for (const { target } of delivery.isForAll ? entries : entries.slice(0, 1)) {
      if (!(target instanceof AttachedMember) || target.node.isGone) continue;
      this.#deliveries++;
      if (target.node.hasRoom(delivery)) target.node.deliver(target, delivery);
      else target.node.leaveOut(target, delivery);
    }
  }

  /** Nobody here is subscribed to an event of another host. */
  #fail(parsed: EventUri, delivery: Delivery): void {
    if (parsed.host === this.#options.label) {
      this.take({ ...parsed, host: LOCAL_HOST }, delivery);
      return;
    }
    const isRelayed = this.#options.relay(parsed, delivery);
    if (!isRelayed && this.#options.isVerbose) this.#options.log.debug(`Nobody is there for ${delivery.uri}`);
    this.#options.observers.tell("fail", recordOf(parsed, delivery));
  }
}

/** What observers are told of an event; most never look into it. */
function recordOf(parsedUri: EventUri, { uri, body }: Delivery): RouteRecord {
  return {
    uri,
    parsedUri,
    get message() {
      return unpackMessage(body);
    },
  };
}

function hasRoom({ target }: RouteEntry, delivery: Delivery): boolean {
  return target instanceof AttachedMember && target.node.hasRoom(delivery);
}

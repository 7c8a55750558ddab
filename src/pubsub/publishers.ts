import type { Client } from "../client/client.js";
import { RpcError } from "../errors.js";
import { instanceKey, type ServiceRecord } from "../peer/record.js";
import { sleep } from "../util/sleep.js";
import type { Gap } from "./gap.js";
import type { Segment } from "./item-buffer.js";
import { type Position, PublisherLink, type PublisherLinkHandlers, type Wanted } from "./publisher-link.js";

/** Where publishers are looked for. */
export interface PublishersPlace {
  /** Only those of this service. */
  readonly service?: string | undefined;
  /** Only those that carry all these tags. */
  readonly tags?: readonly string[] | undefined;
  /** The only one, by its address; no nameserver is asked. */
  readonly address?: string | undefined;
  /** The public key that it has to have there, in Z85. */
  readonly serverKey?: string | undefined;
}

/** What {@link Publishers} tell their subscriber. Handlers must not throw. */
export interface PublishersHandlers {
  /** All that were known at the beginning have acknowledged, or could not be reached, and one has. Called once at most. */
  ready(): void;
  /** Items came. */
  items(segment: Segment): void;
  /** Nothing comes for now, and why: told again whenever the reason changes, until {@link PublishersHandlers.ready}. */
  hindered(reason: RpcError): void;
  /** Something is missing. */
  gap(gap: Gap): void;
  /** A publisher has acknowledged the subscription, for the first time or again. */
  joined(service: string): void;
  /** A publisher, or the connection to it, is gone. */
  lost(service: string, reason: RpcError): void;
  /** Nothing will come any more, and no other try will change that. */
  failed(reason: RpcError): void;
}

/**
 * All publishers of one interface, as a subscriber follows them: found through the nameserver, again whenever that may have changed, each with a
 * {@link PublisherLink}.
 */
export class Publishers {
  readonly #wanted: Wanted;
  readonly #place: PublishersPlace;
  readonly #client: Client;
  readonly #handlers: PublishersHandlers;
  readonly #links = new Map<string, PublisherLink>();
  /** Numbers of the last items of publishers that are gone. */
  readonly #lastOfGone = new Map<string, number>();
  /** Those that do not let this client in, or cannot be reached in any way. */
  readonly #refused = new Set<string>();
  /** Where one has stopped before; `undefined`: nowhere, for one begins. */
  readonly #positions: Position[] | undefined;
  readonly #ended = new AbortController();
  /** Fires when what the nameserver said last may be wrong by now. */
  #doubt = new AbortController();
  /** Those that were found first, and of which nobody knows yet whether they are there. */
  #unsettled = 0;
  #hasLooked = false;
  #isReady = false;

  /** @param positions - where one has stopped before */
  constructor(
    client: Client,
    wanted: Wanted,
    place: PublishersPlace,
    positions: readonly Position[] | undefined,
    handlers: PublishersHandlers,
  ) {
    this.#client = client;
    this.#wanted = wanted;
    this.#place = place;
    this.#positions = positions && [...positions];
    this.#handlers = handlers;
  }

  /** Service paths of those whose values come, now. */
  get live(): readonly string[] {
    return [...this.#links.values()].filter(({ isLive }) => isLive).map(({ service }) => service);
  }

  /** Begins, and goes on until {@link Publishers.close}. Never rejects. */
  async begin(): Promise<void> {
    const { address, serverKey } = this.#place;
    if (address === undefined) {
      await this.#look();
      return;
    }
    try {
      const component = this.#client.connectComponent(address, this.#wanted.interface, { wire: "lamp", serverKey });
      this.#hasLooked = true;
      this.#follow(address, { service: address, incarnation: undefined }, component);
    } catch (error) {
      this.#handlers.failed(RpcError.from(error));
    }
  }

  /** Ends all of it. Idempotent. */
  close(): void {
    this.#ended.abort();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #isClosed(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Asks the nameserver who publishes, and whenever that changes. */
  async #look(): Promise<void> {
    const { signal } = this.#ended;
    const { interface: name } = this.#wanted;
    const { service, tags } = this.#place;
    const { subscribing } = this.#client;
    while (!this.#isClosed()) {
      this.#doubt = new AbortController();
      const isSure = [...this.#links.values()].every(({ isLive }) => isLive);
      try {
        const records = await subscribing.find(
          { interface: name, service, tags },
          {
            waitMs: !this.#hasLooked ? 0 : isSure ? WAIT_MS : DOUBT_MS,
            exclude: [...this.#links.keys(), ...this.#refused],
            signal: AbortSignal.any([signal, this.#doubt.signal]),
          },
        );
        // Nameservers of PyCOM answer at once.
        if (!this.#reconcile(records)) await sleep(ASK_AGAIN_MS, signal);
      } catch (error) {
        if (this.#isClosed()) return;
        if (this.#doubt.signal.aborted) continue;
        const reason = RpcError.from(error);
        if (reason.code === "CLOSED" || reason.code === "ACCESS_DENIED") {
          this.#handlers.failed(reason);
          return;
        }
        if (!this.#isReady) this.#handlers.hindered(reason);
        subscribing.log.debug(`It is not known who publishes ${name}: ${reason.message}`);
        await sleep(ASK_AGAIN_MS * (0.5 + subscribing.random()), signal);
      }
    }
  }

  /** @returns whether there was something new */
  #reconcile(records: readonly ServiceRecord[]): boolean {
    const listed = new Map(records.map((record) => [instanceKey(record), record]));
    for (const [key, link] of this.#links) link.isListed = listed.has(key);
    for (const key of this.#refused) if (!listed.has(key)) this.#refused.delete(key);
    let hasNew = false;
    for (const [key, record] of listed) {
      if (this.#links.has(key) || this.#refused.has(key) || this.#isClosed()) continue;
      hasNew = true;
      const { interface: name } = this.#wanted;
      const component = this.#client.runComponent(record, name);
      if (component) this.#follow(key, record, component);
      else {
        this.#refused.add(key);
        this.#client.subscribing.log.warn(
          `${record.service} publishes ${name}, and at no address that this client can use; "lamplighter list" shows them`,
        );
      }
    }
    this.#hasLooked = true;
    this.#checkReady();
    return hasNew;
  }

  #follow(
    key: string,
    record: Pick<ServiceRecord, "service" | "incarnation">,
    component: ConstructorParameters<typeof PublisherLink>[1],
  ): void {
    const since = this.#known(key, record) ?? this.#resumed(record.service);
    const { subscribing } = this.#client;
    const handlers = this.#handlersOf(key, record.service);
    this.#links.set(key, new PublisherLink(record, component, this.#wanted, subscribing, handlers, since));
    this.#unsettled++;
  }

  /** How far one has come with a run of a publisher that was followed before, and is there again. */
  #known(key: string, { service, incarnation }: Pick<ServiceRecord, "service" | "incarnation">): Position | undefined {
    const sequence = this.#lastOfGone.get(key);
    return sequence === undefined || incarnation === undefined ? undefined : { service, incarnation, sequence };
  }

  /** How far one has come with a publisher; each position counts once, for the run after is another one. */
  #resumed(service: string): Position | undefined {
    const index = this.#positions?.findIndex((position) => position.service === service) ?? -1;
    return index < 0 ? undefined : this.#positions?.splice(index, 1)[0];
  }

  #handlersOf(key: string, service: string): PublisherLinkHandlers {
    const handlers = this.#handlers;
    return {
      items: (segment) => {
        handlers.items(segment);
      },
      gap: (gap) => {
        handlers.gap(gap);
      },
      settled: (reason) => {
        if (reason) handlers.hindered(reason);
        this.#unsettled--;
        this.#checkReady();
      },
      joined: () => {
        handlers.joined(service);
      },
      lost: (reason) => {
        handlers.lost(service, reason);
        // Perhaps the nameserver knows already where it is now, or that it is nowhere.
        this.#doubt.abort();
      },
      failed: (reason) => {
        if (reason.code === "CLOSED") {
          handlers.failed(reason);
          return;
        }
        const { interface: name } = this.#wanted;
        this.#client.subscribing.log.warn(`${name} cannot be subscribed to at ${service}: ${reason.message}`);
        this.#refused.add(key);
        const others = [...this.#links].some(([other, { isLive }]) => other !== key && isLive);
        // Whom one publisher has thrown out would miss its values without knowing.
        if (!others || reason.code === "OVERLOADED") handlers.failed(reason);
      },
      ended: () => {
        this.#remember(key, this.#links.get(key)?.last);
        this.#links.delete(key);
      },
      isReady: () => this.#isReady || this.#positions !== undefined,
    };
  }

  /** A publisher that the nameserver knows no more may be known again: it is to send nothing twice then. */
  #remember(key: string, last: number | undefined): void {
    if (last === undefined) return;
    this.#lastOfGone.delete(key);
    this.#lastOfGone.set(key, last);
    if (this.#lastOfGone.size <= MAX_GONE) return;
    const [oldest = key] = this.#lastOfGone.keys();
    this.#lastOfGone.delete(oldest);
  }

  #checkReady(): void {
    if (this.#isReady || !this.#hasLooked || this.#unsettled > 0 || this.live.length === 0) return;
    this.#isReady = true;
    this.#handlers.ready();
  }
}

/** How long the nameserver holds its answer until there is a publisher that is not known yet, in milliseconds. */
const WAIT_MS = 10_000;
/** The same, while publishers are lost. */
const DOUBT_MS = 1_000;
/** Pause after a nameserver that could not be reached, in milliseconds. */
const ASK_AGAIN_MS = 300;
/** Publishers that are gone, and whose last number is remembered. */
const MAX_GONE = 1_000;

import { randomUUID } from "node:crypto";
import { ConfigurationError, RpcError } from "../../errors.js";
import type { Credentials } from "../../security/credentials.js";
import { credentialsOf } from "../../security/credentials.js";
import { type Transport } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import { DispatcherConnection } from "./dispatcher-connection.js";
import type { DispatcherPlace } from "./dispatcher-place.js";
import { type EventUri, LOCAL_HOST } from "./event-uri.js";
import { type Delivery, deliveryArguments } from "./interfaces.js";

/** What {@link DispatcherLinks} needs of its dispatcher. */
export interface DispatcherLinksOptions {
  /** Dispatchers of other hosts, by their labels. */
  readonly links: Readonly<Record<string, string | DispatcherPlace>>;
  /** The dispatcher's own label, for people. */
  readonly label: string;
  /** Moves the frames. */
  readonly transport: Transport;
  /** How the dispatcher proves itself. */
  readonly credentials: Credentials;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Told of what happens. */
  readonly log: Logger;
}

/** Connections to the dispatchers of other hosts, who are handed what is addressed to them. */
export class DispatcherLinks {
  readonly #log: Logger;
  readonly #links = new Map<string, DispatcherConnection>();

  /** @throws ConfigurationError for a wrong address, or a label that stands for every dispatcher itself */
  constructor(options: DispatcherLinksOptions) {
    this.#log = options.log;
    for (const [label, dispatcher] of Object.entries(options.links)) {
      if (label === "" || label === LOCAL_HOST || label === options.label) {
        throw new ConfigurationError(`The label ${JSON.stringify(label)} of a link stands for this dispatcher itself`);
      }
      this.#links.set(label, open(label, dispatcher, options));
    }
  }

  /** Labels of other dispatchers, and whether they are there. */
  get states(): ReadonlyMap<string, boolean> {
    return new Map(Array.from(this.#links, ([label, { isConnected }]) => [label, isConnected]));
  }

  /** Begins to connect. */
  open(): void {
    for (const link of this.#links.values()) link.open();
  }

  /** Hands an event to the dispatcher that it is addressed to, once; `false` when there is no link to it. */
  relay(parsed: EventUri, delivery: Delivery): boolean {
    const link = this.#links.get(parsed.host);
    if (!link) return false;
    const args = [parsed.host, parsed.node, parsed.event, ...deliveryArguments(delivery).slice(1)];
    link.call("relay", args).catch((error: unknown) => {
      this.#log.warn(`An event ${delivery.uri} is lost: ${RpcError.from(error).message}`);
    });
    return true;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#links.values(), (link) => link.close()));
  }
}

function open(
  label: string,
  dispatcher: string | DispatcherPlace,
  { label: own, transport, credentials, maxMessageBytes, log }: DispatcherLinksOptions,
): DispatcherConnection {
  const incarnation = randomUUID();
  return new DispatcherConnection({
    dispatcher,
    transport,
    credentials: credentialsOf(credentials),
    maxMessageBytes,
    timeoutMs: 30_000,
    connectTimeoutMs: 2_000,
    limitMs: undefined,
    random: Math.random,
    log,
    methods: {},
    greeting: () => ({ name: `dispatcher ${own}`, incarnation }),
    renew: () => Promise.resolve(),
    connected: (address) => {
      log.info(`Linked to the dispatcher ${label} at ${address}`);
    },
    disconnected: (address, reason, wasConnected) => {
      const text = `The dispatcher ${label} at ${address} is not there: ${reason.message}`;
      if (wasConnected) log.warn(text);
      else log.debug(text);
    },
  });
}

import { Client } from "../../client/client.js";
import { waysTo } from "../../client/ways.js";
import { ConfigurationError, rpcError } from "../../errors.js";
import { type Credentials } from "../../security/credentials.js";
import { keyText, readKey } from "../../security/keys.js";
import { parseAddress, type Transport } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import { DISPATCHER_INTERFACE } from "./interfaces.js";

/** A dispatcher at an address, or one that a nameserver knows. */
export type DispatcherPlace =
  | {
      /** Its address. */
      readonly address: string;
      /** The public key that it has to have: 40 characters of Z85. */
      readonly key?: string | undefined;
    }
  | {
      /** Nameserver at which it is registered, or several. */
      readonly nameserver: string | readonly string[];
      /** Its service path. Default: of all dispatchers the one whose path is the first in order. */
      readonly service?: string | undefined;
    };

/** Where a connection is to be made to. */
export interface FoundDispatcher {
  /** With scheme. */
  readonly address: string;
  /** The public key that whoever is there has to have, in Z85. */
  readonly key: string | undefined;
}

/** What {@link DispatcherFinder} needs of its node. */
export interface FinderOptions {
  /** Moves the frames. */
  readonly transport: Transport;
  /** How the node proves itself. */
  readonly credentials: Credentials;
  /** Security as in the options, for the nameserver. */
  readonly log: Logger;
}

/** Says where a dispatcher is, each time anew. */
export class DispatcherFinder {
  readonly #place: DispatcherPlace;
  readonly #options: FinderOptions;
  #client: Client | undefined;
  /** Of several ways the next. */
  #turn = 0;

  /** @throws ConfigurationError for a wrong address or key */
  constructor(place: string | DispatcherPlace, options: FinderOptions) {
    this.#options = options;
    this.#place = typeof place === "string" ? { address: place } : place;
    if ("address" in this.#place) {
      const { address, key } = this.#place;
      this.#place = { address: parseAddress(address).text, key: key && keyText(readKey(key, "The dispatcher's key")) };
    } else if (typeof this.#place.nameserver !== "string" && !Array.isArray(this.#place.nameserver)) {
      throw new ConfigurationError("A dispatcher is named by its address, or by the nameserver that knows it");
    }
  }

  /** In words. */
  get label(): string {
    const place = this.#place;
    if ("address" in place) return place.address;
    return `${place.service ?? "a dispatcher"} of ${[place.nameserver].flat().join(", ")}`;
  }

  /**
   * Where it is now.
   *
   * @throws RpcError, `not-sent`, when nobody knows
   */
  async find(): Promise<FoundDispatcher> {
    const place = this.#place;
    if ("address" in place) return { address: place.address, key: place.key };
    const { transport, credentials, log } = this.#options;
    this.#client ??= new Client({ nameserver: place.nameserver, transport, security: credentials, log });
    const records = await this.#client.find(DISPATCHER_INTERFACE, { service: place.service });
    const [record] = records.sort((a, b) => (a.service < b.service ? -1 : 1));
    const ways = record ? waysTo(record, { schemes: transport.abilities.schemes, credentials }, "lamp") : [];
    const way = ways[this.#turn++ % ways.length];
    if (way) return { address: way.address, key: way.key };
    throw rpcError("SERVICE_NOT_FOUND", `${this.#client.nameservers.join(", ")} knows no dispatcher`, {
      interface: DISPATCHER_INTERFACE,
      service: place.service,
    });
  }

  /** A connection was made: the way to it is good. */
  succeeded(): void {
    this.#turn = 0;
  }

  /** Asks no more. Idempotent. */
  close(): Promise<void> {
    return this.#client?.close() ?? Promise.resolve();
  }
}

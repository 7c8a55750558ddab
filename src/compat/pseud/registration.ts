import { ConfigurationError } from "../../errors.js";
import type { Credentials } from "../../security/credentials.js";
import { keyText } from "../../security/keys.js";
import type { Endpoint as ServiceEndpoint } from "../../service/endpoint.js";
import { publicAddress } from "../../service/public-address.js";
import type { Listener, ListenerSecurity, Peer } from "../../transport/index.js";
import type { DeadlineWheel } from "../../util/deadline-wheel.js";
import type { Logger } from "../../util/log.js";
import type { Frames } from "../../wire/message.js";
import { Registrant } from "../registrant.js";

/** Where a server is registered, and as what. */
export interface RegistrationSettings {
  /** Nameserver, or several. */
  readonly nameservers: readonly string[];
  /** What its clients know it by. */
  readonly serverId: string;
  /** Names of the interfaces that its jobs stand for. */
  readonly interfaces: readonly string[];
  /** Service path. */
  readonly service: string;
  /** As in the options of a host, in milliseconds. */
  readonly leaseMs: number;
  /** How it proves itself to the nameserver. */
  readonly credentials: Credentials;
  /** Which peers may come in; absent: all. */
  readonly security: ListenerSecurity | undefined;
  /** Told of what happens. */
  readonly log: Logger;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
}

/**
 * Keeps a server registered at a nameserver, so that it is located like any other service. The nameserver asks now and then
 * whether it is alive, on a wire that is not pseud's: that is answered here.
 */
export class Registration {
  readonly #settings: RegistrationSettings;
  readonly #registrant: Registrant;
  readonly #endpoints = new Map<Listener, ServiceEndpoint>();
  /** Addresses may be bound at the same time; they are registered one after the other. */
  #turn: Promise<void> = Promise.resolve();

  /** @throws ConfigurationError without an interface */
  constructor(settings: RegistrationSettings) {
    if (settings.interfaces.length === 0) {
      throw new ConfigurationError("A server that is registered has interfaces to be located by (option interfaces)");
    }
    this.#settings = settings;
    this.#registrant = new Registrant(settings);
  }

  /** A message that is none of pseud's. */
  message(listener: Listener, peer: Peer, frames: Frames): void {
    this.#endpoints.get(listener)?.message(peer, frames);
  }

  /** A peer has gone. */
  gone(listener: Listener, peer: Peer): void {
    this.#endpoints.get(listener)?.gone(peer);
  }

  /**
   * One more address is bound: registers all of them.
   *
   * @throws AccessDeniedError when the service's name belongs to another address that is alive
   */
  async bound(listener: Listener): Promise<void> {
    const endpoint = this.#registrant.endpoint();
    endpoint.attach(listener);
    this.#endpoints.set(listener, endpoint);
    const turn = this.#turn.then(() => this.#registrant.register(this.#record()));
    this.#turn = turn.catch(() => undefined);
    try {
      await turn;
    } catch (error) {
      this.#endpoints.delete(listener);
      await endpoint.close(0);
      throw error;
    }
  }

  /** Tells the nameserver that the server goes. Never rejects. */
  async unregister(): Promise<void> {
    await this.#registrant.unregister();
  }

  /** Ends it, and closes the addresses. */
  async close(): Promise<void> {
    for (const endpoint of this.#endpoints.values()) await endpoint.close(0);
    await this.#registrant.close();
  }

  #record(): Parameters<Registrant["register"]>[0] {
    const { interfaces, log, security } = this.#settings;
    const addresses = [...this.#endpoints.keys()].map(({ address }) => publicAddress(address, undefined, log));
    const mechanisms = security && (["null", "plain", "curve"] as const).filter((name) => security[name] !== undefined);
    const key = security?.curve && keyText(security.curve.keys.publicKey);
    return {
      address: addresses.find((address) => address.startsWith("tcp://")) ?? addresses[0] ?? "",
      interfaces,
      endpoints: addresses.map((address) => ({
        address,
        wires: ["pseud"],
        ...(mechanisms && { mechanisms }),
        ...(key !== undefined && { key }),
      })),
      tags: [],
      // Who finds it without this package has to know what to call it by.
      data: { serverId: this.#settings.serverId },
    };
  }
}

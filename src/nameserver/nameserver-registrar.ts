import { LOCAL_ADDRESS } from "../peer/local.js";
import type { ServiceRecord } from "../peer/record.js";
import type { Credentials } from "../security/credentials.js";
import type { Registrar } from "../service/registrar.js";
import { parseAddress } from "../transport/index.js";
import { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import { Registration } from "./registration.js";

/** Lease of our hosts, in milliseconds; renewed every third of it. */
export const DEFAULT_LEASE_MS = 10_000;

/** Keeps a host registered at every nameserver of a list. */
export class NameserverRegistrar implements Registrar {
  readonly #addresses: readonly string[];
  readonly #leaseMs: number;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #credentials: Credentials;
  #registrations: Registration[] = [];

  /** @throws ConfigurationError for a wrong address */
  constructor(
    addresses: readonly string[],
    options: {
      readonly leaseMs: number;
      readonly log: Logger;
      readonly credentials: Credentials;
      readonly random?: () => number;
    },
  ) {
    this.#addresses = addresses.map((address) => (address === LOCAL_ADDRESS ? address : parseAddress(address).text));
    this.#leaseMs = options.leaseMs;
    this.#log = options.log;
    this.#random = options.random ?? Math.random;
    this.#credentials = options.credentials;
  }

  async start(record: ServiceRecord): Promise<boolean> {
    const wheel = new DeadlineWheel();
    const options = {
      leaseMs: this.#leaseMs,
      wheel,
      log: this.#log,
      random: this.#random,
      credentials: this.#credentials,
    };
    this.#registrations = this.#addresses.map((address) => new Registration(address, record, options));
    const attempts = await Promise.all(this.#registrations.map((registration) => registration.start()));
    for (const attempt of attempts) if ("refused" in attempt) throw attempt.refused;
    return attempts.some((attempt) => "registered" in attempt && attempt.registered);
  }

  async unregister(): Promise<void> {
    await Promise.all(this.#registrations.map((registration) => registration.unregister()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#registrations.map((registration) => registration.close()));
  }
}

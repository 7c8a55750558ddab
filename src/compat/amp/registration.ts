import { randomBytes } from "node:crypto";
import { ConfigurationError } from "../../errors.js";
import { DEFAULT_LEASE_MS } from "../../nameserver/nameserver-registrar.js";
import { Credentials } from "../../security/credentials.js";
import { requireMembers } from "../../security/rule-members.js";
import { publicAddress } from "../../service/public-address.js";
import { findTransport, isNetworkAddress, parseAnyAddress } from "../../transport/index.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import type { Logger } from "../../util/log.js";
import { MAX_QUESTION_BYTES, Registrant } from "../registrant.js";

/** At which nameserver a server of AMP is registered, and as what. */
export interface AmpRegistrationOptions {
  /** Nameserver, or several. */
  readonly nameserver: string | readonly string[];
  /** The interfaces that its commands stand for; at least one. */
  readonly interfaces: readonly string[];
  /** Service path; default `/auto/` and 32 digits. */
  readonly service?: string | undefined;
  /** How long the nameserver keeps it without hearing of it, in milliseconds; default 10,000. */
  readonly leaseMs?: number | undefined;
  /** What others connect to, where it is not what is bound; port 0 stands for the bound port. */
  readonly advertise?: string | undefined;
  /** Keys of its own, and the nameserver's, to say nothing to it in clear text: as in the options of a client. */
  readonly security?: ConstructorParameters<typeof Credentials>[0];
}

const MEMBERS = ["nameserver", "interfaces", "service", "leaseMs", "advertise", "security"];

/**
 * Keeps a server of AMP registered. The nameserver asks in words of its own whether it is alive, which no peer of AMP understands: that is
 * answered at a second port of the same host, where nothing else can be called.
 */
export class AmpRegistration {
  readonly #options: AmpRegistrationOptions;
  readonly #log: Logger;
  readonly #registrant: Registrant;
  readonly #endpoint: ReturnType<Registrant["endpoint"]>;

  /** @throws ConfigurationError for a wrong option */
  constructor(options: AmpRegistrationOptions, log: Logger) {
    requireMembers(options, MEMBERS, "The option register");
    const { nameserver, interfaces, service, leaseMs, security } = options;
    if (!Array.isArray(interfaces) || interfaces.length === 0) {
      throw new ConfigurationError("A server that is registered has interfaces to be located by (register.interfaces)");
    }
    this.#options = options;
    this.#log = log;
    this.#registrant = new Registrant({
      nameservers: typeof nameserver === "string" ? [nameserver] : nameserver,
      service: service ?? `/auto/${randomBytes(16).toString("hex")}`,
      leaseMs: leaseMs ?? DEFAULT_LEASE_MS,
      credentials: new Credentials(security),
      log,
      wheel: new DeadlineWheel(),
    });
    this.#endpoint = this.#registrant.endpoint();
  }

  /**
   * Registers what was bound.
   *
   * @throws AccessDeniedError when the service's name belongs to another address that is alive
   */
  async start(bound: string): Promise<void> {
    const { advertise, interfaces } = this.#options;
    const address = publicAddress(bound, advertise, this.#log);
    // The question goes to its own port of the host that is bound, and of the one that is told.
    const listener = await findTransport("zmtp").listen(anyPortOf(bound), this.#endpoint, {
      maxMessageBytes: MAX_QUESTION_BYTES,
    });
    this.#endpoint.attach(listener);
    const asked = publicAddress(listener.address, anyPortOf(address), this.#log);
    await this.#registrant.register({
      address: asked,
      interfaces,
      endpoints: [
        { address, wires: ["amp"] },
        { address: asked, wires: [] },
      ],
      tags: [],
      data: {},
    });
  }

  /** Tells the nameserver that the server goes. Never rejects. */
  async unregister(): Promise<void> {
    await this.#registrant.unregister();
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.#endpoint.close(0);
    await this.#registrant.close();
  }
}

/** Any port of the host of an address; of this machine for one that has no host. */
function anyPortOf(address: string): string {
  const { location } = parseAnyAddress(address);
  return isNetworkAddress(location) ? location.text.replace(/\d+$/, "0") : "tcp://127.0.0.1:0";
}

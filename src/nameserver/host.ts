import { Client } from "../client/client.js";
import { CLIENT_DEFAULTS } from "../client/defaults.js";
import { credentialsOfHost } from "../security/host-security.js";
import { ServiceHost } from "../service/service-host.js";
import type { ServiceHostOptions } from "../service/service-host-options.js";
import { SILENT } from "../util/log.js";
import { DEFAULT_LEASE_MS, NameserverRegistrar } from "./nameserver-registrar.js";
import { TokenValidator } from "./token-validator.js";

/** Options of {@link Host}. */
export interface HostOptions extends ServiceHostOptions {
  /**
   * Nameserver to register at, or several: the host registers at each. `false`: none, the host is reached by address.
   * Default: the environment variable `LAMPLIGHTER_NAMESERVER`, else `tcp://127.0.0.1:2012`.
   */
  readonly nameserver?: string | readonly string[] | false | undefined;
  /** After so long without a renewal the nameserver forgets the host, in milliseconds; default 10,000. */
  readonly leaseMs?: number | undefined;
}

/**
 * The process object that binds addresses, provides services and keeps them registered:
 *
 * ```ts
 * await using host = new Host({ address: "tcp://127.0.0.1:2013" });
 * host.provide(new Query());
 * await host.start();
 * ```
 */
export class Host extends ServiceHost {
  readonly #client: () => Client | undefined;

  /** @throws ConfigurationError for a wrong address of a nameserver */
  constructor(options: HostOptions = {}) {
    const nameservers = nameserversOf(options);
    const credentials = credentialsOfHost(options.security);
    let client: Client | undefined;
    const validator = new TokenValidator(() => {
      client ??= new Client({ nameserver: nameservers, log: options.log, retry: true, security: credentials });
      return client;
    });
    super(options, {
      registrar:
        nameservers.length === 0
          ? undefined
          : new NameserverRegistrar(nameservers, {
              leaseMs: options.leaseMs ?? DEFAULT_LEASE_MS,
              log: options.log ?? SILENT,
              credentials,
            }),
      authenticate: nameservers.length === 0 ? undefined : (call) => validator.validate(call),
    });
    this.#client = () => client;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#client()?.close();
  }
}

function nameserversOf(options: HostOptions): readonly string[] {
  if (options.nameserver === false) return [];
  const { LAMPLIGHTER_NAMESERVER: configured = "" } = process.env;
  const named = options.nameserver ?? (configured === "" ? CLIENT_DEFAULTS.nameserver : configured);
  return typeof named === "string" ? [named] : named;
}

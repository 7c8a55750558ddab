import { ConfigurationError } from "../errors.js";
import { mechanismsOf } from "../peer/bound-address.js";
import { NAMESERVER_INTERFACE, type ServiceRecord } from "../peer/record.js";
import { credentialsOfHost } from "../security/host-security.js";
import { ServiceHost } from "../service/service-host.js";
import type { ServiceHostOptions } from "../service/service-host-options.js";
import { type Logger, SILENT } from "../util/log.js";
import { ChangeLog } from "./change-log.js";
import { MemoryRegistry } from "./memory-registry.js";
import { nameserverInterface } from "./nameserver-interface.js";
import { RecordAccess, type RecordPolicy } from "./record-access.js";
import { RegistrationDesk } from "./registration-desk.js";
import type { Registry } from "./registry.js";

/** Options of {@link NameserverHost}. */
export interface NameserverHostOptions extends ServiceHostOptions {
  /** Where records are kept; default in memory. */
  readonly registry?: Registry | undefined;
  /** Services that can be registered at the same time; default 10,000. */
  readonly maxRecords?: number | undefined;
  /**
   * Who may register what, and keep it registered: rules, or a function. A record belongs to the user who registered it. Default:
   * whoever is let in, everything.
   */
  readonly registration?: RecordPolicy | undefined;
  /** Who sees which records; the others are as if they were not there. Default: whoever is let in, all. */
  readonly visibility?: RecordPolicy | undefined;
  /** Chance, for `locate`; default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * A nameserver: the service `org.pycom.nameserver`, under the name `/org/pycom/nameserver` unless another is given. It lists
 * itself. The default address is `tcp://127.0.0.1:2012`.
 */
export class NameserverHost extends ServiceHost {
  readonly #registry: Registry;
  readonly #desk: RegistrationDesk;
  readonly #changes: ChangeLog;

  /** See {@link NameserverHostOptions}. */
  constructor(options: NameserverHostOptions = {}) {
    const address = options.address ?? "tcp://127.0.0.1:2012";
    const log = options.log ?? SILENT;
    const credentials = credentialsOfHost(options.security, mechanismsOf(address));
    const registration = recordAccess("registration", options, log);
    const visibility = recordAccess("visibility", options, log);
    const registry = options.registry ?? new MemoryRegistry();
    const desk = new RegistrationDesk(registry, {
      log,
      hasOwners: registration !== undefined,
      maxRecords: options.maxRecords ?? 10_000,
      credentials,
    });
    const changes = new ChangeLog(registry);
    const itself = {
      start: (record: ServiceRecord): Promise<boolean> => {
        registry.set({ record, leaseMs: Infinity, lease: undefined });
        return Promise.resolve(true);
      },
      unregister: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    super(
      {
        // Those who wait in `find` and `watch` must not keep others out.
        maxConcurrent: 100_000,
        ...options,
        address,
        service: options.service ?? "/org/pycom/nameserver",
      },
      { registrar: itself },
    );
    this.#registry = registry;
    this.#desk = desk;
    this.#changes = changes;
    const random = options.random ?? Math.random;
    this.addStats(NAMESERVER_INTERFACE, () => ({ leases: this.#leases() }));
    this.provide(nameserverInterface({ registry, desk, changes, random, registration, visibility, log }));
  }

  /** Leases by service, for the statistics. The nameserver's own never ends and is not among them. */
  #leases(): unknown {
    return this.#registry.list().flatMap(({ service }) => {
      const { leaseMs = Infinity } = this.#registry.get(service) ?? {};
      if (leaseMs === Infinity) return [];
      return [{ service, leaseMs, leftMs: this.#registry.leftMs?.(service) ?? null }];
    });
  }

  /** Records that are held now, the nameserver's own included. */
  get records(): readonly ServiceRecord[] {
    return this.#registry.list();
  }

  override async close(): Promise<void> {
    this.#changes.close();
    await super.close();
    this.#desk.close();
    this.#registry.close();
  }

  /** The interface that it provides. */
  static readonly interface: string = NAMESERVER_INTERFACE;
}

/** @throws ConfigurationError when it makes no sense, or names users where nobody can prove who they are */
function recordAccess(
  option: "registration" | "visibility",
  options: NameserverHostOptions,
  log: Logger,
): RecordAccess | undefined {
  const policy = options[option];
  if (policy === undefined) return undefined;
  const access = new RecordAccess(policy, option, log);
  if (!access.namesUsers || options.security !== undefined) return access;
  throw new ConfigurationError(
    `The option ${option} names users, and nobody can prove who they are: give the nameserver keys (option security)`,
  );
}

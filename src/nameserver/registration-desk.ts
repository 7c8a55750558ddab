import { randomBytes } from "node:crypto";
import { rpcError } from "../errors.js";
import type { ServiceRecord } from "../peer/record.js";
import type { Credentials } from "../security/credentials.js";
import { isSameSecret } from "../security/secrets.js";
import type { Logger } from "../util/log.js";
import { sleep } from "../util/sleep.js";
import { type Liveness, LivenessMonitor } from "./liveness.js";
import type { Registry, RegistryEntry } from "./registry.js";

/** What a registrant asks for. */
export interface RegistrationRequest {
  /** As it is to be known. */
  readonly record: ServiceRecord;
  /** Length of the lease in milliseconds; `undefined` when the registrant named none. */
  readonly leaseMs: number | undefined;
  /** The lease it holds already. */
  readonly lease: string | undefined;
  /** The user who registers, where that is known. */
  readonly owner: string | undefined;
  /** May the registrant know of this record? */
  readonly sees: (record: ServiceRecord) => Promise<boolean>;
}

/** Lease of those who name none: PyCOM's services, which renew every 30 s. In milliseconds. */
export const PYCOM_LEASE_MS = 60_000;

/**
 * Decides who may have a name, and finds out who has gone.
 *
 * Nothing that a newcomer claims counts as proof: a record changes hands only when its holder shows the lease, when PyCOM's
 * rule allows it (same address, no lease), or when a ping shows that the holder is gone.
 */
export class RegistrationDesk {
  readonly #registry: Registry;
  readonly #liveness: LivenessMonitor;
  readonly #log: Logger;
  readonly #maxRecords: number;
  readonly #hasOwners: boolean;
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #unwatch: () => void;
  readonly #rewatch: NodeJS.Timeout;
  readonly #closing = new AbortController();

  /** @param options - `hasOwners`: a record belongs to the user who registered it, whoever else shows its lease or address */
  constructor(
    registry: Registry,
    options: {
      readonly log: Logger;
      readonly maxRecords: number;
      readonly credentials: Credentials;
      readonly hasOwners: boolean;
    },
  ) {
    this.#registry = registry;
    this.#log = options.log;
    this.#maxRecords = options.maxRecords;
    this.#hasOwners = options.hasOwners;
    this.#liveness = new LivenessMonitor(
      (address) => {
        void this.#lookInto(address);
      },
      options.log,
      options.credentials,
    );
    this.#unwatch = registry.watch((change) => {
      if (change.type === "removed") this.#forget(change.record);
    });
    this.#rewatch = setInterval(() => {
      for (const record of registry.list()) this.#watch(record.service);
    }, REWATCH_MS).unref();
  }

  /**
   * Registers a service, or renews it.
   *
   * @returns the lease, for those who named its length
   * @throws AccessDeniedError when the name belongs to somebody else who is alive, or may be
   * @throws RpcError with code `OVERLOADED` when the registry is full
   */
  async register(request: RegistrationRequest): Promise<string | undefined> {
    const { service } = request.record;
    // One after the other for each name, so that of two newcomers one comes first.
    const turn = (this.#turns.get(service) ?? Promise.resolve()).then(() => this.#register(request));
    const settled = turn.catch(() => undefined);
    this.#turns.set(service, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(service) === settled) this.#turns.delete(service);
    }
  }

  /** Begins a lease anew; `false` when there is none like it. */
  renew(service: string, lease: string, owner: string | undefined): boolean {
    const entry = this.#registry.get(service);
    return entry !== undefined && this.#holds(entry, lease, owner) && this.#registry.renew(service);
  }

  /**
   * Removes a service at its own wish.
   *
   * @throws AccessDeniedError when the lease is not the one that was given out
   */
  unregister(service: string, lease: string, owner: string | undefined): void {
    const entry = this.#registry.get(service);
    if (!entry) return;
    if (!this.#holds(entry, lease, owner)) {
      throw rpcError("ACCESS_DENIED", `The service ${service} can be unregistered only by its holder`);
    }
    this.#log.info(`${service} unregistered`);
    this.#registry.delete(service);
  }

  /** Closes connections and stops the clock. */
  close(): void {
    this.#closing.abort();
    clearInterval(this.#rewatch);
    this.#unwatch();
    this.#liveness.close();
  }

  async #register(request: RegistrationRequest): Promise<string | undefined> {
    const { record } = request;
    const before = this.#registry.get(record.service);
    if (before) await this.#admit(before, request);
    else if (this.#registry.size >= this.#maxRecords) {
      throw rpcError("OVERLOADED", `The nameserver holds ${this.#maxRecords} services and takes no more`);
    }
    const renewed = before !== undefined && this.#holds(before, request.lease, request.owner);
    const lease =
      request.leaseMs === undefined ? undefined : renewed ? before.lease : randomBytes(18).toString("base64url");
    const { owner } = request;
    this.#registry.set({ record, leaseMs: request.leaseMs ?? PYCOM_LEASE_MS, lease, owner });
    if (!before) this.#log.info(`${record.service} registered at ${record.address}: ${record.interfaces.join(", ")}`);
    if (before && this.#liveness.wayTo(before.record).address !== this.#liveness.wayTo(record).address) {
      this.#forget(before.record);
    }
    this.#watch(record.service);
    return lease;
  }

  async #admit(before: RegistryEntry, { record, lease, owner, sees }: RegistrationRequest): Promise<void> {
    if (this.#holds(before, lease, owner)) return;
    const sameAddress = before.record.address === record.address;
    const isPycoms = before.lease === undefined && before.leaseMs !== Infinity;
    if (sameAddress && isPycoms && this.#isOwner(before, owner)) return;
    const liveness = before.leaseMs === Infinity ? "alive" : await this.#liveness.ping(before.record);
    if (liveness === "gone") {
      this.#log.info(`${record.service} at ${before.record.address} is gone; ${record.address} takes its name over`);
      return;
    }
    const state = liveness === "alive" ? "is alive" : "does not answer; it is kept until its lease ends";
    const holder = (await sees(before.record)) ? ` by ${before.record.address}, which ${state}` : "";
    throw rpcError("ACCESS_DENIED", `The service name ${record.service} is taken${holder}`, {
      outcome: "not-executed",
    });
  }

  #isOwner(entry: RegistryEntry, owner: string | undefined): boolean {
    return !this.#hasOwners || entry.owner === owner;
  }

  #holds(entry: RegistryEntry, lease: string | undefined, owner: string | undefined): boolean {
    if (entry.lease === undefined || lease === undefined || !this.#isOwner(entry, owner)) return false;
    return isSameSecret(lease, entry.lease);
  }

  #watch(service: string): void {
    const entry = this.#registry.get(service);
    if (entry && entry.leaseMs !== Infinity) this.#liveness.watch(entry.record);
  }

  async #lookInto(address: string): Promise<void> {
    const affected = this.#registry.list().filter((record) => this.#liveness.wayTo(record).address === address);
    for (const record of affected) {
      const liveness = await this.#pingDropped(record);
      const current = this.#registry.get(record.service);
      if (current?.record !== record) continue;
      if (liveness === "gone") {
        this.#log.info(`${record.service} at ${address} is gone`);
        this.#registry.delete(record.service);
      } else if (liveness === "alive") this.#watch(record.service);
    }
  }

  /**
   * A process that was killed loses its connections a moment before its address: who is silent right then is asked again, for
   * otherwise nothing would be known of it until its lease ends.
   */
  async #pingDropped(record: ServiceRecord): Promise<Liveness> {
    const { signal } = this.#closing;
    let liveness = await this.#liveness.ping(record);
    for (const pauseMs of SECOND_LOOKS_MS) {
      if (liveness !== "silent" || this.#registry.get(record.service)?.record !== record) break;
      await sleep(pauseMs, signal);
      if (signal.aborted) break;
      liveness = await this.#liveness.ping(record);
    }
    return liveness;
  }

  /** A record is gone or replaced: its address is watched for others only. */
  #forget(former: ServiceRecord): void {
    const { address } = this.#liveness.wayTo(former);
    const isWatched = this.#registry.list().some((record) => this.#liveness.wayTo(record).address === address);
    if (!isWatched) this.#liveness.unwatch(address);
  }
}

/** Pauses before a service whose connection was lost, and which is silent, is asked again, in milliseconds. */
const SECOND_LOOKS_MS: readonly number[] = [50, 200, 500];
/** How often addresses that could not be watched are tried again, in milliseconds. */
const REWATCH_MS = 2_000;

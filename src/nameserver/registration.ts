import { openWithin } from "../client/connection-pool.js";
import { type ErrorCode, RpcError, refineError } from "../errors.js";
import type { Channel } from "../peer/channel.js";
import { Connection } from "../peer/connection.js";
import { LOCAL_ADDRESS, LocalChannel } from "../peer/local.js";
import { callOver } from "../peer/promise-call.js";
import { NAMESERVER_INTERFACE, type ServiceRecord } from "../peer/record.js";
import type { Credentials } from "../security/credentials.js";
import { findTransport } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import { joinSignals } from "../util/signals.js";
import { sleep } from "../util/sleep.js";
import { pycomWire } from "../wire/pycom/index.js";
import { DEFAULT_LIMITS } from "../wire/wire.js";

/** What a registration knows. */
export interface RegistrationOptions {
  /** Length of the lease in milliseconds. */
  readonly leaseMs: number;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Told of what happens. */
  readonly log: Logger;
  /** Chance, for back-off. */
  readonly random: () => number;
  /** How the nameserver is convinced, and recognised. */
  readonly credentials: Credentials;
}

/** How the first attempt went. */
export type FirstAttempt = { readonly registered: boolean } | { readonly refused: RpcError };

/**
 * One record at one nameserver, for as long as the host lives: registers, renews, and when the connection is lost
 * registers again the moment the nameserver is back.
 */
export class Registration {
  readonly #address: string;
  readonly #record: ServiceRecord;
  readonly #options: RegistrationOptions;
  readonly #closing = new AbortController();
  #channel: Channel | undefined;
  #lease: string | undefined;
  /** Settles when the nameserver has answered a registration that is under way. */
  #registering: Promise<unknown> | undefined;
  #running: Promise<void> | undefined;
  #settleFirst!: (attempt: FirstAttempt) => void;

  constructor(address: string, record: ServiceRecord, options: RegistrationOptions) {
    this.#address = address;
    this.#record = record;
    this.#options = options;
  }

  /** Begins. Settles when the first attempt has ended, one way or the other; the rest goes on by itself. */
  start(): Promise<FirstAttempt> {
    const first = new Promise<FirstAttempt>((resolve) => {
      this.#settleFirst = resolve;
    });
    this.#running = this.#run();
    return first;
  }

  /** Tells the nameserver that the service goes, if it is there. Never rejects. */
  async unregister(): Promise<void> {
    this.#closing.abort();
    // Whoever goes while it is being registered learns its lease from the answer.
    const giveUp = new AbortController();
    await Promise.race([this.#registering, sleep(UNREGISTER_MS, giveUp.signal)]);
    giveUp.abort();
    if (this.#lease === undefined || !this.#channel?.isOpen) return;
    try {
      await this.#call(
        this.#channel,
        "unregister",
        { service: this.#record.service, lease: this.#lease },
        UNREGISTER_MS,
      );
    } catch (error) {
      this.#options.log.debug(`${this.#record.service} could not be unregistered: ${(error as Error).message}`);
    }
  }

  /** Stops. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#channel?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { log, random } = this.#options;
    let isFirst = true;
    let warnedOf: ErrorCode | undefined;
    let failures = 0;
    while (!this.#isClosing()) {
      try {
        const channel = await this.#open();
        if (this.#isClosing()) break;
        const renewMs = await this.#register(channel);
        log.info(`${this.#record.service} is registered at the nameserver ${this.#address}`);
        isFirst = false;
        warnedOf = undefined;
        failures = 0;
        this.#settleFirst({ registered: true });
        await this.#renew(channel, renewMs);
      } catch (error) {
        if (this.#isClosing()) break;
        const failure = RpcError.from(error);
        if (isFirst && failure.code === "ACCESS_DENIED") {
          // The host does not start then, so there is nothing to try again for.
          this.#settleFirst({ refused: refineError(failure, { outcome: "not-executed" }) });
          break;
        }
        isFirst = false;
        if (failure.code !== warnedOf) {
          log.warn(`${this.#record.service} is not registered: ${failure.message}; trying again`);
        }
        warnedOf = failure.code;
        this.#settleFirst({ registered: false });
        this.#channel?.close();
      }
      failures++;
      await sleep(Math.ceil(random() * Math.min(MAX_PAUSE_MS, 20 * 2 ** Math.min(failures, 8))), signal);
    }
    this.#settleFirst({ registered: false });
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #open(): Promise<Channel> {
    const { wheel, log, credentials } = this.#options;
    const channel =
      this.#address === LOCAL_ADDRESS
        ? new LocalChannel(wheel)
        : new Connection(this.#address, {
            transport: findTransport(undefined),
            security: credentials.linkSecurity(credentials.nameserverKey, this.#address),
            wire: pycomWire,
            wheel,
            maxMessageBytes: DEFAULT_LIMITS.maxMessageBytes,
            maxInFlight: 16,
            maxInFlightBytes: DEFAULT_LIMITS.maxMessageBytes,
            log,
            onClosed: () => {
              this.#lost.abort();
            },
          });
    this.#lost = new AbortController();
    this.#channel = channel;
    await openWithin(channel, CONNECT_MS, this.#closing.signal);
    return channel;
  }

  /** Fires when the connection in use is gone. */
  #lost = new AbortController();

  /** @returns how often to renew, in milliseconds */
  #register(channel: Channel): Promise<number> {
    const registering = this.#askToRegister(channel);
    this.#registering = registering.catch(() => undefined);
    return registering;
  }

  async #askToRegister(channel: Channel): Promise<number> {
    const { address, interfaces, service, incarnation, tags, data, endpoints } = this.#record;
    const { leaseMs } = this.#options;
    const result = await this.#call(
      channel,
      "register",
      {
        address,
        interfaces,
        service,
        incarnation,
        tags,
        data,
        endpoints,
        lease_ms: leaseMs,
        ...(this.#lease !== undefined && { lease: this.#lease }),
      },
      REGISTER_MS,
    );
    const lease = (result as { lease?: unknown } | null)?.lease;
    this.#lease = typeof lease === "string" ? lease : undefined;
    // A nameserver of PyCOM's own gives no lease to hold: it wants the same registration every 30 s.
    return this.#lease === undefined ? PYCOM_RENEW_MS : leaseMs / 3;
  }

  /** Renews until the connection is lost or the lease is not known any more; then returns. */
  async #renew(channel: Channel, everyMs: number): Promise<void> {
    const lost = this.#lost.signal;
    const stop = joinSignals(lost, this.#closing.signal);
    for (;;) {
      await sleep(everyMs, stop);
      if (stop.aborted) return;
      if (this.#lease === undefined) await this.#register(channel);
      else {
        const leases = [{ service: this.#record.service, lease: this.#lease }];
        const { unknown } = (await this.#call(channel, "renew", { leases }, REGISTER_MS)) as { unknown?: unknown[] };
        if (unknown && unknown.length > 0) await this.#register(channel);
      }
    }
  }

  async #call(channel: Channel, method: string, args: unknown, timeoutMs: number): Promise<unknown> {
    const deadlineAt = this.#options.wheel.now() + timeoutMs;
    const answer = await callOver(channel, { interface: NAMESERVER_INTERFACE, method, args, deadlineAt });
    return answer.result;
  }
}

/** Time to say that a service goes: it goes in any case. */
const UNREGISTER_MS = 500;
/** Time for one attempt to connect, and for a registration, which may have to ping another service first. */
const CONNECT_MS = 2_000;
const REGISTER_MS = 5_000;
/** Longest pause between two attempts: a nameserver that is back is found within it. */
const MAX_PAUSE_MS = 300;
/** PyCOM's own nameservers drop what is not registered again within 60 s. */
const PYCOM_RENEW_MS = 30_000;

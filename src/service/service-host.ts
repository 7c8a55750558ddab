import { randomBytes } from "node:crypto";
import { ConfigurationError, rpcError } from "../errors.js";
import { AnswerWindow } from "../peer/answers/answer-window.js";
import { readAddresses } from "../peer/bound-address.js";
import type { ConnectedPeer } from "../peer/connected-peer.js";
import { Dispatcher } from "../peer/dispatcher.js";
import {
  buildInterface,
  defineInterface,
  type InterfaceDefinition,
  instanceOf,
  markedMethods,
  type Provided,
  type ProvidingHost,
} from "../peer/exposed/definition.js";
import type { ExposedInterface } from "../peer/exposed/exposed-interface.js";
import { readLimits } from "../peer/limits.js";
import { offerLocally } from "../peer/local.js";
import { HOST_INTERFACE, type ServiceRecord } from "../peer/record.js";
import { DEFAULT_MAX_REFERENCES } from "../peer/references/exports.js";
import type { HeldReference } from "../peer/references/held-reference.js";
import type { Dynamic, Remote } from "../peer/remote.js";
import { Sessions } from "../peer/sessions.js";
import { Gate } from "../security/gate.js";
import { hostSecurityOf } from "../security/host-security.js";
import { AccessPolicy } from "../security/policy.js";
import { findTransport, isRoutingId } from "../transport/index.js";
import { JOURNAL_ADVICE } from "../util/advice.js";
import { type Logger, SILENT } from "../util/log.js";
import { sleep } from "../util/sleep.js";
import { DEFAULT_LIMITS } from "../wire/wire.js";
import { HostAddresses, requireProofs } from "./host-addresses.js";
import { type HostStats, StatsDesk } from "./host-stats.js";
import { type Journal, openJournal } from "./journal/journal.js";
import { hasProviders, isProvider, type Provider, providersOf } from "./provider.js";
import { Providers } from "./providers.js";
import type { ServiceHostOptions, ServiceHostParts } from "./service-host-options.js";
import { SubscriberDesk } from "./subscriber-desk.js";

type State = "new" | "starting" | "serving" | "closing" | "closed";

/**
 * Binds addresses, provides interfaces, stays registered. The public class over it is `Host`.
 */
export class ServiceHost {
  /** Random id of this run. */
  readonly incarnation: string = randomBytes(12).toString("hex");
  /** Service path. */
  readonly service: string;
  /** As in the options. */
  protected readonly log: Logger;
  readonly #options: ServiceHostOptions;
  readonly #parts: ServiceHostParts;
  readonly #dispatcher: Dispatcher;
  readonly #answers: AnswerWindow;
  readonly #stats: StatsDesk;
  #journal: Journal | undefined;
  readonly #gate: Gate | undefined;
  readonly #addresses: HostAddresses;
  /** What is provided and is more than calls. */
  readonly #providers: Providers;
  readonly #subscribers = new SubscriberDesk(() => this.#addresses.subscriberEndpoints);
  #unwatchKeys: (() => void) | undefined;
  readonly #maxMessageBytes: number;
  #state: State = "new";
  /** Settles when its journal and addresses are open, or cannot be. */
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #withdraw: (() => void) | undefined;

  /** @internal */
  constructor(options: ServiceHostOptions, parts: ServiceHostParts) {
    this.#options = options;
    this.#parts = parts;
    this.service = options.service ?? `/auto/${randomBytes(16).toString("hex")}`;
    this.log = options.log ?? SILENT;
    const transport = findTransport(options.transport);
    const security = hostSecurityOf(options.security);
    this.#gate = security && new Gate(security, this.log);
    const wanted = readAddresses(options.address ?? "tcp://127.0.0.1:0", options.advertise);
    requireProofs(wanted, transport, this.#gate);
    const routingId = routingIdOf(options.routingId, this.service);
    const limits = readLimits(options.limits);
    const policy = options.policy === undefined ? undefined : new AccessPolicy(options.policy);
    if (policy) this.#requireProvers(policy, "The option policy");
    this.#maxMessageBytes = options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes;
    this.#dispatcher = new Dispatcher({
      sessions: new Sessions(options.sessions),
      authentication: options.authentication?.policy,
      authenticate: parts.authenticate,
      policy,
      maxConcurrent: options.maxConcurrent,
      maxQueued: options.maxQueued,
      middleware: options.middleware,
      errors: options.errors,
      log: this.log,
    });
    this.#answers = new AnswerWindow(this.#dispatcher, options.answerWindow);
    this.#providers = new Providers(
      {
        service: this.service,
        incarnation: this.incarnation,
        maxMessageBytes: this.#maxMessageBytes,
        subscribers: this.#subscribers,
        log: this.log,
      },
      (section, read) => {
        this.addStats(section, read);
      },
    );
    this.#addresses = new HostAddresses({
      wanted,
      transport,
      gate: this.#gate,
      dispatcher: this.#dispatcher,
      answers: this.#answers,
      incarnation: this.incarnation,
      maxMessageBytes: this.#maxMessageBytes,
      maxReferences: options.maxReferences ?? DEFAULT_MAX_REFERENCES,
      limits,
      routingId,
      isRegistered: parts.registrar !== undefined,
      withinMachine: options.withinMachine !== false,
      subscribers: () => (this.#providers.isEmpty ? undefined : this.#subscribers),
      log: this.log,
    });
    this.#stats = new StatsDesk(
      this.#dispatcher.stats,
      () => ({
        service: this.service,
        incarnation: this.incarnation,
        pending: this.pending,
        peers: this.peers.length,
      }),
      this.log,
    );
    this.#dispatcher.expose(this.#build(this.#self()));
  }

  /** Addresses that others connect to, once started. */
  get addresses(): readonly string[] {
    return this.#addresses.bound.map(({ address }) => address);
  }

  /** The first of {@link ServiceHost.addresses}; empty before the start. */
  get address(): string {
    return this.#addresses.bound[0]?.address ?? "";
  }

  /** Names of the provided interfaces. */
  get interfaces(): readonly string[] {
    return [...this.#dispatcher.interfaces.keys()].filter((name) => name !== HOST_INTERFACE);
  }

  /** Calls that run or wait now. */
  get pending(): number {
    return this.#dispatcher.pending;
  }

  /**
   * How often what was called, how it went and how long it took, how the process is doing, and what others have added. Peers
   * get the same from the method `stats` of `lamplighter.host`, if they may ({@link ServiceHostOptions.statsPolicy}).
   */
  stats(): Promise<HostStats> {
    return this.#stats.read();
  }

  /**
   * Adds a section to {@link ServiceHost.stats}.
   *
   * @param name - names it among the others
   * @param read - gives what JSON can hold, or a promise of it, whenever somebody asks; should be quick
   * @returns takes the section away
   * @throws ConfigurationError when there is such a section
   */
  addStats(name: string, read: () => unknown): () => void {
    return this.#stats.add(name, read);
  }

  /** Peers that are connected now and have said something. */
  get peers(): readonly ConnectedPeer[] {
    return this.#addresses.peers();
  }

  /** Functions and objects of this process that peers hold, and those of peers that are held here. */
  get references(): readonly HeldReference[] {
    return this.#addresses.references();
  }

  /**
   * A proxy of what a connected peer exposes (`client.provide(…)` there). Calls fail with `UNAVAILABLE` when it is gone.
   *
   * @param id - as {@link ServiceHost.peers} and `currentCall().peerId` say it
   * @param interfaceName - one interface of it; default: whichever has the method
   * @throws ConfigurationError when there is no such peer, or its wire knows no calls this way
   */
  peer<T = Dynamic>(id: string, interfaceName?: string): Remote<T> {
    // The type parameter speaks for the other side, as everywhere.
    return this.#addresses.peer(id, interfaceName) as unknown as Remote<T>;
  }

  /**
   * Provides an interface: an instance of an `@Interface` class, the class itself, or a `defineInterface` value; or a publication.
   * Methods of an instance that are marked with `@Publisher` are provided with it.
   *
   * @throws ConfigurationError when it is none, or its name is provided already
   */
  provide(provided: Provided): this {
    if (this.#state !== "new") throw new ConfigurationError("Provide interfaces before the host is started");
    if (isProvider(provided)) {
      this.#attach(provided);
      return this;
    }
    if (!hasProviders(provided)) {
      this.#dispatcher.expose(this.#build(provided));
      return this;
    }
    const instance = instanceOf(provided);
    if (markedMethods(instance).size > 0) this.#dispatcher.expose(this.#build(instance));
    for (const provider of providersOf(instance)) this.#attach(provider);
    return this;
  }

  /**
   * Provides an interface anew, at any time: with other methods, or another instance. Running calls finish with the old one;
   * sessions stay. PyCOM: `register_method`.
   *
   * @throws ConfigurationError when the host does not provide an interface of that name, or has no journal for its `once`
   *   methods
   */
  replace(provided: Provided): this {
    const exposed = this.#build(provided);
    if (this.#state !== "new" && !this.#journal) requireNoJournal(exposed);
    this.#dispatcher.replace(exposed);
    return this;
  }

  /**
   * Binds all addresses, then registers. When no nameserver can be reached the host serves all the same and registers as
   * soon as one is there.
   *
   * @returns whether the host is registered by now
   * @throws ConfigurationError for a wrong address or a port in use
   * @throws AccessDeniedError when the service's name belongs to another address that is alive
   * @throws RpcError with code `CLOSED` when it is closed before
   */
  async start(): Promise<boolean> {
    if (this.#state !== "new") throw new ConfigurationError(`This host was started before; it is ${this.#state}`);
    if (this.interfaces.length === 0) throw new ConfigurationError("This host provides no interface");
    this.#state = "starting";
    try {
      this.#opening = this.#open();
      await this.#opening;
      this.#requireStarting();
      this.#unwatchKeys = this.#gate?.watch(() => {
        this.#addresses.recheck();
      });
      this.#withdraw = offerLocally(this.#dispatcher);
      const registered = (await this.#parts.registrar?.start(this.#record())) ?? false;
      this.#requireStarting();
      this.#state = "serving";
      return registered;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Unregisters, refuses new calls with `DRAINING`, finishes what runs, closes. Idempotent; settles when the last socket
   * and timer are gone.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<void> {
    await this.#openJournal();
    this.#requireStarting();
    await this.#addresses.bind();
  }

  /** @throws RpcError when the host was closed meanwhile */
  #requireStarting(): void {
    if (this.#state !== "starting") throw rpcError("CLOSED", "The host was closed while it was being started");
  }

  #attach(provider: Provider): void {
    const { name } = provider;
    if (this.interfaces.includes(name)) {
      throw new ConfigurationError(
        `${name} is provided here already; what is published needs a name of its own, such as ${name}.events`,
      );
    }
    this.#dispatcher.expose(this.#build(this.#providers.attach(provider)));
  }

  #build(provided: Provided): ExposedInterface {
    const exposed = buildInterface(provided, this.#asProvider());
    for (const { policy } of [exposed, ...exposed.methods.values()]) {
      if (policy) this.#requireProvers(policy, `A policy of ${exposed.name}`);
    }
    return exposed;
  }

  /**
   * A rule for users where nobody can prove who they are would be for nobody, and so perhaps for nothing that was meant.
   *
   * @throws ConfigurationError when there are such rules
   */
  #requireProvers(policy: AccessPolicy, what: string): void {
    if (!policy.namesUsers || this.#gate || this.#parts.authenticate) return;
    throw new ConfigurationError(
      `${what} names users, and nobody can prove who they are: give the host keys (option security) or a nameserver, where an ` +
        "authenticator can be found",
    );
  }

  #asProvider(): ProvidingHost {
    return {
      errors: this.#options.errors,
      log: this.log,
      contract: () => ({
        incarnation: this.incarnation,
        maxMessageBytes: this.#maxMessageBytes,
        ...(this.#journal && { journal: this.#journal.id }),
      }),
      journal: () => {
        if (this.#journal) return this.#journal;
        throw new ConfigurationError("This host has no journal");
      },
    };
  }

  /** @throws ConfigurationError when it cannot be opened, or there has to be one and is none */
  async #openJournal(): Promise<void> {
    const { journal } = this.#options;
    if (typeof journal === "string") this.#journal = await openJournal(journal, { log: this.log });
    else this.#journal = journal;
    if (this.#journal) return;
    for (const exposed of this.#dispatcher.interfaces.values()) requireNoJournal(exposed);
  }

  /** What any host answers about itself; nameservers tell by it which run answers at an address. */
  #self(): InterfaceDefinition {
    const { statsPolicy, policy, security, authentication } = this.#options;
    const isOpen = security === undefined && authentication?.policy === undefined;
    const stat = (): object => ({ incarnation: this.incarnation, service: this.service, pending: this.pending });
    const stats = {
      policy: statsPolicy ?? policy ?? (isOpen ? "allow" : "deny"),
      run: () => this.stats(),
    };
    return defineInterface(HOST_INTERFACE, { authentication: "never", policy: "allow", methods: { stat, stats } });
  }

  async #close(): Promise<void> {
    const served = this.#state === "serving";
    this.#state = "closing";
    const { registrar } = this.#parts;
    const drained = this.#dispatcher.drain();
    // Also when the start failed: of several nameservers some may know this host by then.
    await registrar?.unregister();
    if (served) await this.#drain(drained);
    // Running calls may publish to the last.
    this.#providers.close();
    this.#dispatcher.abort(rpcError("CLOSED", "The host was closed", { outcome: "executed" }));
    this.#withdraw?.();
    this.#unwatchKeys?.();
    // What is being opened cannot be closed yet; whoever starts the host hears when it cannot be.
    await this.#opening?.catch(() => undefined);
    await this.#addresses.close(LINGER_MS);
    this.#answers.close();
    await registrar?.close();
    if (typeof this.#options.journal === "string") this.#journal?.close();
    this.#state = "closed";
  }

  /** Waits for running calls, then until nobody has been refused for a moment: clients learn it from the refusal. */
  async #drain(drained: Promise<void>): Promise<void> {
    const timeoutMs = this.#options.drainTimeoutMs ?? 10_000;
    const giveUp = new AbortController();
    await Promise.race([drained, sleep(timeoutMs, giveUp.signal)]);
    giveUp.abort();
    if (this.pending > 0) this.log.warn(`${this.pending} calls were still running after ${timeoutMs} ms`);
    const startedAt = performance.now();
    while (performance.now() - startedAt < MAX_QUIET_WAIT_MS) {
      await sleep(QUIET_MS);
      if (performance.now() - this.#dispatcher.refusedAt >= QUIET_MS) return;
    }
  }

  #record(): ServiceRecord {
    return {
      service: this.service,
      address: this.#addresses.pycomAddress,
      interfaces: this.interfaces,
      endpoints: this.#addresses.endpoints,
      tags: this.#options.tags ?? [],
      data: this.#options.data ?? {},
      incarnation: this.incarnation,
    };
  }
}

/** How long answers may take to leave when a listener closes. */
const LINGER_MS = 1_000;
/** A draining host closes when nobody was refused for so long … */
const QUIET_MS = 60;
/** … or after this time at the latest. */
const MAX_QUIET_WAIT_MS = 1_000;

/** @throws ConfigurationError when there would have to be a journal */
function requireNoJournal({ name, methods }: ExposedInterface): void {
  for (const { contract } of methods.values()) {
    if (!contract.once) continue;
    throw new ConfigurationError(
      `${name}.${contract.name} is declared once, and this host has no journal: ${JOURNAL_ADVICE}`,
    );
  }
}

/** @throws ConfigurationError for a name that no socket takes */
function routingIdOf(option: string | undefined, service: string): Uint8Array | undefined {
  const routingId = Buffer.from(option ?? service);
  if (isRoutingId(routingId)) return routingId;
  if (option === undefined) return undefined;
  throw new ConfigurationError(`The option routingId has 1 to 255 octets, got ${routingId.length}`);
}

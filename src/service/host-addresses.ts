import { ConfigurationError } from "../errors.js";
import type { AnswerWindow } from "../peer/answers/answer-window.js";
import type { BoundAddress } from "../peer/bound-address.js";
import type { LoadLimits } from "../peer/caller-load.js";
import type { ConnectedPeer } from "../peer/connected-peer.js";
import type { Dispatcher } from "../peer/dispatcher.js";
import type { Protocol, ProtocolListener } from "../peer/protocol.js";
import { protocolAddress } from "../peer/protocol-option.js";
import { type Endpoint as EndpointRecord, pycomEndpoint } from "../peer/record.js";
import type { HeldReference } from "../peer/references/held-reference.js";
import type { Dynamic, Remote } from "../peer/remote.js";
import type { Gate, Mechanism } from "../security/gate.js";
import { keyText } from "../security/keys.js";
import {
  type ConnectionQuota,
  machineAddress,
  machineId,
  parseAddress,
  parseAnyAddress,
  processAddress,
  type Transport,
} from "../transport/index.js";
import { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import { wireNames } from "../wire/registry.js";
import { Endpoint } from "./endpoint.js";
import { publicAddress } from "./public-address.js";
import { SubscriberAddresses } from "./subscriber-addresses.js";
import type { SubscriberHandlers } from "./subscriber-endpoint.js";

/** Options of {@link HostAddresses}. */
export interface HostAddressesOptions {
  /** What is to be bound. */
  readonly wanted: readonly BoundAddress[];
  /** Moves the frames. */
  readonly transport: Transport;
  /** Who may come in; absent: everybody. */
  readonly gate: Gate | undefined;
  /** What peers may call. */
  readonly dispatcher: Dispatcher;
  /** What was answered before. */
  readonly answers: AnswerWindow;
  /** This run of this host. */
  readonly incarnation: string;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** References that a peer may hold, and be held of. */
  readonly maxReferences: number;
  /** What peers may take: each of them, and all together. */
  readonly limits: { readonly load: LoadLimits; readonly quota: ConnectionQuota };
  /** What ROUTER sockets know the host by. */
  readonly routingId: Uint8Array | undefined;
  /** Do others find the host through a nameserver? */
  readonly isRegistered: boolean;
  /** May it be reached by the shorter ways of one machine and one process, if it is registered? */
  readonly withinMachine: boolean;
  /** Who is told of SUB sockets that connect; asked when the addresses are bound. Default, or `undefined`: they are refused. */
  readonly subscribers?: (() => SubscriberHandlers | undefined) | undefined;
  /** Told of what happens. */
  readonly log: Logger;
}

/** The addresses of one host: bound, with whoever is connected there, and as a nameserver is told of them. */
export class HostAddresses {
  readonly #options: HostAddressesOptions;
  readonly #wheel = new DeadlineWheel();
  #endpoints: Endpoint[] = [];
  #subscribers: SubscriberAddresses | undefined;
  /** Addresses at which protocols answer. */
  #listeners: ProtocolListener[] = [];
  #bound: readonly EndpointRecord[] = [];
  #withinMachine: readonly EndpointRecord[] = [];
  #withinProcess: readonly EndpointRecord[] = [];

  constructor(options: HostAddressesOptions) {
    this.#options = options;
  }

  /** What was asked for, as others connect to it; empty before it is bound. */
  get bound(): readonly EndpointRecord[] {
    return this.#bound;
  }

  /** {@link HostAddresses.bound}, and the shorter ways for callers on this machine. */
  get endpoints(): readonly EndpointRecord[] {
    return [...this.#bound, ...this.#withinMachine];
  }

  /**
   * Where SUB sockets may connect, best first; empty where the host takes none. One within this process (`memory://`) is of no use
   * to others.
   */
  get subscriberEndpoints(): readonly EndpointRecord[] {
    return this.#subscribers?.records ?? [];
  }

  /** The address for PyCOM's peers. */
  get pycomAddress(): string {
    return (pycomEndpoint(this.#own) ?? this.#own[0])?.address ?? "";
  }

  /** Peers that are connected now and have said something. */
  peers(): readonly ConnectedPeer[] {
    return [...this.#endpoints, ...this.#listeners].flatMap((bound) => [...(bound.peers?.() ?? [])]);
  }

  /** What is held of peers, and by them. */
  references(): readonly HeldReference[] {
    return this.#endpoints.flatMap((endpoint) => [...endpoint.references()]);
  }

  /**
   * A proxy of what a peer exposes.
   *
   * @throws ConfigurationError when there is no such peer, or its wire knows no calls this way
   */
  peer(id: string, interfaceName: string | undefined): Remote<Dynamic> {
    for (const bound of [...this.#endpoints, ...this.#listeners]) {
      const end = bound.find?.(id);
      if (end) return end.peer(interfaceName);
    }
    throw new ConfigurationError(`No peer ${JSON.stringify(id)} is connected to this host`);
  }

  /** Others are trusted now: who is not any more has to go. */
  recheck(): void {
    for (const endpoint of this.#endpoints) void endpoint.recheck();
    this.#subscribers?.recheck();
  }

  /**
   * Binds all of them.
   *
   * @throws ConfigurationError for a wrong address, a port in use, or one that cannot be registered
   */
  async bind(): Promise<void> {
    const { wanted, isRegistered, withinMachine, log } = this.#options;
    if (isRegistered) requireReachable(wanted);
    const handlers = this.#options.subscribers?.();
    this.#subscribers = handlers && new SubscriberAddresses({ ...this.#options, handlers });
    const bound: EndpointRecord[] = [];
    for (const { address, mechanisms, advertise, wire } of wanted) {
      const real = wire ? await this.#listenBy(wire, address) : await this.#listen(address, mechanisms);
      const told = publicAddress(real, advertise, log);
      bound.push({ address: told, wires: wire ? [wire.name] : wireNames(), ...this.#proofs(mechanisms) });
    }
    this.#bound = bound;
    const isTcp = this.#own.some(({ address }) => address.startsWith("tcp://"));
    if (isRegistered && isTcp && withinMachine) await this.#bindWithinMachine();
    await this.#subscribers?.bind([...this.#withinProcess, ...this.#withinMachine, ...this.#own], this.#proofs());
  }

  /** Closes all; what was answered is flushed for at most so many milliseconds. */
  async close(lingerMs: number): Promise<void> {
    const bound = [...this.#endpoints, ...this.#listeners, ...(this.#subscribers ? [this.#subscribers] : [])];
    await Promise.all(bound.map((one) => one.close(lingerMs)));
    this.#endpoints = [];
    this.#listeners = [];
  }

  /** Those at which our own wires are answered. */
  get #own(): readonly EndpointRecord[] {
    return this.#bound.filter((_, index) => this.#options.wanted[index]?.wire === undefined);
  }

  /** Callers on the same machine need not go through TCP, those in the same process through nothing at all. */
  async #bindWithinMachine(): Promise<void> {
    const { transport, gate, incarnation, log } = this.#options;
    const { name, abilities } = transport;
    const machine = machineId();
    // Inside of a process nobody proves anything.
    if (abilities.schemes.includes("memory") && !gate) {
      const address = await this.#listen(processAddress(incarnation));
      this.#withinProcess = [{ address, wires: wireNames(), ...(machine !== undefined && { machine }) }];
    }
    if (machine === undefined || name === "zeromq") return;
    try {
      const address = await this.#listen(machineAddress(incarnation));
      this.#withinMachine = [{ address, wires: wireNames(), machine, ...this.#proofs() }];
    } catch (error) {
      // It is only the shorter way.
      log.info(`There is no unix socket for callers on this machine: ${(error as Error).message}`);
    }
  }

  /**
   * @param mechanisms - default: as for every address
   * @returns the address that was bound
   */
  async #listen(address: string, mechanisms = this.#options.gate?.mechanisms): Promise<string> {
    const { transport, limits, gate, maxMessageBytes, routingId } = this.#options;
    const endpoint = new Endpoint({
      ...this.#options,
      wheel: this.#wheel,
      limits: limits.load,
      seesPeers: transport.abilities.seesPeers,
    });
    const subscribers = this.#subscribers?.at(address);
    const listener = await transport.listen(address, endpoint, {
      maxMessageBytes,
      subscribers,
      security: mechanisms && gate?.listenerSecurity(mechanisms),
      quota: limits.quota,
      routingId,
    });
    endpoint.attach(listener);
    subscribers?.attach(listener);
    this.#endpoints.push(endpoint);
    return listener.address;
  }

  /** @returns the address that was bound */
  async #listenBy(protocol: Protocol, address: string): Promise<string> {
    const { dispatcher, incarnation, maxMessageBytes, limits, log } = this.#options;
    const { load, quota } = limits;
    if (!protocol.listen)
      throw new ConfigurationError(`The protocol ${protocol.name} is for clients: no host answers by it`);
    const listener = await protocol.listen(protocolAddress(protocol, address), {
      dispatcher,
      incarnation,
      wheel: this.#wheel,
      maxMessageBytes,
      limits: load,
      quota,
      log,
    });
    this.#listeners.push(listener);
    return listener.address;
  }

  /** What callers have to know of how this host is reached where these mechanisms hold. */
  #proofs(mechanisms = this.#options.gate?.mechanisms): Pick<EndpointRecord, "mechanisms" | "key"> {
    const { gate } = this.#options;
    if (!gate || !mechanisms) return {};
    const publicKey = gate.publicKey(mechanisms);
    return { mechanisms, ...(publicKey && { key: keyText(publicKey) }) };
  }
}

/** @throws ConfigurationError for addresses that would be of no use to others, or to the nameserver */
function requireReachable(wanted: readonly BoundAddress[]): void {
  for (const { address, wire } of wanted) {
    const { scheme } = wire ? parseAnyAddress(address) : parseAddress(address);
    if (scheme !== "memory") continue;
    throw new ConfigurationError(
      `${address} cannot be registered: it exists in this process only. Callers in this process need no address for it`,
    );
  }
  if (wanted.some(({ wire }) => wire === undefined)) return;
  const names = [...new Set(wanted.map(({ wire }) => wire?.name))].join(" and ");
  throw new ConfigurationError(
    `A host that registers needs an address of its own wires besides those of ${names}: there the nameserver asks whether it is ` +
      'alive. Add one, such as "tcp://127.0.0.1:0", or do not register (nameserver: false)',
  );
}

/** @throws ConfigurationError when gate or transport cannot do what security and addresses ask for */
export function requireProofs(
  addresses: readonly BoundAddress[],
  { name, abilities }: Transport,
  gate: Gate | undefined,
): void {
  const mechanisms = [...(gate?.mechanisms ?? [])];
  for (const { address, mechanisms: own, wire } of addresses) {
    if (gate && own) gate.require(own);
    if (wire) requireOpen(address, wire, own, gate?.mechanisms);
    if (!own || wire) continue;
    if (gate) mechanisms.push(...own);
    else if (own.some((mechanism) => mechanism !== "null")) {
      throw new ConfigurationError(`${address} lets peers in by ${own.join(" and ")}, which needs the option security`);
    }
  }
  if (!gate) return;
  const missing = mechanisms.filter((mechanism) => !abilities.security.includes(mechanism));
  if (missing.length === 0 && abilities.knowsUser) return;
  throw new ConfigurationError(
    `The transport ${name} ${missing.length > 0 ? `cannot do ${missing.join(" and ")}` : "does not know who sent a message"}; ` +
      "leave out the option transport, or the option security",
  );
}

/**
 * A protocol of which this package knows only calls lets in whoever comes. Where everybody else has to prove who he is, that has
 * to be said.
 *
 * @throws ConfigurationError where it is not
 */
function requireOpen(
  address: string,
  { name }: Protocol,
  own: readonly Mechanism[] | undefined,
  others: readonly Mechanism[] = [],
): void {
  const asked = (own ?? others).filter((mechanism) => mechanism !== "null");
  if (asked.length === 0) return;
  throw new ConfigurationError(
    `Peers at ${address} cannot prove who they are by ${asked.join(" or ")}: the protocol ${name} lets in whoever comes. To have ` +
      'that all the same, give the address the mechanisms ["null"]; policies say what everybody may call',
  );
}

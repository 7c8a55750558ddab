import type { RpcError } from "../errors.js";
import type { ConnectionQuota } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import type { CallId, CallMessage } from "../wire/message.js";
import type { CallOrigin } from "./call-origin.js";
import type { LoadLimits } from "./caller-load.js";
import type { Channel } from "./channel.js";
import type { ConnectedPeer } from "./connected-peer.js";
import type { MethodContract } from "./contract.js";

/**
 * A protocol that is no wire, for it brings connections of its own: such as AMP, whose boxes follow each other on a stream and
 * which changes to TLS half-way. Clients call by it and hosts answer by it, as an object and without being registered:
 * `client.connect(address, interface, { wire: protocol })`, `new Host({ address: [{ address, wire: protocol }] })`.
 *
 * Connections, deadlines, retries and what the nameserver knows are the client's business as ever; policies, limits and draining
 * the host's. A client keeps one channel for each object and address: who wants other settings makes another object.
 */
export interface Protocol {
  /** Short lower-case name: what registrations say among `wires`, and errors. No registered wire has the same. */
  readonly name: string;
  /** Schemes of the addresses that it can use, best first: such as `["tls", "tcp", "ipc"]`. */
  readonly schemes: readonly string[];
  /**
   * Can nobody listen at an address, and does whoever answers there prove who it is, as with TLS? Clients that say nothing in
   * clear text call it only there. Absent: nowhere.
   *
   * @param address - with scheme
   */
  isSecret?(address: string): boolean;
  /**
   * Starts connecting.
   *
   * The channel takes calls as they are given, without asking for contracts: its `takesKeywords` is true. `givenArguments` reads
   * the arguments of a call, and `requirePlainCall` refuses what the protocol has no place for. A call that turns out not to fit
   * is told so by `failed`, with `not-sent`; one that wants no answer (`isOneWay`) is answered when it is sent. A channel that goes rejects what is in flight at once, and never connects again.
   *
   * @param address - with scheme, which is one of {@link Protocol.schemes}
   * @throws ConfigurationError for an address that it cannot use
   */
  connect(address: string, options: ProtocolConnectOptions): Channel;
  /**
   * What is known of a method beforehand, from whichever end says it: asked before each call is sent, so it must be quick and not
   * throw. An unanswered call of an idempotent method is tried again. Absent, or `undefined`: not idempotent.
   *
   * @param interfaceName - `""` where the caller names none
   */
  contractOf?(interfaceName: string, method: string): Pick<MethodContract, "idempotent"> | undefined;
  /**
   * What callers get of a call that has failed for good, such as an error of a class that its method declares. Whether the call is
   * tried again was decided by the error itself. Must not throw. Absent: the error.
   *
   * @param interfaceName - `""` where the caller names none
   * @returns the error itself, or one whose `cause` it is
   */
  errorOf?(interfaceName: string, method: string, error: RpcError): unknown;
  /**
   * Binds an address, and answers there by the host's dispatcher. Absent: it is for clients only.
   *
   * @param address - with scheme, which is one of {@link Protocol.schemes}; port 0 takes a free one, and the host
   *   may be `*`
   * @throws ConfigurationError for an address that it cannot use or a port in use
   */
  listen?(address: string, options: ProtocolListenOptions): Promise<ProtocolListener>;
}

/** Carries out the calls of others, by what a host or client provides. Policies and draining are its business. */
export interface Callee {
  /**
   * Serves one call and has it answered, now or later, exactly once.
   *
   * @param arrivedAt - when its deadline began to run, in milliseconds of `performance.now()`
   */
  dispatch(message: CallMessage, origin: CallOrigin, arrivedAt: number): void;
  /**
   * What a method says of itself, for protocols that have to know the types of its arguments to read them; `undefined` where a call
   * would not find one.
   *
   * @param interfaceName - `""` for whichever has the method, as in a {@link CallMessage}
   */
  contractOf(interfaceName: string, method: string): MethodContract | undefined;
  /** A caller gives a call up; it is answered all the same. */
  cancel(connection: object, id: CallId, reason: Error): void;
  /** A caller is gone: as if it had given up all its calls. */
  abandon(connection: object, reason: Error): void;
}

/** What a client gives to {@link Protocol.connect}. */
export interface ProtocolConnectOptions {
  /** The client's clock, which keeps the deadlines of calls. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Calls that may wait for an answer at the same time. One more is refused with `OVERLOADED`, `not-sent`. */
  readonly maxInFlight: number;
  /** Bytes of their requests together; a single call may always go. */
  readonly maxInFlightBytes: number;
  /** What the other end may call (`client.provide`), where the protocol lets both ends call. */
  readonly dispatcher: Callee;
  /** Deadline of calls that the channel makes by itself, in milliseconds; `undefined`: 30,000. */
  readonly timeoutMs: number | undefined;
  /** Told of what is ignored. */
  readonly log: Logger;
  /** To be called once, when the channel is gone or could not be made; its `closedReason` is set by then. */
  readonly onClosed: (channel: Channel) => void;
}

/** What a host gives to {@link Protocol.listen}. */
export interface ProtocolListenOptions {
  /** What peers may call. */
  readonly dispatcher: Callee;
  /** This run of this host. */
  readonly incarnation: string;
  /** Keeps the deadlines of calls to peers. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** What one connection may have under way: for the `CallerLoad` of each, which goes with its calls as `load` of their origin. */
  readonly limits: LoadLimits;
  /** Counts the connections of all addresses of the host: each is to be opened there, and one too many is not accepted. */
  readonly quota: ConnectionQuota;
  /** Told of what is ignored. */
  readonly log: Logger;
}

/** An address at which a {@link Protocol} answers. */
export interface ProtocolListener {
  /** The real address, with scheme and the real port. */
  readonly address: string;
  /** Those that are connected, for `host.peers`; absent: they are not listed. */
  peers?(): Iterable<ConnectedPeer>;
  /** Finds one of them, for `host.peer(id)`; absent: nobody can be called. */
  find?(id: string): Pick<CallOrigin, "peer"> | undefined;
  /**
   * Stops listening and closes its connections. Answers that were given are flushed for at most `lingerMs` milliseconds.
   * Idempotent; settles when the address is free again.
   */
  close(lingerMs: number): Promise<void>;
}

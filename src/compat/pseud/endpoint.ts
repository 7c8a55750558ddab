import { ConfigurationError, type RpcError, rpcError } from "../../errors.js";
import { Dispatcher } from "../../peer/dispatcher.js";
import { readLimits } from "../../peer/limits.js";
import { Sessions } from "../../peer/sessions.js";
import { automaticTransport, findTransport, type Transport } from "../../transport/index.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import { type Logger, SILENT } from "../../util/log.js";
import { sleep } from "../../util/sleep.js";
import { thrownText } from "../../util/thrown-text.js";
import { createPseudWire } from "../../wire/pseud/index.js";
import { DEFAULT_LIMITS } from "../../wire/wire.js";
import { Calls } from "./calls.js";
import { Connections } from "./connections.js";
import type { PeerInfo, PseudEvent } from "./events.js";
import { findHeartbeat } from "./heartbeat/index.js";
import type { Heartbeat, HeartbeatPeer } from "./heartbeat/plugin.js";
import { exposeJobs, type Fallback, type JobSource } from "./jobs.js";
import type { EndpointOptions } from "./options.js";
import { type PeerConnection, type PeerContext, PseudPeer } from "./pseud-peer.js";
import type { Registration } from "./registration.js";
import { createLocalRegistry, type JobFunction, type JobOptions, type Registry } from "./registry.js";
import { Roster } from "./roster.js";
import { findRouting } from "./routing.js";
import type { ClientSecurity, ServerSecurity } from "./security/plugin.js";

/** What tells a server from a client. */
export interface EndpointRole {
  /** For people. */
  readonly kind: "server" | "client";
  /** The name that this end tells its peers. */
  readonly routingId?: Uint8Array | undefined;
  /** For a server: decides who may come in. */
  readonly admits?: ServerSecurity | undefined;
  /** For a client: says who it is. */
  readonly proves?: ClientSecurity | undefined;
  /** For a server that is to be located: keeps it registered. */
  readonly registration?: Registration | undefined;
  /** The names that a peer may be called by. */
  namesOf(peer: PseudPeer): readonly string[];
  /** What carries out jobs that are not found here. */
  fallback(): Fallback | undefined;
}

type State = "new" | "running" | "stopping" | "stopped";

/** What servers and clients have in common: connections either way, jobs, calls. */
export class Endpoint implements JobSource {
  readonly registry: Registry;
  /** For people. */
  readonly kind: EndpointRole["kind"];
  /** Calls of peers. */
  readonly calls: Calls;
  readonly #role: EndpointRole;
  readonly #options: EndpointOptions;
  readonly #transport: Transport;
  readonly #log: Logger;
  readonly #wheel = new DeadlineWheel();
  readonly #dispatcher: Dispatcher;
  readonly #context: PeerContext;
  readonly #roster: Roster;
  readonly #heartbeat: Heartbeat;
  readonly #connections: Connections;
  /** By what stands for the connection in calls. */
  readonly #peers = new WeakMap<object, PseudPeer>();
  #state: State = "new";
  #stopping: Promise<void> | undefined;

  /** @throws ConfigurationError for a wrong option */
  constructor(role: EndpointRole, options: EndpointOptions) {
    this.#role = role;
    this.kind = role.kind;
    this.#options = options;
    this.#log = options.log ?? SILENT;
    // Pseud lives on knowing who is there: what the environment says of other transports does not count.
    this.#transport = options.transport === undefined ? automaticTransport : findTransport(options.transport);
    this.#requireAbilities();
    this.registry = options.registry ?? createLocalRegistry();
    this.#dispatcher = new Dispatcher({
      sessions: new Sessions(),
      maxConcurrent: options.maxConcurrent,
      errors: options.errors ?? "message",
      log: options.log,
    });
    this.#dispatcher.expose(
      exposeJobs({
        registry: this.registry,
        predicateArguments: (user) => this.predicateArguments(user),
        userIdOf: (call) => this.#peers.get(call.origin.connection)?.userId ?? NOBODY,
        fallback: () => role.fallback(),
      }),
    );
    this.#roster = new Roster(findRouting(options.routing), (peer) => role.namesOf(peer));
    const { timeoutMs = DEFAULT_TIMEOUT_MS, jobTimeoutMs } = options;
    requireTime("timeoutMs", timeoutMs);
    requireTime("jobTimeoutMs", jobTimeoutMs ?? Infinity);
    const { quota, load } = readLimits(options.limits);
    this.#context = {
      limits: load,
      wire: createPseudWire({
        translations: options.translations,
        errorNames: options.errorNames,
        latestAnswerMs: jobTimeoutMs,
      }),
      dispatcher: this.#dispatcher,
      wheel: this.#wheel,
      maxMessageBytes: options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes,
      timeoutMs,
      log: this.#log,
      challenge: role.admits?.challenge,
      login: role.proves?.login,
      heard: (peer) => {
        this.#guarded(() => this.#heartbeat.heard?.(peer));
      },
      admitted: (peer) => {
        this.#join(peer);
      },
    };
    this.#heartbeat = findHeartbeat(options.heartbeat)[role.kind]({
      beat: () => {
        for (const peer of this.#roster.peers) peer.beat();
      },
      gone: (peer) => {
        this.#tellGone(peer, "silent");
      },
    });
    this.calls = new Calls({
      roster: this.#roster,
      wheel: this.#wheel,
      timeoutMs,
      objection: () => this.#objection(),
      refusal: () => this.#connections.refusal,
      failures: () => this.#connections.failures,
    });
    this.#connections = new Connections({
      transport: this.#transport,
      isAutomatic: options.transport === undefined,
      routingId: role.routingId,
      admits: role.admits,
      proves: role.proves,
      registration: role.registration,
      quota,
      maxMessageBytes: this.#context.maxMessageBytes,
      probe: options.probe ?? true,
      log: this.#log,
      open: (connection) => this.#open(connection),
      lost: (peer, reason) => {
        this.#lost(peer, reason);
      },
      unreachable: (address, reason) => {
        this.#tell({ type: "unreachable", address, reason });
        this.#roster.nudge();
      },
    });
  }

  /** One line that says what this is and how it is. */
  describe(): string {
    const where = this.#connections.addresses.join(" ");
    const count = [...this.#roster.peers].length;
    return `pseud ${this.#role.kind}${where === "" ? "" : ` @ ${where}`} ${this.#state === "running" ? `${count} peers` : this.#state}`;
  }

  predicateArguments(user: string): ReturnType<JobSource["predicateArguments"]> {
    return this.#role.admits?.predicateArguments?.(user) ?? { user };
  }

  /** See the public classes. */
  register<F extends JobFunction>(run: F, options?: JobOptions): F {
    return this.registry.register(run, options);
  }

  /** See the public classes. */
  async bind(address: string): Promise<string> {
    this.#requireUsable();
    const real = await this.#connections.bind(address);
    if (this.#state === "new") this.#state = "running";
    // It may have been stopped meanwhile.
    if (this.#stopping) {
      await this.#role.registration?.unregister();
      await this.#connections.close(0);
    }
    this.#requireUsable();
    return real;
  }

  /** See the public classes. */
  connect(address: string): void {
    this.#requireUsable();
    this.#connections.connect(address);
    this.#state = "running";
  }

  /** Ends the connection to an address; `false` when there is none. */
  disconnect(address: string): boolean {
    return this.#connections.disconnect(address);
  }

  /** Peers that are known. */
  get peers(): readonly PeerInfo[] {
    return Array.from(this.#roster.peers, infoOf);
  }

  /** See the public classes. */
  start(): void {
    this.#requireUsable();
    if (this.#state === "new") throw new ConfigurationError(NOT_CONNECTED);
  }

  /** See the public classes. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#state = "stopping";
    this.#guarded(() => this.#heartbeat.stop?.());
    const { registration } = this.#role;
    await registration?.unregister();
    const giveUp = new AbortController();
    await Promise.race([
      this.#dispatcher.drain(),
      sleep(this.#options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS, giveUp.signal),
    ]);
    giveUp.abort();
    const reason = rpcError("CLOSED", `The ${this.#role.kind} was stopped`);
    this.#dispatcher.abort(rpcError("CLOSED", reason.message, { outcome: "executed" }));
    for (const peer of [...this.#roster.peers]) this.#lost(peer, reason);
    await this.#connections.close(LINGER_MS);
    this.#state = "stopped";
    this.#roster.nudge();
  }

  /** A connection is there. */
  #open(connection: PeerConnection): PseudPeer {
    const peer = new PseudPeer(this.#context, connection);
    this.#peers.set(peer.connection, peer);
    if (peer.isKnown) this.#join(peer);
    return peer;
  }

  /** It is known who is at its other end. */
  #join(peer: PseudPeer): void {
    this.#roster.add(peer);
    this.#guarded(() => this.#heartbeat.joined?.(peer));
    this.#tell({ type: "joined", peer: infoOf(peer) });
  }

  #lost(peer: PseudPeer, reason: RpcError): void {
    peer.lost(reason);
    if (!this.#roster.delete(peer)) return;
    this.#guarded(() => this.#heartbeat.left?.(peer));
    this.#tellGone(peer, "disconnected");
  }

  #tellGone(peer: HeartbeatPeer, reason: "disconnected" | "silent"): void {
    if (peer instanceof PseudPeer) this.#tell({ type: "gone", peer: infoOf(peer), reason });
  }

  #tell(event: PseudEvent): void {
    this.#guarded(() => this.#options.onEvent?.(event));
  }

  /** What the application brings must not keep others from being served. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#log.error(`A plugin, or onEvent, failed: ${thrownText(error)}`);
    }
  }

  #objection(): RpcError | undefined {
    if (this.#state === "running") return undefined;
    if (this.#state === "new") return rpcError("CONFIGURATION", NOT_CONNECTED, { outcome: "not-sent" });
    return rpcError("CLOSED", `The ${this.#role.kind} was stopped`, { outcome: "not-sent" });
  }

  #requireUsable(): void {
    if (this.#state === "new" || this.#state === "running") return;
    throw new ConfigurationError(`This ${this.#role.kind} was stopped, and cannot be started again: make another one`);
  }

  /** @throws ConfigurationError when the transport cannot do what the security asks for */
  #requireAbilities(): void {
    const { admits } = this.#role;
    const { name, abilities } = this.#transport;
    const wanted = admits?.listener !== undefined || admits?.challenge !== undefined;
    if (!wanted || abilities.knowsUser) return;
    throw new ConfigurationError(
      `The transport ${name} does not know who sent a message; leave out the option transport, or the option security`,
    );
  }
}

/** @throws ConfigurationError for what is no time */
function requireTime(option: string, ms: number): void {
  if (ms > 0) return;
  throw new ConfigurationError(`The option ${option} is a number of milliseconds above 0, got ${String(ms)}`);
}

function infoOf({ id, user, routingId, remoteAddress }: PseudPeer): PeerInfo {
  return { id, user, routingId, remoteAddress };
}

const NOBODY = Buffer.alloc(0);
const NOT_CONNECTED = "Nothing is connected yet: call bind() or connect() first";
const DEFAULT_TIMEOUT_MS = 5_000;
const DRAIN_TIMEOUT_MS = 2_000;
/** How long answers may take to leave when a listener closes, in milliseconds. */
const LINGER_MS = 1_000;

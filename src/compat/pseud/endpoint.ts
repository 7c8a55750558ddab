import { ConfigurationError, type RpcError, rpcError } from "../../errors.js";
import { Dispatcher } from "../../peer/dispatcher.js";
import { readLimits } from "../../peer/limits.js";
import { Sessions } from "../../peer/sessions.js";
import {
  automaticTransport,
  findTransport,
  type LinkOptions,
  type Listener,
  type ListenOptions,
  type Peer,
  type RemoteEnd,
  type Transport,
} from "../../transport/index.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import { type Logger, SILENT } from "../../util/log.js";
import { sleep } from "../../util/sleep.js";
import { isMessage } from "../../wire/pseud/format.js";
import { createPseudWire } from "../../wire/pseud/index.js";
import { DEFAULT_LIMITS } from "../../wire/wire.js";
import { Calls } from "./calls.js";
import { Dialler } from "./dialler.js";
import type { PeerInfo, PseudEvent } from "./events.js";
import { findHeartbeat } from "./heartbeat/index.js";
import type { Heartbeat, HeartbeatPeer } from "./heartbeat/plugin.js";
import { exposeJobs, type Fallback, type JobSource } from "./jobs.js";
import type { EndpointOptions } from "./options.js";
import { type PeerContext, PseudPeer } from "./pseud-peer.js";
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
  readonly #limits: ReturnType<typeof readLimits>;
  readonly #listeners = new Set<Listener>();
  readonly #diallers = new Set<Dialler>();
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
      exposeJobs("", {
        registry: this.registry,
        predicateArguments: (user) => this.predicateArguments(user),
        userIdOf: (call) => this.#peers.get(call.origin.connection)?.userId ?? NOBODY,
        fallback: () => role.fallback(),
      }),
    );
    this.#roster = new Roster(findRouting(options.routing), (peer) => role.namesOf(peer));
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#limits = readLimits(options.limits);
    this.#context = {
      limits: this.#limits.load,
      wire: createPseudWire({
        translations: options.translations,
        errorNames: options.errorNames,
        latestAnswerMs: options.jobTimeoutMs,
      }),
      dispatcher: this.#dispatcher,
      wheel: this.#wheel,
      maxMessageBytes: options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes,
      timeoutMs,
      log: this.#log,
      challenge: role.admits?.challenge,
      login: role.proves?.login,
      heard: (peer) => this.#heartbeat.heard?.(peer),
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
      refusal: () => this.#refusal(),
    });
  }

  /** One line that says what this is and how it is. */
  describe(): string {
    const where = [...this.#listeners, ...this.#diallers].map(({ address }) => address).join(" ");
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
    const { routingId, admits, proves, registration } = this.#role;
    const options: ListenOptions = {
      maxMessageBytes: this.#context.maxMessageBytes,
      security: admits?.listener,
      proof: proves?.link,
      routingId,
      quota: this.#limits.quota,
    };
    const peers = new Map<Peer, PseudPeer>();
    const peerOf = (peer: Peer): PseudPeer => {
      const known = peers.get(peer);
      if (known) return known;
      const made = this.#open({
        ...peer,
        send: (frames) => {
          listener.send(peer, frames);
        },
        close: (reason) => {
          listener.disconnect(peer, reason);
        },
      });
      peers.set(peer, made);
      return made;
    };
    const listener = await this.#transport.listen(
      this.#placeOf(address),
      {
        joined: peerOf,
        message: (peer, frames) => {
          if (registration && frames.length > 1 && !isMessage(frames)) registration.message(listener, peer, frames);
          else peerOf(peer).receive(frames);
        },
        gone: (peer) => {
          registration?.gone(listener, peer);
          const known = peers.get(peer);
          peers.delete(peer);
          if (known) this.#lost(known, rpcError("UNAVAILABLE", `${known.id} is gone`));
        },
        refused: (peer, reason) => {
          this.#log.debug(`${peer.id} was not let in: ${reason.message}`);
        },
      },
      options,
    );
    if (this.#state === "stopping" || this.#state === "stopped") {
      await listener.close(0);
      this.#requireUsable();
    }
    this.#listeners.add(listener);
    this.#state = "running";
    await registration?.bound(listener);
    return listener.address;
  }

  /** See the public classes. */
  connect(address: string): void {
    this.#requireUsable();
    const { routingId, admits, proves } = this.#role;
    const options: LinkOptions = {
      maxMessageBytes: this.#context.maxMessageBytes,
      security: proves?.link,
      admission: admits?.listener,
      // A transport of others' may know no other than its own.
      socketType: this.#transport.abilities.knowsUser ? "ROUTER" : undefined,
      routingId,
      probe: this.#options.probe ?? true,
    };
    let peer: PseudPeer | undefined;
    const dialler = new Dialler(this.#placeOf(address), this.#transport, options, {
      opened: (link, end) => {
        peer = this.#open({
          id: address,
          remoteAddress: undefined,
          ...(end ?? UNKNOWN_END),
          send: (frames, unsent) => {
            link.send(frames, unsent);
          },
          close: (reason) => {
            link.close(reason);
          },
        });
      },
      message: (frames) => {
        peer?.receive(frames);
      },
      closed: (reason, isOpen) => {
        if (peer) this.#lost(peer, reason);
        peer = undefined;
        if (!isOpen) {
          this.#tell({ type: "unreachable", address, reason: reason.message });
          this.#roster.nudge();
        }
      },
    });
    this.#diallers.add(dialler);
    this.#state = "running";
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
    this.#heartbeat.stop?.();
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
    for (const dialler of this.#diallers) dialler.close();
    await Promise.all([...this.#listeners].map((listener) => listener.close(LINGER_MS)));
    await registration?.close();
    this.#state = "stopped";
    this.#roster.nudge();
  }

  /** A connection is there. */
  #open(connection: ConstructorParameters<typeof PseudPeer>[1]): PseudPeer {
    const peer = new PseudPeer(this.#context, connection);
    this.#peers.set(peer.connection, peer);
    if (peer.isKnown) this.#join(peer);
    return peer;
  }

  /** It is known who is at its other end. */
  #join(peer: PseudPeer): void {
    this.#roster.add(peer);
    this.#heartbeat.joined?.(peer);
    this.#tell({ type: "joined", peer: infoOf(peer) });
  }

  #lost(peer: PseudPeer, reason: RpcError): void {
    peer.lost(reason);
    if (!this.#roster.delete(peer)) return;
    this.#heartbeat.left?.(peer);
    this.#tellGone(peer, "disconnected");
  }

  #tellGone(peer: HeartbeatPeer, reason: "disconnected" | "silent"): void {
    if (peer instanceof PseudPeer) this.#tell({ type: "gone", peer: infoOf(peer), reason });
  }

  #tell(event: PseudEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch (error) {
      this.#log.error(`onEvent failed: ${String(error)}`);
    }
  }

  #objection(): RpcError | undefined {
    if (this.#state === "running") return undefined;
    if (this.#state === "new") return rpcError("CONFIGURATION", NOT_CONNECTED, { outcome: "not-sent" });
    return rpcError("CLOSED", `The ${this.#role.kind} was stopped`, { outcome: "not-sent" });
  }

  /**
   * Inside of a process nothing needs libzmq.
   *
   * @throws ConfigurationError where nobody could prove anything
   */
  #placeOf(address: string): string {
    const isInside = /^(inproc|memory):/.test(address);
    if (!isInside || this.#options.transport !== undefined) return address;
    const { admits, proves } = this.#role;
    if (admits?.listener === undefined && proves?.link === undefined) return address.replace(/^inproc:/, "memory:");
    throw new ConfigurationError(
      `${address} is within this process, where nobody proves anything; leave out the option security, or take another address`,
    );
  }

  /** Why nobody is there, if all that were asked refuse this end. */
  #refusal(): RpcError | undefined {
    if (this.#listeners.size > 0) return undefined;
    const refusals = [...this.#diallers].map(({ refusal }) => refusal);
    return refusals.includes(undefined) ? undefined : refusals[0];
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

function infoOf({ id, user, routingId, remoteAddress }: PseudPeer): PeerInfo {
  return { id, user, routingId, remoteAddress };
}

const NOBODY = Buffer.alloc(0);
const UNKNOWN_END: RemoteEnd = {
  identity: { mechanism: "null", user: undefined, publicKey: undefined },
  routingId: new Uint8Array(),
};
const NOT_CONNECTED = "Nothing is connected yet: call bind() or connect() first";
const DEFAULT_TIMEOUT_MS = 5_000;
const DRAIN_TIMEOUT_MS = 2_000;
/** How long answers may take to leave when a listener closes, in milliseconds. */
const LINGER_MS = 1_000;

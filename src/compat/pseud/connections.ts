import { ConfigurationError, type RpcError, rpcError } from "../../errors.js";
import type { ConnectionQuota, Listener, Peer, RemoteEnd, Transport } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import { isMessage } from "../../wire/pseud/format.js";
import { Dialler } from "./dialler.js";
import type { PeerConnection, PseudPeer } from "./pseud-peer.js";
import type { Registration } from "./registration.js";
import type { ClientSecurity, ServerSecurity } from "./security/plugin.js";

/** What {@link Connections} needs of its endpoint. */
export interface ConnectionsContext {
  /** Moves the frames. */
  readonly transport: Transport;
  /** Is it one of the endpoint's own choice, so that it may take another for what is within the process? */
  readonly isAutomatic: boolean;
  /** The name that this end tells its peers. */
  readonly routingId: Uint8Array | undefined;
  /** For a server: decides who may come in. */
  readonly admits: ServerSecurity | undefined;
  /** For a client: says who it is. */
  readonly proves: ClientSecurity | undefined;
  /** For a server that is to be located: keeps it registered. */
  readonly registration: Registration | undefined;
  /** How many connections are taken. */
  readonly quota: ConnectionQuota;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Tell who is there as soon as a connection is made? */
  readonly probe: boolean;
  /** Told of peers that are not let in. */
  readonly log: Logger;
  /** A connection is there. */
  open(connection: PeerConnection): PseudPeer;
  /** It is gone. */
  lost(peer: PseudPeer, reason: RpcError): void;
  /** One could not be made. */
  unreachable(address: string, reason: string): void;
}

/** The connections of an endpoint, whichever end has made them. */
export class Connections {
  readonly #context: ConnectionsContext;
  readonly #listeners = new Set<Listener>();
  /** By what they were told. */
  readonly #diallers = new Map<string, Dialler>();

  constructor(context: ConnectionsContext) {
    this.#context = context;
  }

  /** Where it is bound, and what it connects to. */
  get addresses(): readonly string[] {
    return [...this.#listeners, ...this.#diallers.values()].map(({ address }) => address);
  }

  /** Why connections could not be made, for people; empty where all were. */
  get failures(): string {
    return Array.from(this.#diallers.values(), ({ failure }) => failure?.message)
      .filter((text) => text !== undefined)
      .join("; ");
  }

  /** Why nobody will be there, if all that were asked refuse this end; `undefined` while there is hope. */
  get refusal(): RpcError | undefined {
    if (this.#listeners.size > 0) return undefined;
    const refusals = [...this.#diallers.values()].map(({ refusal }) => refusal);
    return refusals.includes(undefined) ? undefined : refusals[0];
  }

  /**
   * Takes connections at an address.
   *
   * @returns the real address
   * @throws ConfigurationError for a wrong address or a port in use
   * @throws AccessDeniedError when the name that it is registered under belongs to another that is alive
   */
  async bind(address: string): Promise<string> {
    const { transport, registration, maxMessageBytes, admits, proves, routingId, quota, log } = this.#context;
    const peers = new Map<Peer, PseudPeer>();
    const peerOf = (peer: Peer): PseudPeer => {
      const known = peers.get(peer);
      if (known) return known;
      const { id, remoteAddress, identity, routingId: theirs } = peer;
      const made = this.#context.open({
        id,
        remoteAddress,
        identity,
        routingId: theirs,
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
    const listener = await transport.listen(
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
          if (known) this.#context.lost(known, rpcError("UNAVAILABLE", `${known.id} is gone`));
        },
        refused: (peer, reason) => {
          log.debug(`${peer.id} was not let in: ${reason.message}`);
        },
        taken: (peer) => {
          log.warn(`${peer.id} wanted a name that another peer has, and goes without it`);
        },
      },
      { maxMessageBytes, security: admits?.listener, proof: proves?.link, routingId, quota },
    );
    this.#listeners.add(listener);
    try {
      await registration?.bound(listener);
    } catch (error) {
      this.#listeners.delete(listener);
      await listener.close(0);
      throw error;
    }
    return listener.address;
  }

  /**
   * Keeps a connection to an address; one is enough.
   *
   * @throws ConfigurationError for a wrong address
   */
  connect(address: string): void {
    const { transport, maxMessageBytes, admits, proves, routingId, probe } = this.#context;
    if (this.#diallers.has(address)) return;
    let peer: PseudPeer | undefined;
    const dialler = new Dialler(
      this.#placeOf(address),
      transport,
      {
        maxMessageBytes,
        security: proves?.link,
        admission: admits?.listener,
        // A transport of others' may know no other than its own.
        socketType: transport.abilities.knowsUser ? "ROUTER" : undefined,
        routingId,
        probe,
      },
      {
        opened: (link, end) => {
          peer = this.#context.open({
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
          if (peer) this.#context.lost(peer, reason);
          peer = undefined;
          if (!isOpen) this.#context.unreachable(address, reason.message);
        },
      },
    );
    this.#diallers.set(address, dialler);
  }

  /** Ends the connection to an address; `false` when none is kept. */
  disconnect(address: string): boolean {
    this.#diallers.get(address)?.close();
    return this.#diallers.delete(address);
  }

  /** Ends all of them; what was sent may take `lingerMs` to leave. */
  async close(lingerMs: number): Promise<void> {
    for (const dialler of this.#diallers.values()) dialler.close();
    await Promise.all([...this.#listeners].map((listener) => listener.close(lingerMs)));
    await this.#context.registration?.close();
  }

  /**
   * Inside of a process nothing needs libzmq.
   *
   * @throws ConfigurationError where nobody could prove anything
   */
  #placeOf(address: string): string {
    const { isAutomatic, admits, proves } = this.#context;
    if (!isAutomatic || !/^(inproc|memory):/.test(address)) return address;
    if (admits?.listener === undefined && proves?.link === undefined) return address.replace(/^inproc:/, "memory:");
    throw new ConfigurationError(
      `${address} is within this process, where nobody proves anything; leave out the option security, or take another address`,
    );
  }
}

const UNKNOWN_END: RemoteEnd = {
  identity: { mechanism: "null", user: undefined, publicKey: undefined },
  routingId: new Uint8Array(),
};

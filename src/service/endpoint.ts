import { type RpcError, rpcError } from "../errors.js";
import type { AnswerWindow } from "../peer/answers/answer-window.js";
import type { LoadLimits } from "../peer/caller-load.js";
import type { ConnectedPeer } from "../peer/connected-peer.js";
import type { Dispatcher } from "../peer/dispatcher.js";
import { PeerEnd } from "../peer/peer-end.js";
import type { HeldReference } from "../peer/references/held-reference.js";
import type { Gate } from "../security/gate.js";
import type { Listener, ListenerHandlers, Peer } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import type { Frames } from "../wire/message.js";
import { recogniseWire } from "../wire/registry.js";
import type { Wire } from "../wire/wire.js";
import { ProvenPeers } from "./proven-peers.js";
import { Refusals } from "./refusals.js";

/** Options of {@link Endpoint}. */
export interface EndpointOptions {
  /** What peers may call. */
  readonly dispatcher: Dispatcher;
  /** What was answered before. */
  readonly answers: AnswerWindow;
  /** This run of this host. */
  readonly incarnation: string;
  /** Keeps the deadlines of calls to peers. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** References that a peer may hold, and be held of. */
  readonly maxReferences: number;
  /** What each of them may have under way. */
  readonly limits: LoadLimits;
  /** Does the listener see peers go? If not, those that say nothing for long are taken for gone. */
  readonly seesPeers: boolean;
  /** Who may come in; absent: everybody. */
  readonly gate: Gate | undefined;
  /** Told of what is ignored. */
  readonly log: Logger;
}

/** One bound address: tells the wires of its peers apart, and holds our end of the connection to each. */
export class Endpoint implements ListenerHandlers {
  readonly #options: EndpointOptions;
  readonly #ends = new Map<Peer, { readonly wire: Wire; readonly end: PeerEnd }>();
  readonly #proven: ProvenPeers;
  readonly #refusals: Refusals;
  #watch: NodeJS.Timeout | undefined;
  #listener: Listener | undefined;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#proven = new ProvenPeers(options.gate, options.log);
    this.#refusals = new Refusals(options.log);
  }

  /** Where answers go. */
  attach(listener: Listener): void {
    this.#listener = listener;
    if (!this.#options.seesPeers) {
      this.#watch = setInterval(() => {
        this.#dropSilent();
      }, SILENT_MS / 4).unref();
    }
  }

  /** Stops listening; see {@link Listener.close}. */
  async close(lingerMs: number): Promise<void> {
    clearInterval(this.#watch);
    await this.#listener?.close(lingerMs);
    for (const peer of [...this.#ends.keys()]) this.gone(peer);
  }

  joined(peer: Peer): void {
    this.#proven.joined(peer);
  }

  refused(peer: Peer, reason: RpcError): void {
    this.#refusals.refused(peer, reason);
  }

  taken({ id, identity }: Peer, holder: Peer): void {
    this.#options.log.warn(
      `${identity.user ?? "Somebody unknown"} (${id}) asked for the routing id of ${holder.identity.user ?? "somebody unknown"} ` +
        `(${holder.id}) and has not proven to be the same; it is let in without one`,
    );
  }

  /** Others are trusted now: who is not any more has to go. */
  recheck(): Promise<void> {
    return this.#proven.recheck(this.#listener);
  }

  message(peer: Peer, frames: Frames): void {
    const known = this.#ends.get(peer);
    // A wire that is spoken once is spoken on; only what it does not recognise may be another.
    const wire = known?.wire.recognises(frames) ? known.wire : recogniseWire(frames);
    if (!wire) {
      this.#options.log.debug(`A peer sent ${frames.length} frames that speak no known wire; they are ignored`);
      return;
    }
    if (known && known.wire !== wire) known.end.lost(rpcError("UNAVAILABLE", "The peer speaks another wire now"));
    const end = known?.wire === wire ? known.end : this.#open(peer, wire);
    end.receive(frames);
  }

  /** Peers that have said something, and how they speak. */
  *peers(): Iterable<ConnectedPeer> {
    for (const [{ id, remoteAddress, identity }, { wire, end }] of this.#ends) {
      yield { id, remoteAddress, identity, wire: wire.name, incarnation: end.hello?.incarnation };
    }
  }

  /** What is held of peers, and by them. */
  *references(): Iterable<HeldReference> {
    for (const { end } of this.#ends.values()) yield* end.references();
  }

  /** Our end of the connection to a peer, if there is one of that id. */
  find(id: string): PeerEnd | undefined {
    for (const [peer, { end }] of this.#ends) if (peer.id === id) return end;
    return undefined;
  }

  gone(peer: Peer): void {
    this.#proven.gone(peer);
    this.#ends.get(peer)?.end.lost(rpcError("UNAVAILABLE", "The peer is gone"));
    this.#ends.delete(peer);
  }

  /** A peer that holds streams or references sends signs of life; one that does not is gone. */
  #dropSilent(): void {
    const now = performance.now();
    for (const [peer, { end }] of this.#ends) {
      if (!end.isIdle && now - end.heardAt > SILENT_MS) this.#listener?.disconnect(peer);
    }
  }

  #open(peer: Peer, wire: Wire): PeerEnd {
    const { dispatcher, answers, incarnation, wheel, maxMessageBytes, maxReferences, limits, log } = this.#options;
    const end = new PeerEnd({
      wire,
      identity: peer.identity,
      label: peer.id,
      wheel,
      maxMessageBytes,
      maxInFlight: 100_000,
      maxInFlightBytes: 256 * 1024 * 1024,
      maxReferences,
      incarnation,
      dispatcher,
      limits,
      answers,
      log,
      send: (frames) => {
        this.#listener?.send(peer, frames);
      },
      close: (reason) => {
        this.#listener?.disconnect(peer, reason);
      },
    });
    this.#ends.set(peer, { wire, end });
    return end;
  }
}

/** A peer that has something under way and says nothing for so long is gone, in milliseconds. */
const SILENT_MS = 10_000;

import { ProtocolError } from "../errors.js";
import type { Dispatcher } from "../peer/dispatcher.js";
import { PeerEnd } from "../peer/peer-end.js";
import type { Listener, ListenerHandlers, Peer } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import type { Frames } from "../wire/message.js";
import { recogniseWire } from "../wire/registry.js";
import type { Wire } from "../wire/wire.js";

/** Options of {@link Endpoint}. */
export interface EndpointOptions {
  /** What peers may call. */
  readonly dispatcher: Dispatcher;
  /** This run of this host. */
  readonly incarnation: string;
  /** Keeps the deadlines of calls to peers. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Told of what is ignored. */
  readonly log: Logger;
}

/** One bound address: tells the wires of its peers apart, and holds our end of the connection to each. */
export class Endpoint implements ListenerHandlers {
  readonly #options: EndpointOptions;
  readonly #ends = new WeakMap<Peer, { readonly wire: Wire; readonly end: PeerEnd }>();
  #listener: Listener | undefined;

  constructor(options: EndpointOptions) {
    this.#options = options;
  }

  /** Where answers go. */
  attach(listener: Listener): void {
    this.#listener = listener;
  }

  message(peer: Peer, frames: Frames): void {
    const known = this.#ends.get(peer);
    // A wire that is spoken once is spoken on; only what it does not recognise may be another.
    const wire = known?.wire.recognises(frames) ? known.wire : recogniseWire(frames);
    if (!wire) {
      this.#options.log.debug(`A peer sent ${frames.length} frames that speak no known wire; they are ignored`);
      return;
    }
    const end = known?.wire === wire ? known.end : this.#open(peer, wire);
    end.receive(frames);
  }

  gone(peer: Peer): void {
    this.#ends.get(peer)?.end.lost(new ProtocolError("The peer is gone"));
    this.#ends.delete(peer);
  }

  #open(peer: Peer, wire: Wire): PeerEnd {
    const { dispatcher, incarnation, wheel, maxMessageBytes, log } = this.#options;
    const end = new PeerEnd({
      wire,
      label: peer.id,
      wheel,
      maxMessageBytes,
      maxInFlight: 100_000,
      maxInFlightBytes: 256 * 1024 * 1024,
      incarnation,
      dispatcher,
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

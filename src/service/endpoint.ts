import type { Dispatcher } from "../peer/dispatcher.js";
import type { Listener, ListenerHandlers, Peer } from "../transport/index.js";
import type { Logger } from "../util/log.js";
import type { AnswerMessage, Frames } from "../wire/message.js";
import { recogniseWire } from "../wire/registry.js";
import { type Codec, MalformedMessageError, type Wire } from "../wire/wire.js";

/** One bound address: tells the wires of its peers apart, and hands their calls to the dispatcher. */
export class Endpoint implements ListenerHandlers {
  readonly #dispatcher: Dispatcher;
  readonly #limits: { readonly maxMessageBytes: number };
  readonly #log: Logger;
  readonly #peers = new WeakMap<Peer, PeerState>();
  #listener: Listener | undefined;

  constructor(dispatcher: Dispatcher, options: { readonly maxMessageBytes: number; readonly log: Logger }) {
    this.#dispatcher = dispatcher;
    this.#limits = { maxMessageBytes: options.maxMessageBytes };
    this.#log = options.log;
  }

  /** Where answers go. */
  attach(listener: Listener): void {
    this.#listener = listener;
  }

  message(peer: Peer, frames: Frames): void {
    const wire = recogniseWire(frames);
    if (!wire) {
      this.#log.debug(`A peer sent ${frames.length} frames that speak no known wire; they are ignored`);
      return;
    }
    const state = this.#state(peer, wire);
    const { codec } = state;
    const respond = (answer: AnswerMessage): void => {
      this.#listener?.send(peer, codec.encode(answer));
    };
    try {
      const message = codec.decode(frames);
      if (message.kind === "call") this.#dispatcher.dispatch(message, respond, waitedMs(state, message.timing?.sentAt));
      else this.#log.debug("A peer sent an answer to no call; it is ignored");
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.#log.debug(`A peer sent what is no message: ${error.message}`);
      if (error.answer) respond(error.answer);
    }
  }

  gone(peer: Peer): void {
    this.#peers.delete(peer);
  }

  #state(peer: Peer, wire: Wire): PeerState {
    let state = this.#peers.get(peer);
    if (state?.wire !== wire) {
      state = { wire, codec: wire.open(this.#limits), quickestMs: Infinity };
      this.#peers.set(peer, state);
    }
    return state;
  }
}

interface PeerState {
  readonly wire: Wire;
  readonly codec: Codec;
  /** Smallest difference seen between our clock at arrival and the peer's at sending. */
  quickestMs: number;
}

/**
 * How long a message has lain unread, say while this process was stopped: what it took longer than the quickest of its
 * peer. No common clock is needed.
 */
function waitedMs(state: PeerState, sentAt: number | undefined): number {
  if (sentAt === undefined || Number.isNaN(sentAt)) return 0;
  const took = performance.now() - sentAt;
  if (took < state.quickestMs) state.quickestMs = took;
  return took - state.quickestMs;
}

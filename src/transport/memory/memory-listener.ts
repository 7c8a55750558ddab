import { type RpcError, rpcError } from "../../errors.js";
import { type Frames, sizeOf } from "../../wire/message.js";
import { parseAddress } from "../address.js";
import { bindError } from "../bind-error.js";
import type { Listener, ListenerHandlers, ListenOptions, Peer } from "../link.js";
import type { PeerIdentity } from "../security.js";
import { Pipe } from "./pipe.js";

/** What is bound in this process, by address. */
const bound = new Map<string, MemoryListener>();

/** The listener at an address of this process. */
export function findListener(address: string): MemoryListener | undefined {
  return bound.get(address);
}

/** The connecting end, as its listener sees it. */
export interface MemoryCaller {
  /** Takes a message. */
  message(frames: Frames): void;
  /** The listener has ended the connection; everything that it had sent has arrived. */
  ended(reason: RpcError | undefined): void;
}

/** A name that this process can be called by from inside. */
export class MemoryListener implements Listener {
  readonly address: string;
  #handlers: ListenerHandlers;
  readonly #maxMessageBytes: number;
  readonly #peers = new Set<MemoryPeer>();

  private constructor(address: string, handlers: ListenerHandlers, options: ListenOptions) {
    this.address = address;
    this.#handlers = handlers;
    // As with sockets: what is a little too large is answered with an error.
    this.#maxMessageBytes = options.maxMessageBytes * 2;
  }

  /** Binds; see {@link Transport.listen}. */
  static bind(text: string, handlers: ListenerHandlers, options: ListenOptions): MemoryListener {
    const address = parseAddress(text).text;
    if (bound.has(address)) throw bindError(address, Object.assign(new Error("in use"), { code: "EADDRINUSE" }));
    const listener = new MemoryListener(address, handlers, options);
    bound.set(address, listener);
    return listener;
  }

  /** Takes a caller in; returns how it sends. */
  accept(caller: MemoryCaller): Pipe {
    const toHere = new Pipe(
      (frames) => {
        this.#receive(peer, frames);
      },
      () => {
        this.#end(peer, undefined);
      },
    );
    const toCaller = new Pipe(
      (frames) => {
        caller.message(frames);
      },
      () => {
        caller.ended(peer.reason);
      },
    );
    const peer: MemoryPeer = {
      id: `process#${nextPeer++}`,
      remoteAddress: "",
      identity: UNPROVEN,
      routingId: NO_ROUTING_ID,
      toHere,
      toCaller,
      reason: undefined,
    };
    this.#peers.add(peer);
    this.#handlers.joined?.(peer);
    return toHere;
  }

  send(peer: Peer, frames: Frames): void {
    (peer as MemoryPeer).toCaller.send(frames);
  }

  disconnect(peer: Peer, reason?: RpcError): void {
    this.#end(peer as MemoryPeer, reason);
  }

  find(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    if (bound.get(this.address) === this) bound.delete(this.address);
    for (const peer of [...this.#peers]) this.#end(peer, undefined);
    // Callers keep their ends of closed connections for a while, and need not keep what was behind this one.
    this.#handlers = NOBODY;
    return Promise.resolve();
  }

  #receive(peer: MemoryPeer, frames: Frames): void {
    const size = sizeOf(frames);
    if (size <= this.#maxMessageBytes) {
      this.#handlers.message(peer, frames);
      return;
    }
    this.#end(peer, tooLarge(size, this.#maxMessageBytes));
  }

  #end(peer: MemoryPeer, reason: RpcError | undefined): void {
    if (!this.#peers.delete(peer)) return;
    peer.reason = reason;
    peer.toHere.cut();
    peer.toCaller.end();
    this.#handlers.gone(peer);
  }
}

interface MemoryPeer extends Peer {
  readonly toHere: Pipe;
  readonly toCaller: Pipe;
  /** Why it was disconnected. */
  reason: RpcError | undefined;
}

/** The error of a connection over which too much came. */
export function tooLarge(size: number, limit: number): RpcError {
  return rpcError("PROTOCOL", `The peer sent a message of ${size} bytes, more than ${limit}`);
}

const NOBODY: ListenerHandlers = { message: () => undefined, gone: () => undefined };
let nextPeer = 1;
const UNPROVEN: PeerIdentity = { mechanism: "null", user: undefined, publicKey: undefined };
const NO_ROUTING_ID = new Uint8Array(0);

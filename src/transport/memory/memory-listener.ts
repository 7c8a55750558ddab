import { RpcError, rpcError } from "../../errors.js";
import { type Frames, sizeOf } from "../../wire/message.js";
import { parseAddress } from "../address.js";
import { bindError } from "../bind-error.js";
import type { Listener, ListenerHandlers, ListenOptions, Peer, SocketType } from "../link.js";
import type { PeerIdentity } from "../security.js";
import { requireCompatible, typeTowards } from "../socket-types.js";
import { isAcceptable } from "../subscription.js";
import { Pipe } from "./pipe.js";

/** What is bound in this process, by address. */
const bound = new Map<string, MemoryListener>();

/** The listener at an address of this process. */
export function findListener(address: string): MemoryListener | undefined {
  return bound.get(address);
}

/** The connecting end, as its listener sees it. */
export interface MemoryCaller {
  /** What it says it is. */
  readonly socketType: SocketType;
  /** Takes a message. */
  message(frames: Frames): void;
  /** The listener has ended the connection; everything that it had sent has arrived. */
  ended(reason: RpcError | undefined): void;
}

/** A name that this process can be called by from inside. */
export class MemoryListener implements Listener {
  readonly address: string;
  #handlers: ListenerHandlers;
  #subscribers: ListenerHandlers | undefined;
  readonly #socketType: SocketType;
  readonly #maxMessageBytes: number;
  readonly #peers = new Set<MemoryPeer>();

  private constructor(address: string, handlers: ListenerHandlers, options: ListenOptions) {
    this.address = address;
    this.#handlers = handlers;
    this.#subscribers = options.subscribers;
    this.#socketType = options.socketType ?? "ROUTER";
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

  /**
   * Takes a caller in.
   *
   * @returns how it sends, or why it is not let in
   */
  accept(caller: MemoryCaller): Pipe | RpcError {
    const own = typeTowards(caller.socketType, {
      socketType: this.#socketType,
      takesSubscribers: this.#subscribers !== undefined,
    });
    try {
      requireCompatible(caller.socketType, own);
    } catch (error) {
      return RpcError.from(error, "PROTOCOL");
    }
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
      () => {
        if (this.#peers.has(peer)) this.#ownerOf(peer).drained?.(peer);
      },
    );
    const peer: MemoryPeer = {
      id: `process#${nextPeer++}`,
      remoteAddress: "",
      identity: UNPROVEN,
      routingId: NO_ROUTING_ID,
      toHere,
      toCaller,
      subscribes: own === "XPUB",
      reason: undefined,
    };
    this.#peers.add(peer);
    this.#ownerOf(peer).joined?.(peer);
    return toHere;
  }

  send(peer: Peer, frames: Frames): void {
    (peer as MemoryPeer).toCaller.send(frames);
  }

  queuedBytes(peer: Peer): number {
    const target = peer as MemoryPeer;
    return this.#peers.has(target) ? target.toCaller.bytes : 0;
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
    this.#subscribers = undefined;
    return Promise.resolve();
  }

  #receive(peer: MemoryPeer, frames: Frames): void {
    const size = sizeOf(frames);
    if (size > this.#maxMessageBytes) this.#end(peer, tooLarge(size, this.#maxMessageBytes));
    else if (!peer.subscribes || this.#isAcceptable(peer, frames)) this.#ownerOf(peer).message(peer, frames);
  }

  #isAcceptable(peer: MemoryPeer, frames: Frames): boolean {
    try {
      return isAcceptable(frames);
    } catch (error) {
      this.#end(peer, RpcError.from(error, "PROTOCOL"));
      return false;
    }
  }

  /** Who is told of a peer. */
  #ownerOf({ subscribes }: MemoryPeer): ListenerHandlers {
    return (subscribes ? this.#subscribers : undefined) ?? this.#handlers;
  }

  #end(peer: MemoryPeer, reason: RpcError | undefined): void {
    if (!this.#peers.delete(peer)) return;
    peer.reason = reason;
    peer.toHere.cut();
    peer.toCaller.end();
    this.#ownerOf(peer).gone(peer);
  }
}

interface MemoryPeer extends Peer {
  readonly toHere: Pipe;
  readonly toCaller: Pipe;
  /** Is it a SUB socket? */
  readonly subscribes: boolean;
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

import type { Socket } from "node:net";
import { type RpcError, rpcError } from "../../errors.js";
import type { Frames } from "../../wire/message.js";
import { openSockets } from "../open-sockets.js";
import { Heartbeat, type Watched } from "./heartbeat.js";
import { Session, type SessionOptions, type SessionPeer } from "./session.js";

/** What a connection tells its owner. Handlers must not throw. */
export interface ConnectionHandlers {
  /** The handshake is done. Called once at most. */
  ready(peer: SessionPeer): void;
  /** A message came. */
  message(frames: Frames): void;
  /** It is over. Called once, last. `reason` is `undefined` when the peer, or the way to it, simply went. */
  closed(reason: RpcError | undefined): void;
}

/** Options of {@link ZmtpConnection}. */
export interface ConnectionOptions extends SessionOptions {
  /** Bytes that may wait for a peer that does not read, before it is given up. */
  readonly maxQueuedBytes: number;
}

/**
 * A ZMTP session on a socket: everything written in one turn of the event loop leaves together, a silent peer is found by
 * heartbeats, and a peer that does not read is given up instead of eating memory.
 */
export class ZmtpConnection implements Watched {
  readonly #socket: Socket;
  readonly #session: Session;
  readonly #handlers: ConnectionHandlers;
  readonly #maxQueuedBytes: number;
  #heartbeats = false;
  #flushing = false;
  #closed = false;
  #reason: RpcError | undefined;
  #heardAtLastLook = 0;
  #silentLooks = 0;
  /** Called when something was written; only where somebody wants to know. */
  #written: ((error?: Error | null) => void) | undefined;
  /** Was a message sent since that was told last? */
  #isBehind = false;
  readonly #flush = (): void => {
    this.#flushing = false;
    this.#write();
  };

  /** @param socket - connected, or connecting */
  constructor(socket: Socket, options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#maxQueuedBytes = options.maxQueuedBytes;
    this.#session = new Session(options, {
      ready: (peer) => {
        this.#heartbeats = peer.knowsHeartbeats && !peer.subscribes;
        // A subscriber that is busy reads nothing for a while, and so no ping either: that is no reason to give it up.
        if (peer.subscribes) socket.setKeepAlive(true, KEEP_ALIVE_MS);
        handlers.ready(peer);
      },
      message: (frames) => {
        handlers.message(frames);
      },
      writable: () => {
        this.#schedule();
      },
      paused: (paused) => {
        if (paused) socket.pause();
        else socket.resume();
      },
      failed: (reason) => {
        this.#reason ??= reason;
        this.#write();
        socket.end();
        // Whoever does not take the last word gets no time for it.
        socket.destroySoon();
      },
    });
    openSockets.add(socket);
    Heartbeat.watch(this);
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#session.receive(chunk);
    });
    socket.on("error", (error) => {
      this.#reason ??= rpcError("UNAVAILABLE", error.message, { cause: error });
    });
    socket.on("close", () => {
      this.#finish();
    });
    this.#session.start();
  }

  /** Bytes that the peer has not taken yet. */
  get queuedBytes(): number {
    return this.#session.out.bytes + this.#socket.writableLength;
  }

  /** Tells from now on when {@link ZmtpConnection.queuedBytes} is 0 again after a message was sent. */
  watchQueue(drained: () => void): void {
    this.#written = (error) => {
      if (error || this.#closed || !this.#isBehind || this.queuedBytes > 0) return;
      this.#isBehind = false;
      drained();
    };
  }

  /** Sends a message; only after `ready`. */
  send(frames: Frames): void {
    if (this.#closed || !this.#session.isReady) return;
    this.#session.send(frames);
    this.#isBehind = true;
    if (this.queuedBytes > this.#maxQueuedBytes) {
      this.destroy(rpcError("OVERLOADED", `The peer has not read for long: ${this.queuedBytes} bytes wait for it`));
    }
  }

  /** Stops reading, so that a peer which sends faster than it reads has to wait; or goes on. */
  hold(hold: boolean): void {
    if (hold) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Sends what is queued, then closes; after `lingerMs` in any case. */
  async end(lingerMs: number): Promise<void> {
    if (this.#closed) return;
    this.#write();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#socket.destroy(), lingerMs);
      this.#socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.destroySoon();
    });
  }

  /** Closes at once; of what waits only what the network takes without waiting is sent. Idempotent. */
  destroy(reason?: RpcError): void {
    this.#reason ??= reason;
    this.#write();
    this.#session.stop();
    this.#socket.destroy();
    this.#finish();
  }

  look(): void {
    if (!this.#session.isReady) {
      // A connection that never shakes hands is closed, or it would hold a socket for ever.
      if (++this.#silentLooks > HANDSHAKE_LOOKS) this.destroy(rpcError("UNAVAILABLE", "The peer did not shake hands"));
      return;
    }
    if (this.#session.heard !== this.#heardAtLastLook) {
      this.#heardAtLastLook = this.#session.heard;
      this.#silentLooks = 0;
      return;
    }
    if (!this.#heartbeats || this.#socket.isPaused()) return;
    if (++this.#silentLooks > SILENT_LOOKS) {
      this.destroy(rpcError("UNAVAILABLE", "The peer has given no sign of life"));
    } else {
      this.#session.ping();
    }
  }

  #schedule(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    // Runs when the microtasks of this turn are through, before any input is read.
    process.nextTick(this.#flush);
  }

  #write(): void {
    if (this.#closed) return;
    const parts = this.#session.out.take();
    if (parts.length === 1) {
      const [part] = parts;
      if (part) this.#socket.write(part, this.#written);
    } else if (parts.length > 1) {
      this.#socket.cork();
      for (const part of parts) this.#socket.write(part, this.#written);
      this.#socket.uncork();
    }
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    openSockets.delete(this.#socket);
    Heartbeat.forget(this);
    this.#handlers.closed(this.#reason);
  }
}

/** Looks without a sign of life before a peer is given up: 2 to 3 s to the first ping, 3 s for its answer. */
const SILENT_LOOKS = 3;
/** After so many milliseconds without a word the kernel asks whether the machine of a subscriber is still there. */
const KEEP_ALIVE_MS = 5_000;
/** Looks after which a handshake must be done. */
const HANDSHAKE_LOOKS = 20;

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ConfigurationError, RpcError, rpcError } from "../../errors.js";
import { openSockets } from "../open-sockets.js";
import { giveAway } from "./give-away.js";
import { type SecuredSocket, shakeHands } from "./handshake.js";
import { Outgoing } from "./outgoing.js";
import { StreamReasons } from "./reasons.js";
import { requireStreamTls } from "./require-tls.js";
import type { StreamSettings } from "./settings.js";
import type { OctetStream, StreamHandlers, StreamPeer, StreamTls } from "./stream.js";
import { Unread } from "./unread.js";

/**
 * A stream on a socket of Node.js. What is written waits here until the connection is there, or secure, so that nothing leaves
 * before its time; small pieces of one turn leave in one system call.
 */
export class SocketStream implements OctetStream {
  readonly #raw: Socket;
  readonly #settings: StreamSettings;
  readonly #reasons: StreamReasons;
  readonly #out = new Outgoing(() => (this.#state === "open" ? this.#socket : undefined));
  readonly #unread = new Unread();
  /** What octets are read from and written to: the raw one, or TLS over it. */
  #socket: Socket;
  #handlers: StreamHandlers;
  #state: "connecting" | "securing" | "open" | "closed" | "detached" = "connecting";
  #peer: StreamPeer = NOBODY;
  #reason: RpcError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOpened = false;
  #isPaused = false;
  /** This end has ended it, or is about to. */
  #isEnding = false;
  /** The other end has ended it, and how far its owner knows. */
  #peerEnd: "none" | "unheard" | "heard" = "none";
  /** The socket is gone, and the owner reads nothing now. */
  #isGone = false;
  #isGoneTold = false;

  /** @param socket - connected, if {@link SocketStream.start} is called at once */
  constructor(socket: Socket, settings: StreamSettings, handlers: StreamHandlers) {
    this.#raw = socket;
    this.#socket = socket;
    this.#settings = settings;
    this.#reasons = new StreamReasons(settings.name, settings.service);
    this.#handlers = handlers;
    openSockets.add(socket);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
  }

  get isAccepted(): boolean {
    return this.#settings.isAccepted;
  }

  get isSecure(): boolean {
    return this.#socket !== this.#raw;
  }

  get peer(): StreamPeer {
    return this.#peer;
  }

  get queuedBytes(): number {
    if (this.#state === "closed" || this.#state === "detached") return 0;
    return this.#out.bytes + this.#socket.writableLength;
  }

  /** The connection is there. */
  start(): void {
    if (this.#state !== "connecting") return;
    this.#raw.setNoDelay(true);
    this.#peer = { remoteAddress: this.#raw.remoteAddress ?? "", certificate: undefined };
    if (this.#settings.isTls) this.#secure(this.#settings.tls, this.#settings.isAccepted ? undefined : true);
    else this.#open();
  }

  /** Tells others from now on: first that it is open, or that it is gone already. */
  handOver(handlers: StreamHandlers): void {
    this.#handlers = handlers;
    if (this.#state === "closed") this.#tellClosed();
    else if (this.#state !== "detached") handlers.opened();
  }

  write(octets: Uint8Array): void {
    if (this.#isEnding || this.#state === "closed" || this.#state === "detached") return;
    this.#out.add(octets);
    const { queuedBytes } = this;
    if (queuedBytes > this.#settings.maxQueuedBytes) this.destroy(this.#reasons.unread(queuedBytes));
    else this.#out.schedule();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    process.nextTick(this.#catchUp);
  }

  startTls(options: StreamTls, rest: Uint8Array): void {
    if (this.isSecure || this.#state === "securing") throw new ConfigurationError("The stream is encrypted already");
    if (this.#state === "connecting") throw new ConfigurationError("TLS begins on a stream that is open");
    requireStreamTls(options, this.isAccepted);
    if (this.#state !== "open" || this.#isEnding) return;
    this.#isPaused = false;
    if (this.#isGone || this.#peerEnd !== "none") {
      // TLS was to begin, and the other end is not there any more.
      this.destroy(this.#reasons.brokenHandshake());
      return;
    }
    this.#out.writeTo(this.#socket);
    const unread = this.#letGo(rest);
    if (unread.length > 0) this.#socket.unshift(unread);
    this.#secure(options, undefined);
  }

  end(reason?: RpcError): void {
    if (this.#isEnding || this.#state === "closed" || this.#state === "detached") return;
    this.#isEnding = true;
    this.#reason ??= reason ?? this.#reasons.closed();
    if (this.#state !== "open" && this.#out.bytes === 0) {
      this.destroy();
      return;
    }
    this.#setTimer(LINGER_MS, () => {
      this.destroy();
    });
    if (this.#state === "open") this.#endWriting();
  }

  destroy(reason?: RpcError): void {
    if (this.#state === "closed" || this.#state === "detached") return;
    this.#reason ??= reason ?? this.#reasons.closed();
    this.#socket.destroy();
    this.#raw.destroy();
    this.#finish();
  }

  detach(rest: Uint8Array): Duplex {
    if (this.#state !== "open" || this.#isGone || this.#isEnding) {
      throw rpcError("UNAVAILABLE", `The stream with ${this.#settings.name} is not open, and cannot be given away`);
    }
    this.#out.writeTo(this.#socket);
    this.#state = "detached";
    openSockets.delete(this.#raw);
    const unread = this.#letGo(rest);
    for (const socket of [this.#raw, this.#socket]) socket.off("error", this.#onError).off("close", this.#onClose);
    return giveAway(this.#raw, this.#socket, unread, this.#peerEnd !== "none");
  }

  /** Shakes hands; what the socket has read before belongs to it. */
  #secure(tls: StreamTls, verify: boolean | undefined): void {
    const { isAccepted, host, name, handshakeTimeoutMs } = this.#settings;
    this.#state = "securing";
    // A stream that is to end has less time already.
    if (!this.#isEnding) {
      this.#setTimer(handshakeTimeoutMs, () => {
        this.destroy(this.#reasons.slowHandshake(handshakeTimeoutMs));
      });
    }
    const isWanted = (): boolean => this.#state === "securing";
    shakeHands(this.#raw, { isAccepted, tls, verify, host, name }, isWanted, (end) => {
      if (RpcError.isRpcError(end)) this.destroy(this.#reasons.failedHandshake(end));
      else this.#secured(end);
    });
  }

  #secured({ socket, certificate }: SecuredSocket): void {
    if (this.#state !== "securing") {
      socket.destroy();
      return;
    }
    if (!this.#isEnding) this.#setTimer();
    this.#raw.off("close", this.#onClose);
    this.#socket = socket;
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    this.#peer = { remoteAddress: this.#peer.remoteAddress, certificate };
    this.#open();
  }

  #open(): void {
    const socket = this.#socket;
    this.#state = "open";
    if (this.#isOpened) this.#handlers.secured?.();
    else {
      this.#isOpened = true;
      this.#handlers.opened();
    }
    // Handlers may have done anything.
    if ((this.#state as string) !== "open" || socket !== this.#socket) return;
    socket.on("end", this.#onEnd);
    socket.on("finish", this.#onFinish);
    socket.on("data", this.#onData);
    if (this.#isEnding) this.#endWriting();
    else this.#out.schedule();
  }

  /** Tells of nothing more that the socket reads. Gives what is to be read again: what was read too far, and what nobody was told. */
  #letGo(rest: Uint8Array): Uint8Array {
    this.#socket.pause();
    this.#socket.off("data", this.#onData).off("end", this.#onEnd).off("finish", this.#onFinish);
    return this.#unread.isEmpty ? rest : Buffer.concat([rest, this.#unread.take()]);
  }

  #endWriting(): void {
    this.#out.writeTo(this.#socket);
    this.#socket.end();
    this.#closeIfDone();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#isPaused && this.#unread.isEmpty) {
      this.#handlers.octets(chunk);
      return;
    }
    this.#unread.add(chunk);
    if (this.#unread.isFull) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#state !== "open") return;
    if (this.#isPaused || !this.#unread.isEmpty) {
      this.#peerEnd = "unheard";
      if (this.#isPaused) this.#tellGone();
      return;
    }
    this.#peerEnd = "heard";
    if (this.#isEnding) {
      this.#closeIfDone();
      return;
    }
    this.#isEnding = true;
    this.#reason ??= this.#howItEnded();
    // As long as the other end takes what is left for it, it gets it.
    this.#socket.setTimeout(LINGER_MS, () => {
      this.destroy();
    });
    this.#endWriting();
  };

  readonly #onFinish = (): void => {
    this.#closeIfDone();
  };

  #closeIfDone(): void {
    if (this.#peerEnd === "heard" && this.#socket.writableFinished) this.#socket.destroy();
  }

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    const isTls = this.isSecure || this.#state === "securing";
    this.#reason ??= isTls
      ? this.#reasons.tlsError(error)
      : this.#reasons.socketError(error, this.#state === "connecting");
  };

  readonly #onClose = (): void => {
    if (this.#state === "closed" || this.#state === "detached") return;
    this.#isGone = true;
    this.#catchUp();
  };

  /** Delivers what nobody was told and how it ended, unless the owner pauses again. */
  readonly #catchUp = (): void => {
    while (this.#state === "open" && !this.#isPaused) {
      const chunk = this.#unread.isEmpty ? this.#leftOver() : this.#unread.take();
      if (chunk === null) break;
      this.#handlers.octets(chunk);
    }
    if (this.#state === "open" && this.#isPaused) this.#tellGone();
    else if (this.#isGone) this.#finish();
    else if (this.#peerEnd === "unheard") this.#onEnd();
    // One that is destroyed would drop what it still holds; that is read when it is closed.
    else if (this.#state === "open" && !this.#socket.destroyed) this.#socket.resume();
  };

  /** A socket that is gone may hold what it has read. */
  #leftOver(): Buffer | null {
    return this.#isGone ? (this.#socket.read() as Buffer | null) : null;
  }

  /** Nothing else is told while the owner reads nothing. */
  #tellGone(): void {
    if (this.#isGoneTold || (this.#peerEnd === "none" && !this.#isGone)) return;
    this.#isGoneTold = true;
    this.#handlers.gone?.(this.#reason ?? this.#howItEnded());
  }

  #howItEnded(): RpcError {
    if (this.#state === "securing") return this.#reasons.brokenHandshake();
    return this.#peerEnd === "none" ? this.#reasons.lost() : this.#reasons.ended();
  }

  /** One timer at a time; without arguments none. */
  #setTimer(ms = 0, run?: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = run && setTimeout(run, ms);
  }

  #finish(): void {
    if (this.#state === "closed" || this.#state === "detached") return;
    this.#reason ??= this.#howItEnded();
    this.#state = "closed";
    this.#setTimer();
    openSockets.delete(this.#raw);
    this.#out.drop();
    this.#unread.take();
    this.#tellClosed();
  }

  #tellClosed(): void {
    if (this.#reason) this.#handlers.closed(this.#reason);
  }
}

/** Who is there before anybody is. */
const NOBODY: StreamPeer = { remoteAddress: "", certificate: undefined };
/** Milliseconds for the other end to take what is left for it. */
const LINGER_MS = 1_000;

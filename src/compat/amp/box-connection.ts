import type { Duplex } from "node:stream";
import { RpcError, rpcError } from "../../errors.js";
import {
  type OctetStream,
  requireStreamTls,
  type StreamHandlers,
  type StreamPeer,
  type StreamTls,
} from "../../transport/index.js";
import { type AmpDialect, type Box, type BoxLimits, BoxParser, encodeBox } from "../../wire/amp/index.js";

/** Where boxes go. Twisted: `IBoxSender`. */
export interface BoxSender {
  /** Can boxes be sent? */
  readonly isOpen: boolean;
  /**
   * Sends a box; those of one turn of the event loop leave together.
   *
   * @throws BadRequestError, `not-sent`, for a key that cannot be sent
   * @throws RpcError, code `TOO_LARGE`, `not-sent`, for a key of more than 255 octets and a value of more than 65,535
   * @throws RpcError, `not-sent`, with the reason of the connection's end when that has come
   */
  sendBox(box: Box): void;
  /** Gives out no more boxes, until {@link BoxSender.release}: what comes next is perhaps none. */
  hold(): void;
  /** Goes on with boxes. */
  release(): void;
  /** Writes what is queued, then closes the connection. Idempotent. */
  end(reason: RpcError): void;
}

/** Whom boxes are for. Twisted: `IBoxReceiver`. */
export interface BoxReceiver {
  /** Boxes can be sent now, also from within this. Called once at most, and first. */
  startReceivingBoxes(sender: BoxSender): void;
  /**
   * A box came. Its values are views of what was read.
   *
   * @throws RpcError for a box that breaks the protocol: the connection is closed with it
   */
  boxReceived(box: Box): void;
  /** The connection is gone, or was given away; no more boxes come or go. Called once, last. */
  stopReceivingBoxes(reason: RpcError): void;
}

/** Options of {@link BoxConnection}. */
export interface BoxConnectionOptions {
  /** Of the peer; default `twisted`. */
  readonly dialect?: AmpDialect | undefined;
  /** How large boxes may be that come; default 64 MiB and 10,000 pairs. */
  readonly limits?: Partial<BoxLimits> | undefined;
}

/**
 * Boxes over a stream of octets (docs/amp-wire.md, section 1). Twisted: `BinaryBoxProtocol`. Made by
 * {@link connectBoxes} and {@link listenBoxes}.
 */
export class BoxConnection implements BoxSender {
  /** What the stream tells. */
  readonly handlers: StreamHandlers = {
    opened: () => {
      this.#isOpen = true;
      try {
        this.#receiver.startReceivingBoxes(this);
      } catch (error) {
        // Whoever cannot begin gets no boxes; the next connection may be another matter.
        this.destroy(RpcError.from(error, "UNKNOWN"));
      }
    },
    octets: (chunk) => {
      if (this.#ending || this.#closed) return;
      this.#parser.push(chunk);
      this.#read();
    },
    secured: () => {
      const onSecured = this.#onSecured;
      this.#onSecured = undefined;
      onSecured?.();
    },
    gone: (reason) => {
      // Nothing is read while it is found out whether boxes come next; nobody is there any more who could send some.
      if (this.#isHeld) this.destroy(reason);
    },
    closed: (reason) => {
      this.#stop(this.#ending ?? reason);
    },
  };
  readonly #receiver: BoxReceiver;
  readonly #dialect: AmpDialect;
  readonly #parser: BoxParser;
  #stream: OctetStream | undefined;
  #isHeld = false;
  #isReading = false;
  #isOpen = false;
  #closed: RpcError | undefined;
  #ending: RpcError | undefined;
  #onSecured: (() => void) | undefined;
  /** Boxes that are kept back; absent: none are. */
  #kept: Uint8Array[] | undefined;
  #passesNext = false;
  /** Why no boxes can be sent, although the connection is there. */
  #lock: RpcError | undefined;

  /** Makes one. */
  constructor(receiver: BoxReceiver, { dialect = "twisted", limits }: BoxConnectionOptions = {}) {
    this.#receiver = receiver;
    this.#dialect = dialect;
    this.#parser = new BoxParser(limits);
  }

  /** Who is at the other end; `undefined` before the stream is there. */
  get peer(): StreamPeer | undefined {
    return this.#stream?.peer;
  }

  /** Can boxes be sent? */
  get isOpen(): boolean {
    return this.#isOpen && (this.#closed ?? this.#ending ?? this.#lock) === undefined;
  }

  /** Is it encrypted? */
  get isSecure(): boolean {
    return this.#stream?.isSecure ?? false;
  }

  /** Why it ended; `undefined` while it has not. */
  get closedReason(): RpcError | undefined {
    return this.#closed;
  }

  /** Takes the stream over, which may still be connecting, and tells what comes to {@link BoxConnection.handlers}. */
  attach(stream: OctetStream): void {
    this.#stream = stream;
  }

  sendBox(box: Box): void {
    const stream = this.#stream;
    if (this.#lock) throw this.#lock;
    const gone = this.#closed ?? this.#ending;
    if (gone || !stream) throw gone ? notSent(gone) : rpcError("UNAVAILABLE", "The connection is not made yet");
    const octets = encodeBox(box, this.#dialect);
    if (this.#kept && !this.#passesNext) this.#kept.push(octets);
    else stream.write(octets);
    this.#passesNext = false;
  }

  /** Keeps back what is sent from now on, until {@link BoxConnection.sendKept}. */
  keepBack(): void {
    this.#kept ??= [];
  }

  /** Lets the next box go that is sent, whether boxes are kept back or not. */
  passNext(): void {
    this.#passesNext = true;
  }

  /** Sends what was kept back, and keeps nothing back any more. */
  sendKept(): void {
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const octets of kept) this.#stream?.write(octets);
  }

  /**
   * Lets no more boxes be sent.
   *
   * @param reason - what {@link BoxSender.sendBox} fails with; `undefined`: they can be sent again
   */
  lock(reason: RpcError | undefined): void {
    this.#lock = reason;
  }

  /** Why no boxes can be sent, although the connection is there; see {@link BoxConnection.lock}. */
  get locked(): RpcError | undefined {
    return this.#lock;
  }

  hold(): void {
    this.#isHeld = true;
    this.#stream?.pause();
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#stream?.resume();
    this.#read();
  }

  end(reason: RpcError): void {
    if (this.#closed || this.#ending) return;
    this.#ending = reason;
    // Nobody is there any more to whom boxes could mean something.
    this.#stream?.end(reason);
  }

  /** Closes at once; what is queued is dropped. Idempotent. */
  destroy(reason: RpcError): void {
    this.#ending ??= reason;
    this.#stream?.destroy(reason);
  }

  /** Makes what TLS needs at this end. @throws ConfigurationError for options that cannot be used */
  prepareTls(options: StreamTls): void {
    if (this.#stream) requireStreamTls(options, this.#stream.isAccepted);
  }

  /**
   * Goes on under TLS (docs/amp.md, StartTLS); boxes that are sent from now on are encrypted. To be called between boxes: what
   * came behind the last one belongs to TLS.
   *
   * @param onSecured - the handshake is done; if it fails, the connection ends
   */
  startTls(options: StreamTls, onSecured: () => void): void {
    this.#onSecured = onSecured;
    this.#stream?.startTls(options, this.#parser.takeRest());
    this.#isHeld = false;
    this.#stream?.resume();
  }

  /** Gives the connection away, with what came behind the last box. The receiver is told that it is over. */
  detach(reason: RpcError): Duplex {
    const stream = this.#stream;
    if (!stream || this.#closed) throw notSent(this.#closed ?? reason);
    const rest = this.#parser.takeRest();
    const socket = stream.detach(rest);
    this.#stop(reason);
    return socket;
  }

  #read(): void {
    // A receiver may let go what it held, from within.
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (!this.#isHeld && !this.#ending && !this.#closed) {
        const box = this.#parser.next();
        if (!box) break;
        this.#receiver.boxReceived(box);
      }
    } catch (error) {
      const reason = RpcError.from(error, "PROTOCOL");
      this.end(reason);
      // What waits need not wait for the other end.
      this.#stop(reason);
    } finally {
      this.#isReading = false;
    }
  }

  #stop(reason: RpcError): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.#isOpen = false;
    try {
      this.#receiver.stopReceivingBoxes(reason);
    } catch {
      // All is over, and nobody is left to be told.
    }
  }
}

function notSent(reason: RpcError): RpcError {
  return rpcError(reason.code, reason.message, { cause: reason });
}

import { ProtocolError, RpcError, rpcError } from "../../errors.js";
import type { Frames } from "../../wire/message.js";
import { OutBuffer } from "../out-buffer.js";
import type { PeerIdentity } from "../security.js";
import { type OwnType, requireCompatible, typeTowards } from "../socket-types.js";
import { CANCEL, isAcceptable, isSubscription, SUBSCRIBE } from "../subscription.js";
import { decodeCommand, encodeCommand } from "./command.js";
import { COMMAND, FrameParser, MORE } from "./frame-parser.js";
import { decodeGreeting, encodeGreeting, GREETING_BYTES, GREETING_HEAD_BYTES, type Greeting } from "./greeting.js";
import { type Mechanism, Refused, type Step } from "./mechanism.js";

/** What a session is told when it begins. */
export interface SessionOptions extends OwnType {
  /** The end that proves who it is begins the handshake; the other one adapts. Most often the former has connected. */
  readonly role: "client" | "server";
  /** Largest message that may come, all frames together, in bytes. */
  readonly maxMessageBytes: number;
  /**
   * The security of the connection. A server is asked when it has seen what the peer wants.
   *
   * @param wanted - the peer's mechanism; `undefined` for a client, which decides itself
   * @returns `undefined` when that mechanism is not accepted
   */
  mechanism(wanted: string | undefined): Mechanism | undefined;
}

/** What a session tells its owner. Handlers must not throw. */
export interface SessionEvents {
  /** The handshake is done; messages may be sent. */
  ready(peer: SessionPeer): void;
  /** A message came. */
  message(frames: Frames): void;
  /** There is something to take from {@link Session.out}. */
  writable(): void;
  /** The session waits for a check of credentials: bytes should not be read meanwhile, or read again. */
  paused(paused: boolean): void;
  /** The peer broke the protocol or was refused: what is in `out` is the last word. Called once, last. */
  failed(reason: RpcError): void;
}

/** The peer, once the handshake is done. */
export interface SessionPeer {
  /** Who it is. */
  readonly identity: PeerIdentity;
  /** The routing id it asked for; empty for none. */
  readonly routingId: Buffer;
  /** Does it know heartbeats, and commands for subscriptions (ZMTP 3.1)? */
  readonly knowsHeartbeats: boolean;
  /** Is it a SUB or XSUB socket? Only subscriptions come from it. */
  readonly subscribes: boolean;
}

type Phase = "greeting" | "handshake" | "traffic" | "failed";

/**
 * One ZMTP connection without its socket: bytes in, messages and bytes out (ZMTP 3.1, RFC 37; 3.0, RFC 23). It does no
 * input or output and keeps no timer.
 */
export class Session {
  /** What is to be written. */
  readonly out: OutBuffer = new OutBuffer();
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  readonly #parser: FrameParser;
  #phase: Phase = "greeting";
  #greetingBytes: Buffer = Buffer.alloc(0);
  #greeting: Greeting | undefined;
  #mechanism: Mechanism | undefined;
  /** Frames that came while credentials were being checked. */
  #held: { flags: number; body: Buffer }[] | undefined;
  #frames: Buffer[] = [];
  #frameBytes = 0;
  #heard = 0;
  /** Is the peer a subscriber … */
  #publishes = false;
  /** … or this end, and the peer knows commands for that? */
  #subscribesByCommand = false;

  constructor(options: SessionOptions, events: SessionEvents) {
    this.#options = options;
    this.#events = events;
    // The boxes and headers of an encrypted frame come on top.
    this.#parser = new FrameParser(options.maxMessageBytes + SEAL_BYTES, (flags, body) => {
      this.#heard++;
      if (this.#held) this.#held.push({ flags, body });
      else this.#frame(flags, body);
    });
  }

  /** Frames that have come; tells whether the peer was heard of since one looked last. */
  get heard(): number {
    return this.#heard;
  }

  /** May messages be sent? */
  get isReady(): boolean {
    return this.#phase === "traffic";
  }

  /** Sends what can be said before the peer has spoken. */
  start(): void {
    if (this.#options.role === "client") {
      this.#mechanism = this.#options.mechanism(undefined);
      this.out.add(encodeGreeting(this.#mechanism?.name ?? "NULL"));
    } else {
      this.out.add(encodeGreeting("NULL").subarray(0, GREETING_HEAD_BYTES));
    }
    this.#events.writable();
  }

  /** Takes bytes from the peer. Never throws. */
  receive(chunk: Buffer): void {
    if (this.#phase === "failed") return;
    try {
      if (this.#phase === "greeting") this.#greet(chunk);
      else this.#parser.push(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Sends a message; only when ready. */
  send(frames: Frames): void {
    if (this.#subscribesByCommand && isSubscription(frames)) {
      const [subscription = NOTHING] = frames;
      const name = subscription[0] === SUBSCRIBE ? "SUBSCRIBE" : "CANCEL";
      this.#write(COMMAND, encodeCommand(name, subscription.subarray(1)));
      this.#events.writable();
      return;
    }
    const last = frames.length - 1;
    for (let index = 0; index <= last; index++) {
      const body = frames[index];
      if (body) this.#write(index < last ? MORE : 0, body);
    }
    this.#events.writable();
  }

  /** Asks the peer for a sign of life; only when ready, and only when it knows heartbeats. */
  ping(): void {
    // Ours to choose is the time after which the peer may give us up, in tenths of a second; 0 leaves it to the peer.
    this.#write(COMMAND, encodeCommand("PING", Buffer.alloc(2)));
    this.#events.writable();
  }

  /** Takes no more from the peer: the owner has done with it, and what has come already is of no interest. */
  stop(): void {
    this.#phase = "failed";
  }

  #write(flags: number, body: Uint8Array): void {
    const seal = this.#mechanism?.seal;
    if (seal) this.out.addFrame(0, seal(flags, body));
    else this.out.addFrame(flags, body);
  }

  #greet(chunk: Buffer): void {
    const bytes = this.#greetingBytes.length === 0 ? chunk : Buffer.concat([this.#greetingBytes, chunk]);
    const greeting = decodeGreeting(bytes);
    if (!greeting) {
      this.#greetingBytes = bytes;
      return;
    }
    this.#greetingBytes = Buffer.alloc(0);
    this.#greeting = greeting;
    this.#agree(greeting);
    this.#phase = "handshake";
    const opening = this.#mechanism?.begin();
    if (opening) this.out.addFrame(COMMAND, opening);
    this.#events.writable();
    if (bytes.length > GREETING_BYTES) this.#parser.push(bytes.subarray(GREETING_BYTES));
  }

  #agree({ mechanism }: Greeting): void {
    if (this.#options.role === "client") {
      if (mechanism === this.#mechanism?.name) return;
      if (mechanism === REFUSING) {
        const own = this.#mechanism?.name === "NULL" ? "a peer that proves nothing" : (this.#mechanism?.name ?? "");
        throw rpcError("ACCESS_DENIED", `The peer does not let in ${own}; it wants another security mechanism`);
      }
      throw rpcError(
        "ACCESS_DENIED",
        `The peer wants the security mechanism ${mechanism}, this end is set to ${this.#mechanism?.name ?? "none"}`,
      );
    }
    this.#mechanism = this.#options.mechanism(mechanism);
    this.out.add(encodeGreeting(this.#mechanism?.name ?? REFUSING).subarray(GREETING_HEAD_BYTES));
    if (!this.#mechanism) {
      throw rpcError("ACCESS_DENIED", `A peer wanted the security mechanism ${mechanism}, which is not accepted here`);
    }
  }

  #frame(flags: number, body: Buffer): void {
    if (this.#phase === "handshake") {
      this.#shake(flags, body);
      return;
    }
    if (this.#phase !== "traffic") return;
    const open = this.#mechanism?.open;
    if (open) {
      const opened = open(body);
      this.#opened(opened.flags, opened.body);
    } else {
      this.#opened(flags, body);
    }
  }

  #opened(flags: number, body: Buffer): void {
    if ((flags & COMMAND) !== 0) {
      this.#command(body);
      return;
    }
    if ((flags & MORE) === 0 && this.#frames.length === 0) {
      this.#deliver([body]);
      return;
    }
    this.#frames.push(body);
    this.#frameBytes += body.length;
    if (this.#frameBytes > this.#options.maxMessageBytes || this.#frames.length > MAX_FRAMES) {
      throw new ProtocolError(
        `The peer sent a message of more than ${this.#options.maxMessageBytes} bytes or ${MAX_FRAMES} frames`,
      );
    }
    if ((flags & MORE) !== 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#frameBytes = 0;
    this.#deliver(frames);
  }

  #deliver(frames: Frames): void {
    if (this.#publishes && !isAcceptable(frames)) return;
    this.#events.message(frames);
  }

  /** Heartbeats and subscriptions. Other commands are for socket types that stand at neither end here, and are ignored. */
  #command(frame: Buffer): void {
    const { name, body } = decodeCommand(frame);
    if (name === "PING") {
      if (body.length < 2) throw new ProtocolError("The peer's PING is malformed");
      this.#write(COMMAND, encodeCommand("PONG", body.subarray(2, 2 + MAX_PING_CONTEXT)));
      this.#events.writable();
    } else if (this.#publishes && (name === "SUBSCRIBE" || name === "CANCEL")) {
      this.#deliver([Buffer.concat([Buffer.from([name === "SUBSCRIBE" ? SUBSCRIBE : CANCEL]), body])]);
    } else if (name === "ERROR") {
      throw new ProtocolError("The peer reported an error and goes");
    }
  }

  #shake(flags: number, body: Buffer): void {
    if ((flags & COMMAND) === 0) throw new ProtocolError("The peer sent a message before its handshake was done");
    const step = this.#mechanism?.receive(decodeCommand(body));
    if (step instanceof Promise) this.#waitFor(step);
    else if (step) this.#take(step);
  }

  #waitFor(step: Promise<Step>): void {
    this.#held = [];
    this.#events.paused(true);
    step
      .then((taken) => {
        const held = this.#held ?? [];
        this.#held = undefined;
        if (this.#phase === "failed") return;
        this.#take(taken);
        this.#events.paused(false);
        // Each of them may begin another check, which holds the rest back again.
        for (const { flags, body } of held) {
          const holding = this.#held as typeof held | undefined;
          if (holding) holding.push({ flags, body });
          else this.#frame(flags, body);
        }
      })
      .catch((error: unknown) => {
        this.#fail(error);
      });
  }

  #take({ send, done }: Step): void {
    if (send) {
      this.out.addFrame(COMMAND, send);
      this.#events.writable();
    }
    if (!done) return;
    const theirs = done.metadata.get("socket-type")?.toString("latin1") ?? "";
    const own = typeTowards(theirs, this.#options);
    requireCompatible(own, theirs);
    const knowsHeartbeats = this.#greeting !== undefined && (this.#greeting.major > 3 || this.#greeting.minor >= 1);
    this.#publishes = own === "XPUB";
    this.#subscribesByCommand = own === "SUB" && knowsHeartbeats;
    this.#phase = "traffic";
    this.#events.ready({
      identity: done.identity,
      routingId: done.metadata.get("identity") ?? Buffer.alloc(0),
      knowsHeartbeats,
      subscribes: this.#publishes,
    });
  }

  #fail(error: unknown): void {
    if (this.#phase === "failed") return;
    const handshaking = this.#phase === "handshake";
    this.#phase = "failed";
    let reason: RpcError;
    if (error instanceof Refused) {
      if (handshaking) this.out.addFrame(COMMAND, encodeCommand("ERROR", Buffer.from([3]), Buffer.from(error.status)));
      reason = rpcError("ACCESS_DENIED", error.message, { cause: error.cause });
    } else {
      reason = RpcError.from(error, "PROTOCOL");
    }
    this.#events.writable();
    this.#events.failed(reason);
  }
}

const NOTHING = Buffer.alloc(0);
/** What a refusing server says of itself: the client then knows that it is the mechanism that does not fit. */
const REFUSING = "NONE";
/** Octets that CURVE adds to a frame. */
const SEAL_BYTES = 33;
/** Frames of one message; each costs memory even when it is empty. */
const MAX_FRAMES = 10_000;
/** Octets of a PING that come back with the PONG (RFC 37). */
const MAX_PING_CONTEXT = 16;

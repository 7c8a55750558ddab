import { RpcError, rpcError } from "../errors.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import type { AnswerMessage, CallMessage, EndMessage, Frames, HelloMessage, Message } from "../wire/message.js";
import { type BatchingCodec, type Codec, MalformedMessageError, type Wire } from "../wire/wire.js";
import { type Dispatcher, expiredAnswer, failureOf } from "./dispatcher.js";
import { type FrameSender, Outbox } from "./outbox.js";
import { callMessage, type PendingCall, PendingCalls } from "./pending-calls.js";
import { Referrals } from "./referrals.js";
import type { IncomingStream } from "./streams/remote-stream.js";
import { Streams } from "./streams/streams.js";

/** Options of {@link PeerEnd}. */
export interface PeerEndOptions {
  /** Turns messages into frames. */
  readonly wire: Wire;
  /** The other end, for errors and logs. */
  readonly label: string;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Calls that may wait for an answer at the same time. One more is refused with `OVERLOADED`, `not-sent`. */
  readonly maxInFlight: number;
  /** Bytes of their requests together; a single call may always go. */
  readonly maxInFlightBytes: number;
  /** This run of this process. */
  readonly incarnation: string;
  /** What the other end may call; absent: nothing. */
  readonly dispatcher?: Dispatcher | undefined;
  /** Told of what is ignored. */
  readonly log: Logger;
  /** Moves frames to the other end. */
  readonly send: FrameSender;
  /** Breaks the connection off. */
  readonly close: (reason: RpcError) => void;
}

/**
 * One end of a connection, without the link: calls that wait for answers, calls that are being served, what the ends tell
 * each other. Both ends are alike.
 */
export class PeerEnd {
  readonly #options: PeerEndOptions;
  readonly #codec: Codec | BatchingCodec;
  readonly #outbox: Outbox;
  readonly #pending: PendingCalls;
  /** On wires where both ends call. */
  readonly #streams: Streams | undefined;
  readonly #referrals: Referrals | undefined;
  /** Streams that came with calls which are being served, by the call's number. */
  readonly #streamsOfCalls = new Map<CallMessage["id"], readonly IncomingStream[]>();
  readonly #respond: (answer: AnswerMessage) => void;
  readonly #take: (message: Message) => void;
  #hello: HelloMessage | undefined;
  #saidHello = false;
  /** Difference between our clock at arrival and the other end's at sending, of the first message … */
  #clockOffset: number | undefined;
  /** … and how much less than that was seen since. */
  #quickestMs = 0;
  #receivedAt = 0;
  /** Did the message that was sent last refer to any? */
  #refersToStreams = false;

  constructor(options: PeerEndOptions) {
    this.#options = options;
    const { wire, maxMessageBytes } = options;
    if (wire.twoWay) {
      this.#streams = this.#makeStreams();
      this.#referrals = new Referrals(this.#streams);
    }
    this.#codec = wire.open({ maxMessageBytes }, this.#referrals);
    this.#outbox = new Outbox(this.#codec, options.send, () => performance.now());
    this.#pending = new PendingCalls(options.wheel, (call) => {
      if (options.wire.twoWay) this.#outbox.add({ kind: "cancel", id: call.id });
    });
    this.#respond = (answer) => {
      const maxBytes = this.#hello?.maxMessageBytes;
      const origin = answer.kind === "result" ? answer.origin : undefined;
      if (this.#streamsOfCalls.size === 0) {
        this.#add(answer, origin, maxBytes);
        return;
      }
      const endUnused = (): void => {
        this.#endUnused(answer.id);
      };
      this.#add(answer, origin, maxBytes, endUnused);
      // A method may go on reading its arguments as long as its own streams last.
      if (!this.#refersToStreams) endUnused();
    };
    this.#take = (message) => {
      this.#handle(message);
    };
  }

  /** Calls in flight. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Number of calls made so far. */
  get calls(): number {
    return this.#pending.lastId;
  }

  /** What the other end has said of itself; `undefined` while it has not, and on wires where it never does. */
  get hello(): HelloMessage | undefined {
    return this.#hello;
  }

  /** Introduces this end, on wires that want it; once. */
  greet(): void {
    if (this.#saidHello || !this.#options.wire.twoWay) return;
    this.#saidHello = true;
    const { incarnation, maxMessageBytes } = this.#options;
    this.#outbox.add({ kind: "hello", versions: [1, 1], incarnation, maxMessageBytes });
  }

  /** Sends a call; see {@link Channel.send}. */
  call(call: PendingCall): void {
    const refusal = this.#refusal(call);
    if (refusal) {
      call.failed(refusal);
      return;
    }
    call.id = this.#pending.nextId();
    call.timeoutMs = call.deadlineAt - call.sentAt;
    try {
      // Our own codec reads what it needs of the call; others get a message that is nothing else.
      call.bytes = this.#add("add" in this.#codec ? call : callMessage(call), undefined, call.maxBytes);
      if (this.#refersToStreams) call.isOneShot = true;
    } catch (error) {
      call.failed(RpcError.from(error));
      return;
    }
    this.#pending.add(call);
  }

  /** Takes frames of the other end. Never throws. */
  receive(frames: Frames): void {
    this.#receivedAt = performance.now();
    const codec = this.#codec;
    try {
      if ("add" in codec) codec.decodeAll(frames, this.#take);
      else this.#handle(codec.decode(frames));
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.#malformed(error);
    }
  }

  /** A message turned out not to have left: its calls are told so. See {@link FrameSender}. */
  unsent(first: number, last: number, reason: RpcError): void {
    for (let id = first; id <= last; id++) this.#pending.giveUp(id, "unsent", reason);
  }

  /** The connection is gone: everything that waits is told so, everything that runs for the other end is stopped. */
  lost(reason: RpcError): void {
    const { firstUnsent } = this.#outbox;
    if (firstUnsent !== undefined) this.unsent(firstUnsent, this.#pending.lastId, reason);
    this.#pending.giveUpAll(reason.code === "CLOSED" ? "closed" : "lost", reason);
    this.#streams?.lost(reason);
    this.#streamsOfCalls.clear();
    this.#options.dispatcher?.abandon(
      this.#respond,
      rpcError("CANCELLED", "The caller is gone", { outcome: "executed", cause: reason }),
    );
  }

  /** Sends a message; what it refers to comes to life with it. */
  #add(message: Message, origin: unknown, maxBytes?: number, onEnded?: () => void): number {
    const referrals = this.#referrals;
    if (!referrals) return this.#outbox.add(message, maxBytes);
    referrals.begin(origin, onEnded);
    let bytes: number;
    try {
      bytes = this.#outbox.add(message, maxBytes);
    } catch (error) {
      referrals.rollback();
      throw error;
    }
    this.#refersToStreams = referrals.commit();
    return bytes;
  }

  #makeStreams(): Streams {
    return new Streams(
      {
        item: (stream, value) => this.#add({ kind: "item", stream, value }, undefined, this.#hello?.maxMessageBytes),
        end: (stream, error) => {
          this.#endStream(stream, error);
        },
      },
      {
        credit: (stream, items) => {
          this.#outbox.add({ kind: "credit", stream, items });
        },
        stop: (stream) => {
          this.#outbox.add({ kind: "stop", stream });
        },
      },
    );
  }

  #endStream(stream: number, error: unknown): void {
    if (error === undefined) {
      this.#outbox.add({ kind: "end", stream });
      return;
    }
    this.#options.log.debug(`A stream to ${this.#options.label} failed: ${(error as Error).message}`);
    const told = failureOf(error);
    try {
      this.#outbox.add({ kind: "end", stream, error: told });
    } catch {
      // What the error carries cannot travel; its text can.
      this.#outbox.add({ kind: "end", stream, error: { ...told, remote: { message: told.remote.message } } });
    }
  }

  /** The method has answered without looking at them. */
  #endUnused(id: CallMessage["id"]): void {
    if (this.#streamsOfCalls.size === 0) return;
    for (const stream of this.#streamsOfCalls.get(id) ?? []) if (!stream.isUsed) stream.stop();
    this.#streamsOfCalls.delete(id);
  }

  #refusal(call: PendingCall): RpcError | undefined {
    const { maxInFlight, maxInFlightBytes, label } = this.#options;
    const { size, bytes } = this.#pending;
    if (size === 0) return undefined;
    const full = size >= maxInFlight;
    if (!full && bytes + (call.attachment?.byteLength ?? 0) <= maxInFlightBytes) return undefined;
    return rpcError(
      "OVERLOADED",
      `${full ? `${maxInFlight} calls` : `${maxInFlightBytes} bytes`} are in flight to ${label} already ` +
        `(option ${full ? "maxInFlight" : "maxInFlightBytes"})`,
      { interface: call.interface, method: call.method, service: label },
    );
  }

  #handle(message: Message): void {
    switch (message.kind) {
      case "call":
        this.#serve(message);
        break;
      case "result":
      case "error":
        this.#settle(message);
        break;
      case "cancel":
        this.#options.dispatcher?.cancel(
          this.#respond,
          message.id,
          rpcError("CANCELLED", "The caller has given the call up", { outcome: "executed" }),
        );
        break;
      case "hello":
        this.#greeted(message);
        break;
      case "item":
      case "end":
      case "credit":
      case "stop":
        this.#referrals?.takeAccepted();
        this.#streams?.handle(message, (end) => this.#streamError(end));
        break;
      case "ping":
        this.#outbox.add({ kind: "pong", token: message.token });
        break;
      case "pong":
        break;
      case "goodbye":
        this.#options.close(rpcError("UNAVAILABLE", `${this.#options.label} closed the connection: ${message.text}`));
        break;
    }
  }

  #settle(message: AnswerMessage): void {
    const streams = this.#referrals?.takeAccepted() ?? NO_STREAMS;
    if (typeof message.id === "number" && this.#pending.settle(message.id, message)) return;
    this.#ignored("an answer to no call that waits");
    for (const stream of streams) stream.stop();
  }

  #serve(message: CallMessage): void {
    const { dispatcher } = this.#options;
    if (!dispatcher) {
      this.#ignored("a call, and this end serves none");
      return;
    }
    const streams = this.#referrals?.takeAccepted() ?? NO_STREAMS;
    if (streams.length > 0) this.#streamsOfCalls.set(message.id, streams);
    const waitedMs = this.#waitedMs(message.sentAt);
    if (message.timeoutMs !== undefined && waitedMs >= message.timeoutMs) {
      this.#respond(expiredAnswer(message));
    } else dispatcher.dispatch(message, this.#respond, this.#receivedAt - waitedMs);
  }

  #streamError({ error }: EndMessage): RpcError | undefined {
    if (!error) return undefined;
    const { code, number, remote } = error;
    const { label } = this.#options;
    return rpcError(code, remote.message, { number, remote, outcome: "executed", service: label, cause: remote.cause });
  }

  #greeted(hello: HelloMessage): void {
    const [lowest, highest] = hello.versions;
    if (lowest > 1 || highest < 1) {
      const text = `This end speaks version 1 of the wire, the other end ${lowest} to ${highest}`;
      this.#leave(rpcError("PROTOCOL", text));
      return;
    }
    this.#hello = hello;
    this.greet();
  }

  #malformed(error: MalformedMessageError): void {
    const { answer } = error;
    this.#ignored(error.message);
    if (answer && this.#options.dispatcher) this.#respond(answer);
    // An unreadable answer that names its call settles that call; nothing else is disturbed.
    else if (answer && typeof answer.id === "number") this.#pending.settle(answer.id, answer);
    // On a wire that batches, nothing after it can be made sense of.
    else if ("add" in this.#codec) this.#leave(error);
  }

  #leave(reason: RpcError): void {
    const { wire, close } = this.#options;
    if (wire.twoWay) {
      this.#outbox.add({ kind: "goodbye", code: reason.code, text: reason.message });
      this.#outbox.flush();
    }
    close(reason);
  }

  /**
   * How long a message has lain unread, say while this process was stopped: what it took longer than the quickest of the
   * other end. No common clock is needed.
   */
  #waitedMs(sentAt: number | undefined): number {
    if (sentAt === undefined || Number.isNaN(sentAt)) return 0;
    const difference = this.#receivedAt - sentAt;
    this.#clockOffset ??= difference;
    // Some wires carry the lower 32 bits of the clock only: what counts is how the difference has changed.
    const change = difference - this.#clockOffset;
    const took = change - Math.round(change / CLOCK_MS) * CLOCK_MS;
    if (took < this.#quickestMs) this.#quickestMs = took;
    return took - this.#quickestMs;
  }

  #ignored(what: string): void {
    this.#options.log.debug(`${this.#options.label} sent what is ignored: ${what}`);
  }
}

/** Clocks of 32 bits come around after this many milliseconds, 49 days. */
const CLOCK_MS = 2 ** 32;
const NO_STREAMS: readonly IncomingStream[] = [];

import { RpcError, rpcError } from "../errors.js";
import type { PeerIdentity } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { Logger } from "../util/log.js";
import { type AnswerMessage, type Frames, type HelloMessage, type Message, sizeOf } from "../wire/message.js";
import { type BatchingCodec, type Codec, MalformedMessageError, type Wire, type WireAbilities } from "../wire/wire.js";
import type { AnswerWindow } from "./answers/answer-window.js";
import { servingCall } from "./call-context.js";
import type { AttachmentLimits, CallOrigin } from "./call-origin.js";
import { CallPromise } from "./call-promise.js";
import { CallerLoad, type LoadLimits } from "./caller-load.js";
import type { Dispatcher } from "./dispatcher.js";
import { reviveRegistered } from "./error-classes.js";
import { objectionTo, WIRE_VERSION } from "./hello.js";
import { IncomingCalls } from "./incoming-calls.js";
import { type FrameSender, Outbox } from "./outbox.js";
import { type PeerCaller, peerProxy } from "./peer-proxy.js";
import { callMessage, type PendingCall, PendingCalls } from "./pending-calls.js";
import { PromiseCall } from "./promise-call.js";
import type { HeldReference } from "./references/held-reference.js";
import { Referrals } from "./referrals.js";
import type { Dynamic, Remote } from "./remote.js";
import type { IncomingStream } from "./streams/remote-stream.js";
import { unreadable } from "./unreadable.js";

/** Options of {@link PeerEnd}. */
export interface PeerEndOptions {
  /** Turns messages into frames. */
  readonly wire: Wire;
  /** The other end, for errors and logs. */
  readonly label: string;
  /** Who it is, as far as the link has proven it. */
  readonly identity?: PeerIdentity | undefined;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Calls that may wait for an answer at the same time. One more is refused with `OVERLOADED`, `not-sent`. */
  readonly maxInFlight: number;
  /** Bytes of their requests together; a single call may always go. */
  readonly maxInFlightBytes: number;
  /** References that each end may hold of the other's. */
  readonly maxReferences: number;
  /** Deadline of calls that this end makes by itself, to references and back to its caller, in milliseconds; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** This run of this process. */
  readonly incarnation: string;
  /** Random name of the connection; without one no call of this end can be tried again over another connection. */
  readonly name?: string | undefined;
  /** What the other end may call; absent: nothing. */
  readonly dispatcher?: Dispatcher | undefined;
  /** What the other end may have under way here; absent: as much as it likes. */
  readonly limits?: LoadLimits | undefined;
  /** Keeps what was answered, for calls that are tried again. */
  readonly answers?: AnswerWindow | undefined;
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
export class PeerEnd implements CallOrigin, PeerCaller {
  /** The other end, for people. */
  readonly label: string;
  /** Nothing but itself: it is remembered longer than the rest of this end. */
  readonly connection: object = {};
  readonly load: CallerLoad | undefined;
  readonly #options: PeerEndOptions;
  readonly #can: WireAbilities;
  readonly #codec: Codec | BatchingCodec;
  readonly #outbox: Outbox;
  readonly #pending: PendingCalls;
  /** Streams and references; on wires that have them. */
  readonly #referrals: Referrals | undefined;
  /** Calls of the other end; absent: it may call nothing. */
  readonly #incoming: IncomingCalls | undefined;
  readonly #take = (message: Message): void => {
    this.#handle(message);
  };
  #hello: HelloMessage | undefined;
  #saidHello = false;
  #isLost = false;
  #hasLeft = false;
  #receivedAt = 0;
  /** Did the message that was sent last hold any? */
  #holdsStreams = false;

  constructor(options: PeerEndOptions) {
    this.#options = options;
    this.label = options.label;
    this.load = options.limits && new CallerLoad(options.limits);
    const { wire, maxMessageBytes } = options;
    this.#can = wire.abilities ?? {};
    if (this.#can.refers) {
      this.#referrals = new Referrals({
        label: options.label,
        maxReferences: options.maxReferences,
        send: (message) => (this.#isLost ? 0 : this.#add(message, undefined, this.#hello?.maxMessageBytes)),
        timeoutMs: options.timeoutMs ?? CALL_BACK_MS,
        callReference: (reference, method, args, deadlineAt) =>
          this.#callBack({ interface: "", method, args, reference }, deadlineAt),
      });
    }
    this.#codec = wire.open({ maxMessageBytes }, this.#referrals);
    this.#outbox = new Outbox(this.#codec, this.#sender(), () => performance.now());
    this.#pending = new PendingCalls(options.wheel, (call) => {
      if (!this.#can.converses) return;
      this.#outbox.add({ kind: "cancel", id: call.id });
      if (call.isOneShot) this.#referrals?.givenUp(call.id);
    });
    const { dispatcher, answers, incarnation } = options;
    if (dispatcher) {
      this.#incoming = new IncomingCalls(this, {
        dispatcher,
        answers,
        wire,
        incarnation,
        referrals: this.#referrals,
        log: options.log,
        isLost: () => this.#isLost,
        breakOff: () => {
          const reason = rpcError("UNAVAILABLE", "Calls of this connection are tried again over another one");
          this.lost(reason);
          options.close(reason);
        },
      });
    }
  }

  get identity(): PeerIdentity | undefined {
    return this.#options.identity;
  }

  get connectionName(): string | undefined {
    return this.#hello?.connection;
  }

  get attachments(): AttachmentLimits {
    const maxMessageBytes = Math.min(this.#options.maxMessageBytes, this.#hello?.maxMessageBytes ?? Infinity);
    return { wire: this.#options.wire.name, canStream: this.#referrals !== undefined, maxMessageBytes };
  }

  /** Calls in flight. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Number of calls made so far. */
  get calls(): number {
    return this.#pending.lastId;
  }

  /** Is anything under way: calls, streams, references? */
  get isIdle(): boolean {
    return this.#pending.size === 0 && (this.#referrals?.size ?? 0) === 0;
  }

  /** What each end holds of the other's. */
  references(): Iterable<HeldReference> {
    return this.#referrals?.references() ?? [];
  }

  /** When something came last, in milliseconds of `performance.now()`. */
  get heardAt(): number {
    return this.#receivedAt;
  }

  /** What the other end has said of itself; `undefined` while it has not, and on wires where it never does. */
  get hello(): HelloMessage | undefined {
    return this.#hello;
  }

  /** Introduces this end, on wires that want it; once. */
  greet(): void {
    if (this.#saidHello || !this.#can.converses) return;
    this.#saidHello = true;
    const { incarnation, name, maxMessageBytes } = this.#options;
    this.#outbox.add({
      kind: "hello",
      versions: [WIRE_VERSION, WIRE_VERSION],
      incarnation,
      connection: name,
      maxMessageBytes,
    });
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
      call.bytes = this.#add("add" in this.#codec ? call : callMessage(call), call.id, call.maxBytes);
      if (this.#holdsStreams) call.isOneShot = true;
    } catch (error) {
      call.failed(unreadable(error));
      return;
    }
    if (call.isOneWay) call.answered({ kind: "result", id: call.id, result: undefined });
    else this.#pending.add(call);
  }

  /** Does a call of this end still wait for its answer? */
  awaits(id: number): boolean {
    return this.#pending.has(id);
  }

  /** See {@link Channel.canFollow}. */
  canFollow(call: PendingCall): boolean {
    return this.#referrals !== undefined && this.#outbox.holds(call.id) && this.#pending.has(call.id);
  }

  /** @throws RpcError when a result cannot travel; never for an error */
  respond(answer: AnswerMessage): void {
    if (answer.kind === "result") {
      this.#respond(answer, this.#hello?.maxMessageBytes);
      return;
    }
    try {
      this.#respond(answer);
    } catch {
      // Whatever does not fit into it, that the call failed has to be told.
      this.#respond({ ...answer, extensions: undefined, remote: { message: "The error is too large to be told" } });
    }
  }

  #respond(answer: AnswerMessage, maxBytes?: number): void {
    const incoming = this.#incoming;
    if (this.#isLost) {
      incoming?.late(answer);
      return;
    }
    if (!this.#referrals) {
      // Codecs of others get a message that is nothing else.
      this.#outbox.add(answer.kind === "result" ? { ...answer, origin: undefined } : answer, maxBytes);
      return;
    }
    const origin = answer.kind === "result" ? answer.origin : undefined;
    incoming?.answered();
    if (!incoming?.hasStreams) {
      this.#add(answer, origin, maxBytes);
      return;
    }
    const endUnused = (): void => {
      incoming.endUnusedStreams(answer.id);
    };
    this.#add(answer, origin, maxBytes, endUnused);
    // A method may go on reading its arguments as long as its own streams last.
    if (!this.#holdsStreams) endUnused();
  }

  peer(interfaceName = ""): Remote<Dynamic> {
    const { wire } = this.#options;
    if (this.#can.callsBack) return peerProxy(this, interfaceName);
    throw rpcError("CONFIGURATION", `${this.label} speaks the wire ${wire.name}, on which nobody can call it back`);
  }

  callPeer(interfaceName: string, method: string, args: readonly unknown[]): CallPromise<unknown> {
    return this.#callBack({ interface: interfaceName, method, args });
  }

  /** Asks for a sign of life. */
  ping(): void {
    if (this.#can.converses && !this.#isLost) this.#outbox.add({ kind: "ping", token: 0 });
  }

  /** Tells the other end that this one goes, on wires that have a word for it. */
  leave(reason: RpcError): void {
    if (!this.#can.converses || this.#isLost) return;
    this.#outbox.add({ kind: "goodbye", code: reason.code, text: reason.message });
    this.#outbox.flush();
  }

  /**
   * Takes frames of the other end. Never throws.
   *
   * @param cameAt - when they came, in milliseconds of `performance.now()`; default now
   */
  receive(frames: Frames, cameAt: number = performance.now()): void {
    if (this.#isLost) return;
    this.#receivedAt = cameAt;
    this.load?.reading(sizeOf(frames));
    const codec = this.#codec;
    try {
      if ("add" in codec) {
        codec.decodeAll(frames, this.#take);
        this.#incoming?.acknowledged(codec.acknowledged);
      } else this.#handle(codec.decode(frames));
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      this.#malformed(error);
    }
    this.#incoming?.batchRead();
    this.load?.read();
  }

  /** A message turned out not to have left: its calls are told so. See {@link FrameSender}. */
  unsent(first: number, last: number, reason: RpcError): void {
    for (let id = first; id <= last; id++) {
      this.#pending.giveUp(id, "unsent", reason);
      this.#referrals?.givenUp(id);
    }
  }

  /** The connection is gone: everything that waits is told so, everything that runs for the other end is stopped. */
  lost(reason: RpcError): void {
    if (this.#isLost) return;
    const { firstUnsent } = this.#outbox;
    if (firstUnsent !== undefined) this.unsent(firstUnsent, this.#pending.lastId, reason);
    // Answers that have not left are kept with those that have.
    this.#outbox.flush();
    this.#isLost = true;
    this.#pending.giveUpAll(reason.code === "CLOSED" ? "closed" : "lost", reason);
    this.#referrals?.lost(reason);
    this.#incoming?.lost(this.#hasLeft);
  }

  /** On the way to the link, answers are noted down. */
  #sender(): FrameSender {
    const { send, answers } = this.#options;
    const codec = this.#codec;
    if (!answers || !("add" in codec)) return send;
    return (frames, first, last) => {
      this.#incoming?.sending(codec.taken, frames);
      send(frames, first, last);
    };
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
    this.#holdsStreams = referrals.commit();
    return bytes;
  }

  /** A call the other way: no resolving, no second try; the deadline is inherited. */
  #callBack(
    call: { interface: string; method: string; args: readonly unknown[]; reference?: number },
    deadlineAt = Infinity,
  ): CallPromise<unknown> {
    return new CallPromise((resolve, reject) => {
      const parent = servingCall();
      const sentAt = this.#options.wheel.now();
      const pending = new PromiseCall(
        { address: this.label, now: () => this.#options.wheel.now() },
        {
          ...call,
          isPositional: true,
          deadlineAt: Math.min(
            sentAt + (this.#options.timeoutMs ?? CALL_BACK_MS),
            deadlineAt,
            parent?.deadlineAt ?? Infinity,
          ),
          signal: parent?.signal,
          extensions: undefined,
        },
        (message) => {
          resolve(message.result);
        },
        (error) => {
          reject(reviveRegistered(error));
        },
      );
      if (this.#isLost) pending.failed(rpcError("UNAVAILABLE", `${this.label} is gone`, { method: call.method }));
      else this.call(pending);
    });
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
    // What comes after the end of it, in the same message, is nobody's.
    if (this.#isLost) return;
    switch (message.kind) {
      case "call":
        if (this.#options.answers && this.#can.repeats && !this.#hello) {
          // It belongs to a connection that was given up before, and must not be carried out any more.
          this.#breakOff(rpcError("PROTOCOL", "A call came before the hello"));
        } else if (this.#incoming) {
          const codec = this.#codec;
          this.#incoming.serve(message, this.#receivedAt, "add" in codec && codec.keepsResults);
        } else this.#ignored("a call, and this end serves none");
        break;
      case "result":
      case "error":
        this.#settle(message);
        break;
      case "cancel":
        this.#incoming?.cancel(message.id);
        break;
      case "hello":
        this.#greeted(message);
        break;
      case "item":
      case "end":
      case "credit":
      case "stop":
      case "release":
        this.#referrals?.handle(message);
        break;
      case "ping":
        this.#outbox.add({ kind: "pong", token: message.token });
        break;
      case "pong":
        break;
      case "goodbye":
        this.#hasLeft = true;
        this.#options.close(rpcError("UNAVAILABLE", `${this.#options.label} closed the connection: ${message.text}`));
        break;
    }
  }

  #settle(message: AnswerMessage): void {
    const streams = this.#referrals?.takeAccepted() ?? NO_STREAMS;
    const hasReferences = this.#referrals?.takeImported() === true;
    if (typeof message.id === "number" && this.#pending.settle(message.id, message, hasReferences)) return;
    this.#ignored("an answer to no call that waits");
    for (const stream of streams) stream.stop();
  }

  #greeted(hello: HelloMessage): void {
    if (this.#hello) {
      this.#ignored("a second hello");
      return;
    }
    const isNamedTwice = (): boolean =>
      hello.connection !== undefined && this.#incoming?.named(hello.connection) === false;
    const objection =
      objectionTo(hello) ??
      (isNamedTwice() ? "There was a connection of this name before; each needs a new one" : undefined);
    if (objection !== undefined) {
      this.#breakOff(rpcError("PROTOCOL", objection));
      return;
    }
    this.#hello = hello;
    this.greet();
  }

  #malformed(error: MalformedMessageError): void {
    const { answer } = error;
    this.#ignored(error.message);
    // An unreadable answer that names its call settles that call; nothing else is disturbed.
    if (answer && typeof answer.id === "number") this.#pending.settle(answer.id, answer);
    else if (answer && this.#options.dispatcher) this.respond(answer);
    // On a wire that batches, nothing after it can be made sense of.
    else if ("add" in this.#codec) this.#breakOff(error);
  }

  #breakOff(reason: RpcError): void {
    this.leave(reason);
    this.#options.close(reason);
  }

  #ignored(what: string): void {
    this.#options.log.debug(`${this.#options.label} sent what is ignored: ${what}`);
  }
}

/** Deadline of calls to the other end of a connection that was made by it, in milliseconds. */
const CALL_BACK_MS = 30_000;
const NO_STREAMS: readonly IncomingStream[] = [];

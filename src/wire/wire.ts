import { ProtocolError, type RpcErrorOptions } from "../errors.js";
import type { AnswerMessage, Frames, Message } from "./message.js";

/** What a codec may rely on and must keep. */
export interface WireLimits {
  /** Largest message in bytes, all frames together. Default 64 MiB. */
  readonly maxMessageBytes: number;
}

/** {@link WireLimits} where nothing else is said. */
export const DEFAULT_LIMITS: WireLimits = { maxMessageBytes: 64 * 1024 * 1024 };

/** What a wire has words for, besides calls one way and answers the other. */
export interface WireAbilities {
  /** Can the end that was connected to call the other one? */
  readonly callsBack?: boolean;
  /** Do the ends introduce themselves first of all, give calls up, ask for signs of life, and say goodbye? */
  readonly converses?: boolean;
  /** Do streams and references travel, and calls of results that are not there yet? */
  readonly refers?: boolean;
  /** Do all that are written in one turn of the event loop share a message? Its codecs are {@link BatchingCodec}s then. */
  readonly batches?: boolean;
  /** Is a call known again that is tried once more over another connection? */
  readonly repeats?: boolean;
  /** Do arguments travel in order and by name as they were given, so that a caller need not know what a method declares? */
  readonly takesKeywords?: boolean;
  /** Callers break at answers that come later than this after their calls, in milliseconds; absent: they take them. */
  readonly latestAnswerMs?: number;
}

/**
 * A protocol: frames ⇄ messages. A wire is pure; it opens no socket, starts no timer and keeps no global state.
 *
 * Register one with {@link registerWire}; from then on hosts recognise it on every address and `client.connect(address,
 * interface, { wire: name })` speaks it.
 */
export interface Wire {
  /** Short lower-case name: what registrations and options say. */
  readonly name: string;
  /** What it has words for besides calls and answers; default nothing. */
  readonly abilities?: WireAbilities;
  /**
   * Do these frames open a message of this wire? Asked once per message at an address that answers several wires; must
   * be cheap and must not throw.
   */
  recognises(frames: Frames): boolean;
  /**
   * The codec of one connection.
   *
   * @param referrer - stands for values that do not travel themselves; wires that have nothing of the kind ignore it
   */
  open(limits: WireLimits, referrer?: Referrer): Codec | BatchingCodec;
  /**
   * The answers in a message that one of its codecs has written; on wires where both ends call. For hosts, which keep what
   * they answered in case that it did not arrive.
   */
  readAnswers?(frames: Frames): Iterable<FoundAnswer>;
}

/** An answer in a message that was sent. */
export interface FoundAnswer {
  /** The answer. */
  readonly answer: AnswerMessage;
  /** Does it hold streams or references, which are of no use on another connection? */
  readonly isBound: boolean;
}

/** What stands for a value that does not travel itself. */
export interface Referral {
  /** Of which kind it is. */
  readonly kind: "reference" | "stream" | "promised";
  /** What the other end needs to make something of it. */
  readonly content: readonly unknown[];
}

/** Stands for values that do not travel themselves: functions, objects that stay where they are, streams. */
export interface Referrer {
  /** Is this a value that does not travel itself? Only says so. */
  refers(value: object): boolean;
  /** What is to be written in the place of a value; `undefined` when it travels as data, or not at all. */
  refer(value: object): Referral | undefined;
  /**
   * What a value stands for that was written by the other end's `refer`.
   *
   * @throws ProtocolError when it makes no sense
   */
  revive(kind: Referral["kind"], content: readonly unknown[]): unknown;
}

/** One connection's codec, for wires with one message per transport message. */
export interface Codec {
  /**
   * @throws BadRequestError, with the path of the value, when the wire cannot carry arguments or result
   * @throws RpcError with code `TOO_LARGE` and both sizes in its text when the message exceeds the limit
   */
  encode(message: Message): Frames;
  /**
   * @throws MalformedMessageError for anything that this wire does not allow. It is the only error that bytes from
   * outside can cause.
   */
  decode(frames: Frames): Message;
}

/**
 * One connection's codec, for wires on which many messages share a transport message: all that is added in one turn of the
 * event loop leaves together.
 */
export interface BatchingCodec {
  /** Bytes that wait to be taken. */
  readonly waiting: number;
  /** Batches that were taken so far, in 32 bits. */
  readonly taken: number;
  /** How many of them the other end has read, in 32 bits, as far as it has said so. */
  readonly acknowledged: number;
  /** Does the batch that is being read hold calls of other calls' results, so that these have to be kept? */
  readonly keepsResults: boolean;
  /**
   * Adds a message to the next batch.
   *
   * @param maxBytes - what its receiver takes, if that is less than this end allows
   * @returns its size in bytes
   * @throws as {@link Codec.encode}; nothing is added then
   */
  add(message: Message, maxBytes?: number): number;
  /**
   * Takes the batch.
   *
   * @param sentAt - the sender's clock, in milliseconds
   */
  take(sentAt: number): Frames;
  /**
   * Reads a batch and hands out its messages in order.
   *
   * @throws MalformedMessageError as {@link Codec.decode}; the connection is of no use then
   */
  decodeAll(frames: Frames, each: (message: Message) => void): void;
}

/** Bytes that are no message; tells what to answer, when the wire has an answer to such. */
export class MalformedMessageError extends ProtocolError {
  /** What the wire wants to be answered to the sender; `undefined` when silence is right. */
  readonly answer: AnswerMessage | undefined;

  /**
   * Makes one; the text is for logs and people.
   *
   * @param answer - what to answer to the sender, if anything
   */
  constructor(message: string, answer?: AnswerMessage, options: RpcErrorOptions = {}) {
    super(message, options);
    this.answer = answer;
  }
}

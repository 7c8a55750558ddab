import { randomBytes } from "node:crypto";
import type { Frames } from "../../wire/message.js";
import { MessageType, messageFrames } from "../../wire/pseud/format.js";

/** What a {@link LogIn} needs of its connection. */
export interface LogInOptions {
  /** Who this end is: the body of a HELLO. */
  readonly hello: Uint8Array;
  /** Sends a message. */
  readonly send: (frames: Frames) => void;
  /** Does a call still wait for its answer? */
  readonly awaits: (number: number) => boolean;
  /** The log-in was refused: calls that were sent for nothing are told so, each by a message as the server sends it. */
  readonly refused: (frames: Frames) => void;
}

/** A call that was sent. */
interface SentCall {
  readonly number: number;
  readonly frames: Frames;
}

/**
 * The end that logs in when it is asked to (docs/pseud-wire.md, section 5). A server that does not know who calls drops the call
 * and says so; the log-in follows, and then the calls once more. What is called meanwhile waits, so that one log-in does for all.
 */
export class LogIn {
  readonly #options: LogInOptions;
  /** Calls that were sent and not answered, by uid. */
  readonly #sent = new Map<string, SentCall>();
  /** Those of them that the server has dropped. */
  #dropped = new Map<string, SentCall>();
  /** The uid of the log-in that waits for its answer. */
  #asked: string | undefined;
  #settled: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #pruneAt = PRUNE_AT;

  constructor(options: LogInOptions) {
    this.#options = options;
  }

  /** Settles when calls may be sent; `undefined` when they may be now. */
  get settled(): Promise<void> | undefined {
    return this.#settled?.promise;
  }

  /** A call goes out. */
  sent(number: number, frames: Frames): void {
    if (this.#sent.size >= this.#pruneAt) this.#prune();
    this.#sent.set(uidOf(frames), { number, frames });
  }

  /** A call was answered. */
  answered(frames: Frames): void {
    this.#sent.delete(uidOf(frames));
  }

  /** The server has dropped a call, or refuses the log-in. */
  unauthorized(frames: Frames): void {
    const uid = uidOf(frames);
    if (uid === this.#asked) {
      this.#end();
      const [, , , , text = NOTHING] = frames;
      const dropped = this.#dropped;
      this.#dropped = new Map();
      for (const { frames: call } of dropped.values()) {
        this.#options.refused(messageFrames(MessageType.unauthorized, call[2] ?? NOTHING, text));
      }
      return;
    }
    const call = this.#sent.get(uid);
    this.#sent.delete(uid);
    if (call) this.#dropped.set(uid, call);
    if (this.#asked !== undefined) return;
    // Of several heartbeats each is answered alike: what answers the log-in has to have a uid that nothing else has.
    const helloUid = uid === "" ? randomBytes(UID_BYTES) : (frames[2] ?? NOTHING);
    this.#asked = latin1(helloUid);
    let resolve = (): void => undefined;
    const promise = new Promise<void>((resolved) => {
      resolve = resolved;
    });
    this.#settled = { promise, resolve };
    this.#options.send(messageFrames(MessageType.hello, helloUid, this.#options.hello));
  }

  /** The server knows this end now. */
  authenticated(): void {
    if (this.#asked === undefined) return;
    this.#end();
    const dropped = this.#dropped;
    this.#dropped = new Map();
    for (const [uid, call] of dropped) {
      if (!this.#options.awaits(call.number)) continue;
      this.#sent.set(uid, call);
      this.#options.send(call.frames);
    }
  }

  /** The connection is gone. */
  lost(): void {
    this.#end();
    this.#sent.clear();
    this.#dropped.clear();
  }

  #end(): void {
    this.#asked = undefined;
    this.#settled?.resolve();
    this.#settled = undefined;
  }

  /** Calls that nobody waits for are never answered, maybe. */
  #prune(): void {
    for (const [uid, { number }] of this.#sent) if (!this.#options.awaits(number)) this.#sent.delete(uid);
    this.#pruneAt = Math.max(PRUNE_AT, 2 * this.#sent.size);
  }
}

/** Calls without an answer after which one looks whether anybody still waits for them. */
const PRUNE_AT = 256;
const NOTHING = new Uint8Array();

/** As those of calls are. */
const UID_BYTES = 16;

function uidOf(frames: Frames): string {
  return latin1(frames[2] ?? NOTHING);
}

function latin1(uid: Uint8Array): string {
  return Buffer.from(uid).toString("latin1");
}

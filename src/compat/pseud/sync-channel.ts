import type { MessagePort } from "node:worker_threads";
import type { ErrorCode } from "../../errors.js";
import type { LinkSecurity } from "../../transport/index.js";
import type { Frames } from "../../wire/message.js";

/** What the thread of a blocking client is started with. */
export interface SyncThreadData {
  /** Its way to the caller. */
  readonly port: MessagePort;
  /** Memory that both share; see {@link Word}. */
  readonly words: Int32Array;
  /** Where to connect to. */
  readonly address: string;
  /** The name that the server has to tell; empty for any. */
  readonly serverId: string;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Proves to the connection who this end is; default not at all. */
  readonly security: LinkSecurity | undefined;
  /** Answers a server that asks for a log-in above that: the body of a HELLO. */
  readonly hello: Uint8Array | undefined;
}

/** Places in the memory that both threads share. */
export const Word = {
  /** Counts what the thread has told: a caller that sleeps is woken by its change. */
  told: 0,
  /**
   * The call that is under way: its number, from 1, while it waits to be sent, the same below zero once it was sent, else 0. Whoever
   * changes it first decides: the thread, that it is sent, or the caller, that it never will be.
   */
  call: 1,
  /** Is a server connected that calls may be sent to? 1 or 0. */
  connected: 2,
} as const;

/** Words that the memory has. */
export const WORDS = 3;

/** What the caller tells the thread. */
export type ToThread =
  | {
      /** Send a call, once, as soon as that can be. */
      readonly kind: "call";
      /** Its number. */
      readonly number: number;
      /** All five. */
      readonly frames: Frames;
    }
  | {
      /** End the connection, and the thread with it. */
      readonly kind: "close";
    };

/** A call was answered. */
export interface Answered {
  /** Tells the messages apart. */
  readonly kind: "answer";
  /** The call's number. */
  readonly number: number;
  /** All five. */
  readonly frames: Frames;
}

/** A call has failed for lack of a connection: before it left, or after that. */
export interface Broken {
  /** Tells the messages apart. */
  readonly kind: "unsent" | "lost";
  /** The call's number. */
  readonly number: number;
  /** What happened. */
  readonly code: ErrorCode;
  /** The same for people. */
  readonly text: string;
}

/** A call waits to be sent, and this is why. */
export interface Troubled {
  /** Tells the messages apart. */
  readonly kind: "trouble";
  /** The call's number. */
  readonly number: number;
  /** For people. */
  readonly text: string;
}

/** What the thread tells the caller of the call that is under way. */
export type FromThread = Answered | Broken | Troubled;

/**
 * Frames for the other thread, each with memory of its own: a view would take all of the memory along that it is a view of.
 *
 * @returns the frames, and what of their memory is better handed over than copied once more
 */
export function portable(frames: Frames): { readonly frames: Frames; readonly handedOver: ArrayBuffer[] } {
  const copies = frames.map((frame) => new Uint8Array(frame));
  return { frames: copies, handedOver: copies.map(({ buffer }) => buffer).filter(isLarge) };
}

function isLarge({ byteLength }: ArrayBuffer): boolean {
  return byteLength >= HAND_OVER_BYTES;
}

/** Below this, a copy costs less. */
const HAND_OVER_BYTES = 16 * 1024;

import { ProtocolError } from "../../errors.js";
import type { PeerIdentity, PeerOrigin } from "../../transport/index.js";
import { stalls } from "../../util/stalls.js";
import { thrownText } from "../../util/thrown-text.js";
import type { Frames } from "../../wire/message.js";
import { MessageType, messageFrames, typeOf } from "../../wire/pseud/format.js";
import { decodeLogin, type Login } from "../../wire/pseud/login-body.js";
import type { Challenge } from "./security/plugin.js";

/** What a {@link Doorkeeper} needs of its connection. */
export interface DoorkeeperOptions {
  /** Knows who is who. */
  readonly challenge: Challenge;
  /** Who the connection has proven to be. */
  readonly identity: PeerIdentity;
  /** Where it comes from. */
  readonly origin: PeerOrigin;
  /** Sends a message. */
  readonly send: (frames: Frames) => void;
  /** Somebody has logged in. */
  readonly admitted: (user: string) => void;
  /** Told of what is dropped. */
  readonly dropped: (what: string) => void;
}

/**
 * The end that asks who is there (docs/pseud-wire.md, section 5): whatever comes before the log-in is dropped, and the sender
 * told so. It looks at a log-in only where it has asked for one.
 */
export class Doorkeeper {
  readonly #options: DoorkeeperOptions;
  /** Questions that nobody has answered. */
  #asked = 0;
  /** When calls came that were dropped, in milliseconds of `performance.now()`, by uid. */
  readonly #dropped = new Map<string, number>();
  #user: string | undefined;
  #isLost = false;

  constructor(options: DoorkeeperOptions) {
    this.#options = options;
    this.#user = options.challenge.userOf(options.identity);
  }

  /** Who is there; `undefined` while that is not known. */
  get user(): string | undefined {
    return this.#user;
  }

  /**
   * May a message be looked at any further?
   *
   * @returns `false` when it was dealt with here
   */
  admits(frames: Frames): boolean {
    const [, , uid = NOTHING, , body = NOTHING] = frames;
    const type = typeOf(frames);
    if (type === MessageType.hello) {
      if (this.#asked > 0) {
        this.#logIn(uid, body).catch((error: unknown) => {
          this.#options.dropped(`a log-in that could not be carried out: ${String(error)}`);
        });
      } else this.#options.dropped("a log-in that nobody has asked for");
      return false;
    }
    if (this.#user !== undefined) return true;
    // What is no question needs no answer, and an end that answers would be asked again and again.
    if (type !== MessageType.unauthorized && type !== MessageType.authenticated) {
      if (type === MessageType.work) this.#remember(uid);
      this.#asked = Math.min(this.#asked + 1, MAX_ASKED);
      this.#options.send(messageFrames(MessageType.unauthorized, uid, REQUIRED));
    }
    return false;
  }

  /** The connection is gone: who is looked at meanwhile is let in no more. */
  lost(): void {
    this.#isLost = true;
  }

  /**
   * When a call has come for the first time, in milliseconds of `performance.now()`; `undefined` for one that was not dropped
   * before. Its caller waits since then, and breaks at an answer that comes too late.
   */
  cameAt(frames: Frames): number | undefined {
    if (this.#dropped.size === 0) return undefined;
    return this.#dropped.get(keyOf(frames[2] ?? NOTHING));
  }

  #remember(uid: Uint8Array): void {
    if (this.#dropped.size >= MAX_DROPPED || uid.length > MAX_UID_BYTES) return;
    const key = keyOf(uid);
    if (!this.#dropped.has(key)) this.#dropped.set(key, performance.now() - stalls.waitedMs);
  }

  async #logIn(uid: Uint8Array, body: Uint8Array): Promise<void> {
    this.#asked--;
    const { challenge, identity, origin, send, admitted, dropped } = this.#options;
    let user: string | undefined;
    try {
      const login: Login = decodeLogin(body);
      user = await challenge.logIn(login, identity, origin);
    } catch (error) {
      dropped(error instanceof ProtocolError ? error.message : `a log-in whose check failed: ${thrownText(error)}`);
    }
    if (this.#isLost) return;
    if (user === undefined) {
      // Who is refused may try again.
      this.#asked++;
      send(messageFrames(MessageType.unauthorized, uid, REFUSED));
      return;
    }
    this.#user = user;
    admitted(user);
    send(messageFrames(MessageType.authenticated, uid, Buffer.from(`Welcome ${pythonBytes(user)}`)));
  }
}

function keyOf(uid: Uint8Array): string {
  return Buffer.from(uid.buffer, uid.byteOffset, uid.byteLength).toString("latin1");
}

/** As Python writes octets, for people: `b'john'`. */
function pythonBytes(user: string): string {
  const text = Array.from(Buffer.from(user), (octet) => {
    if (octet === 0x5c) return "\\\\";
    if (octet >= 0x20 && octet < 0x7f) return String.fromCharCode(octet);
    return `\\x${octet.toString(16).padStart(2, "0")}`;
  }).join("");
  return text.includes("'") && !text.includes('"') ? `b"${text}"` : `b'${text.replaceAll("'", "\\'")}'`;
}

const NOTHING = new Uint8Array();
const REQUIRED = Buffer.from("Authentication Required");
const REFUSED = Buffer.from("Authentication Error");
/** Questions that are counted: each may be answered by a log-in. */
const MAX_ASKED = 1_000;
/** Dropped calls that are remembered, the first of a connection: a Python peer says the two oldest again and no others. */
const MAX_DROPPED = 64;
/** Those of Python have 16. */
const MAX_UID_BYTES = 64;

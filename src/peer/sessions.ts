import { randomBytes } from "node:crypto";
import { rpcError } from "../errors.js";

/** State that a host keeps between the calls of one client: a mutable map with an id. PyCOM: `Session`. */
export class Session extends Map<string, unknown> {
  /** Opaque; 32 hexadecimal digits of 16 random bytes. */
  readonly id: string;
  /** When the session was last used, in milliseconds of the store's clock. @internal */
  lastUsedAt: number;
  readonly #forget: (session: Session) => void;

  /** Made by {@link Sessions}. */
  constructor(id: string, now: number, forget: (session: Session) => void) {
    super();
    this.id = id;
    this.lastUsedAt = now;
    this.#forget = forget;
  }

  /**
   * Ends the session: its data is cleared and its id forgotten. The running answer still carries the id; the next call
   * with it fails with `SESSION_EXPIRED`.
   */
  discard(): void {
    this.clear();
    this.#forget(this);
  }
}

/** Options of {@link Sessions}. */
export interface SessionOptions {
  /** Milliseconds without a call after which a session ends; default 3,600,000, as in PyCOM. */
  readonly timeoutMs?: number;
  /** Sessions that live at the same time; default 100,000. One more is refused with `OVERLOADED`. */
  readonly maxSessions?: number;
  /** The clock, in milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/** The sessions of one host, shared by all its interfaces (docs/pycom-wire.md, section 7). Expiry slides. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #timeoutMs: number;
  readonly #maxSessions: number;
  readonly #now: () => number;

  /** See {@link SessionOptions}. */
  constructor(options: SessionOptions = {}) {
    this.#timeoutMs = options.timeoutMs ?? 3_600_000;
    this.#maxSessions = options.maxSessions ?? 100_000;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Sessions that are kept, expired ones included until they are swept. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * The session of an id, or a new one when there is none.
   *
   * @throws SessionExpiredError for an id that is unknown or expired
   * @throws RpcError with code `OVERLOADED` when there are too many
   */
  attach(id: string | undefined): Session {
    const now = this.#now();
    // The least recently used come first, so what has expired is swept from the front as a matter of course.
    for (const session of this.#sessions.values()) {
      if (now - session.lastUsedAt < this.#timeoutMs) break;
      session.discard();
    }
    const session = id === undefined ? this.#create(now) : this.#sessions.get(id);
    if (!session) {
      throw rpcError("SESSION_EXPIRED", `Session '${id ?? ""}' has expired`, { outcome: "not-executed" });
    }
    session.lastUsedAt = now;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    return session;
  }

  #create(now: number): Session {
    if (this.#sessions.size >= this.#maxSessions) {
      throw rpcError("OVERLOADED", `All ${this.#maxSessions} sessions of this host are in use`, {
        outcome: "not-executed",
      });
    }
    return new Session(randomBytes(16).toString("hex"), now, (gone) => {
      this.#sessions.delete(gone.id);
    });
  }
}

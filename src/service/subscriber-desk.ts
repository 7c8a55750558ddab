import type { Endpoint } from "../peer/record.js";
import type { SubscriberHandlers, SubscriberSocket } from "./subscriber-endpoint.js";

/** Told of the SUB socket that has subscribed to a claimed prefix. Handlers must not throw. */
export interface Claim {
  /**
   * It has come. Called once at most.
   *
   * @param wait - asks to be told once by {@link Claim.drained}; only while something that was sent to it has not been taken
   */
  joined(socket: SubscriberSocket, wait: () => void): void;
  /** Everything that was sent to the socket has been taken by the network. */
  drained(): void;
  /** It does not want any more, or is gone. Called once, last, and only after `joined`. */
  left(): void;
}

/**
 * Where the SUB sockets that connect to a host meet those who publish there: each subscription is claimed beforehand under a prefix of
 * its own that nobody can guess, and the first socket that subscribes to it has it.
 */
export class SubscriberDesk implements SubscriberHandlers {
  /** Those that wait for a socket. */
  readonly #waiting = new Map<string, Entry>();
  readonly #joined = new Map<SubscriberSocket, JoinedSocket>();
  readonly #endpoints: () => readonly Endpoint[];

  /** @param endpoints - where SUB sockets may connect */
  constructor(endpoints: () => readonly Endpoint[]) {
    this.#endpoints = endpoints;
  }

  /** Where SUB sockets connect, best first; empty before the host is started. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints();
  }

  /**
   * Waits for a SUB socket that subscribes to a prefix.
   *
   * @returns ends the wait, or the subscription; nothing is told of it any more
   */
  claim(prefix: string, claim: Claim): () => void {
    const entry: Entry = { claim, socket: undefined };
    this.#waiting.set(prefix, entry);
    return () => {
      if (entry.socket) this.#forget(entry.socket, prefix);
      else this.#waiting.delete(prefix);
    };
  }

  subscribed(socket: SubscriberSocket, prefix: Uint8Array): void {
    const name = textOf(prefix);
    const entry = this.#waiting.get(name);
    if (!entry) return;
    this.#waiting.delete(name);
    let joined = this.#joined.get(socket);
    if (!joined) {
      joined = { entries: new Map(), behind: new Set() };
      this.#joined.set(socket, joined);
    }
    const { entries, behind } = joined;
    entries.set(name, entry);
    entry.socket = socket;
    entry.claim.joined(socket, () => {
      if (entries.get(name) === entry) behind.add(entry);
    });
  }

  unsubscribed(socket: SubscriberSocket, prefix: Uint8Array): void {
    this.#forget(socket, textOf(prefix))?.claim.left();
  }

  drained(socket: SubscriberSocket): void {
    const behind = this.#joined.get(socket)?.behind;
    if (!behind || behind.size === 0) return;
    const waiting = [...behind];
    behind.clear();
    for (const { claim } of waiting) claim.drained();
    // Who has had the first turn, and wants more, has the last one the next time.
    const [first] = waiting;
    if (first && behind.delete(first)) behind.add(first);
  }

  gone(socket: SubscriberSocket): void {
    const joined = this.#joined.get(socket);
    if (!joined) return;
    this.#joined.delete(socket);
    for (const { claim } of joined.entries.values()) claim.left();
  }

  #forget(socket: SubscriberSocket, prefix: string): Entry | undefined {
    const joined = this.#joined.get(socket);
    const entry = joined?.entries.get(prefix);
    if (!joined || !entry) return undefined;
    joined.entries.delete(prefix);
    joined.behind.delete(entry);
    return entry;
  }
}

/** A socket, and the claims that it has taken up. */
interface JoinedSocket {
  readonly entries: Map<string, Entry>;
  /** Those that wait until it has taken what was sent. */
  readonly behind: Set<Entry>;
}

interface Entry {
  readonly claim: Claim;
  socket: SubscriberSocket | undefined;
}

function textOf(prefix: Uint8Array): string {
  return Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength).toString("latin1");
}

import type { PseudPeer } from "./pseud-peer.js";
import type { Route, Routing } from "./routing.js";

/** The peers of an endpoint by the name that they are called by. */
export class Roster {
  readonly #routing: Routing;
  readonly #namesOf: (peer: PseudPeer) => readonly string[];
  readonly #byName = new Map<string, PseudPeer[]>();
  readonly #namesByPeer = new Map<PseudPeer, readonly string[]>();
  readonly #waiting = new Set<() => void>();

  /** @param namesOf - the names that a peer may be called by */
  constructor(routing: Routing, namesOf: (peer: PseudPeer) => readonly string[]) {
    this.#routing = routing;
    this.#namesOf = namesOf;
  }

  /** All peers, in the order in which they came. */
  get peers(): Iterable<PseudPeer> {
    return this.#namesByPeer.keys();
  }

  /** A peer has come, or has another name than before. */
  add(peer: PseudPeer): void {
    this.delete(peer);
    const names = this.#namesOf(peer);
    this.#namesByPeer.set(peer, names);
    for (const name of names) {
      const peers = this.#byName.get(name);
      if (peers) peers.push(peer);
      else this.#byName.set(name, [peer]);
    }
    this.nudge();
  }

  /**
   * A peer has gone.
   *
   * @returns whether it was there
   */
  delete(peer: PseudPeer): boolean {
    for (const name of this.#namesByPeer.get(peer) ?? []) {
      const peers = this.#byName.get(name)?.filter((other) => other !== peer) ?? [];
      if (peers.length > 0) this.#byName.set(name, peers);
      else this.#byName.delete(name);
    }
    return this.#namesByPeer.delete(peer);
  }

  /** Is anybody there of this name? */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Whoever is to be called; of several, the one that the routing chooses. */
  find(name: string): PseudPeer | undefined {
    const peers = this.#byName.get(name);
    if (!peers) return undefined;
    let route: Route | undefined;
    try {
      route = this.#routing(peers, name);
    } catch {
      // Who is called cannot wait for the application to be mended.
      route = peers.at(-1);
    }
    return peers.find((peer) => peer === route);
  }

  /**
   * Looks again whenever somebody comes.
   *
   * @param look - what it returns is waited for; `undefined`: go on
   * @returns `undefined` when the signal fired first
   */
  waitFor<T>(look: () => T | undefined, signal: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve) => {
      const done = (value: T | undefined): void => {
        this.#waiting.delete(again);
        signal.removeEventListener("abort", stop);
        resolve(value);
      };
      const again = (): void => {
        const value = look();
        if (value !== undefined) done(value);
      };
      const stop = (): void => {
        done(undefined);
      };
      if (signal.aborted) {
        resolve(undefined);
        return;
      }
      this.#waiting.add(again);
      signal.addEventListener("abort", stop, { once: true });
      again();
    });
  }

  /** Something else has changed than who is there: whoever waits looks again. */
  nudge(): void {
    for (const look of [...this.#waiting]) look();
  }
}

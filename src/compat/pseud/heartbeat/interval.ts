import { ConfigurationError } from "../../../errors.js";
import type { Heartbeat, HeartbeatContext, HeartbeatPeer, HeartbeatPlugin } from "./plugin.js";

/** Options of {@link intervalHeartbeat}. */
export interface IntervalOptions {
  /** How often a client sends a sign of life, in milliseconds; default 1,000. */
  readonly intervalMs?: number | undefined;
  /** After so long without any message a server reports a user as gone, in milliseconds; default 3 × `intervalMs`. */
  readonly limitMs?: number | undefined;
}

/**
 * Clients send a sign of life every so often, and a server reports whom it has not heard of for too long. The two ends do not
 * agree on the times, nobody answers, and nobody is disconnected.
 *
 * @throws ConfigurationError for times that are none
 */
export function intervalHeartbeat(options: IntervalOptions = {}, name = "interval"): HeartbeatPlugin {
  const { intervalMs = 1_000 } = options;
  const { limitMs = 3 * intervalMs } = options;
  if (!isTime(intervalMs) || !isTime(limitMs)) {
    throw new ConfigurationError("The times of a heartbeat are numbers of milliseconds above 0, and below 2 ** 31");
  }
  return {
    name,
    client: (context) => new Beating(context, intervalMs),
    server: (context) => new Listening(context, limitMs),
  };
}

class Beating implements Heartbeat {
  readonly #timer: NodeJS.Timeout;

  constructor(context: HeartbeatContext, intervalMs: number) {
    this.#timer = setInterval(() => {
      context.beat();
    }, intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Users may have several connections: what counts is when any of them was heard of last. */
class Listening implements Heartbeat {
  readonly #context: HeartbeatContext;
  readonly #limitMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #heard = new Map<string, { peer: HeartbeatPeer; at: number }>();

  constructor(context: HeartbeatContext, limitMs: number) {
    this.#context = context;
    this.#limitMs = limitMs;
    this.#timer = setInterval(() => {
      this.#look();
    }, limitMs / LOOKS).unref();
  }

  heard(peer: HeartbeatPeer): void {
    const key = keyOf(peer);
    const known = this.#heard.get(key);
    if (known) {
      known.peer = peer;
      known.at = performance.now();
    } else this.#heard.set(key, { peer, at: performance.now() });
  }

  left(peer: HeartbeatPeer): void {
    const key = keyOf(peer);
    // The endpoint tells of connections that end. One that is heard of again is watched again.
    if (this.#heard.get(key)?.peer.id === peer.id) this.#heard.delete(key);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#heard.clear();
  }

  #look(): void {
    const silentSince = performance.now() - this.#limitMs;
    for (const [key, { peer, at }] of this.#heard) {
      if (at > silentSince) continue;
      this.#heard.delete(key);
      this.#context.gone(peer);
    }
  }
}

function keyOf({ id, user }: HeartbeatPeer): string {
  return user === "" ? `peer ${id}` : `user ${user}`;
}

/** Node's timers fire at once when they are set for longer. */
function isTime(ms: number): boolean {
  return ms > 0 && ms < 2 ** 31;
}

/** Looks in the time after which a user is gone. */
const LOOKS = 4;

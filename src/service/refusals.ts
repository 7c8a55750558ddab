import type { RpcError } from "../errors.js";
import type { Peer } from "../transport/index.js";
import type { Logger } from "../util/log.js";

/** Tells the log of connections for which there is no room. */
export class Refusals {
  readonly #log: Logger;
  /** Connections that were refused since that was told last, and when that was, in milliseconds of `performance.now()`. */
  #count = 0;
  #toldAt = -Infinity;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** A peer was not let in. */
  refused({ remoteAddress }: Peer, reason: RpcError): void {
    // Of those who could not prove who they are the gate has told.
    if (reason.code !== "OVERLOADED") return;
    this.#count++;
    const now = performance.now();
    if (now - this.#toldAt < TELL_MS) return;
    const others = this.#count > 1 ? `, as ${this.#count - 1} before it` : "";
    const from = remoteAddress === "" ? "A process of this machine" : (remoteAddress ?? "Somebody");
    this.#log.warn(`${from} was not let in${others}: ${reason.message}`);
    this.#toldAt = now;
    this.#count = 0;
  }
}

/** How often the log is told of connections that were refused, in milliseconds: a flood of those is no reason for another. */
const TELL_MS = 5_000;

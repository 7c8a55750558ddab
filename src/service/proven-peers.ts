import { rpcError } from "../errors.js";
import type { Gate } from "../security/gate.js";
import type { Listener, Peer } from "../transport/index.js";
import type { Logger } from "../util/log.js";

/** Peers of a listener that are in by a key, and have to go when it is trusted no more. */
export class ProvenPeers {
  readonly #gate: Gate | undefined;
  readonly #log: Logger;
  readonly #peers = new Set<Peer>();

  constructor(gate: Gate | undefined, log: Logger) {
    this.#gate = gate;
    this.#log = log;
  }

  /** A peer has come. */
  joined(peer: Peer): void {
    if (peer.identity.publicKey) this.#peers.add(peer);
  }

  /** A peer is gone. */
  gone(peer: Peer): void {
    this.#peers.delete(peer);
  }

  /** Others are trusted now: who is not any more has to go. */
  async recheck(listener: Listener | undefined): Promise<void> {
    for (const peer of this.#peers) {
      if (await this.#gate?.stillAdmits(peer.identity, { remoteAddress: peer.remoteAddress ?? "" })) continue;
      this.#log.warn(`${peer.identity.user ?? peer.id} is trusted no more; the connection is closed`);
      listener?.disconnect(peer, rpcError("ACCESS_DENIED", "This key is trusted no more"));
    }
  }
}

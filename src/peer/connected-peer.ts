import type { PeerIdentity } from "../transport/index.js";

/** A peer of a host. */
export interface ConnectedPeer {
  /** What `host.peer(id)` takes; stays the same for its connection. */
  readonly id: string;
  /** IP address, `""` on a unix socket; `undefined` where the link does not know. */
  readonly remoteAddress: string | undefined;
  /** Who it is, as far as the link has proven it. */
  readonly identity: PeerIdentity;
  /** Name of the wire that it speaks. */
  readonly wire: string;
  /** Random id of its run, where it has said so. */
  readonly incarnation: string | undefined;
}

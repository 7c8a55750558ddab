/** A peer of an endpoint, for people and for `sendTo`. */
export interface PeerInfo {
  /** Stays the same for its connection. */
  readonly id: string;
  /** Who is there, as its connection or its log-in has proven; empty for nobody. */
  readonly user: string;
  /** The name that it tells; nobody has proven it. Empty for none. */
  readonly routingId: string;
  /** IP address, `""` on a unix socket; `undefined` where the link does not know. */
  readonly remoteAddress: string | undefined;
}

/** A peer is there, and may be called by its name. */
export interface PeerJoined {
  /** Tells the events apart. */
  readonly type: "joined";
  /** Who. */
  readonly peer: PeerInfo;
}

/** A peer is gone. */
export interface PeerGone {
  /** Tells the events apart. */
  readonly type: "gone";
  /** Who. */
  readonly peer: PeerInfo;
  /** Its connection has ended, or it has given no sign of life for too long. */
  readonly reason: "disconnected" | "silent";
}

/** A connection could not be made, or was refused; it is tried again. */
export interface PeerUnreachable {
  /** Tells the events apart. */
  readonly type: "unreachable";
  /** Where. */
  readonly address: string;
  /** What happened, for people. */
  readonly reason: string;
}

/** What an endpoint tells of its peers. */
export type PseudEvent = PeerJoined | PeerGone | PeerUnreachable;

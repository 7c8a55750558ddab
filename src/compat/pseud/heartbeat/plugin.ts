/** A peer as plugins see it. */
export interface HeartbeatPeer {
  /** Stays the same for its connection. */
  readonly id: string;
  /** Its user; empty for one without a name. */
  readonly user: string;
}

/** What a heartbeat can do with the peers of its endpoint. */
export interface HeartbeatContext {
  /** Sends a sign of life to all peers. */
  beat(): void;
  /** Reports that a peer has given no sign of life for too long: the endpoint's event `gone`. */
  gone(peer: HeartbeatPeer): void;
}

/** Sends signs of life, and misses them. One for each endpoint. */
export interface Heartbeat {
  /** A peer is connected. */
  joined?(peer: HeartbeatPeer): void;
  /** A message of a peer came, of any kind. Peers that have to log in first are not heard before. */
  heard?(peer: HeartbeatPeer): void;
  /** A connection has ended. */
  left?(peer: HeartbeatPeer): void;
  /** The endpoint stops: nothing must be left running. */
  stop?(): void;
}

/** A way to notice who is gone, found by name or given as an object. */
export interface HeartbeatPlugin {
  /** What options call it. */
  readonly name: string;
  /** For a server. */
  server(context: HeartbeatContext): Heartbeat;
  /** For a client. */
  client(context: HeartbeatContext): Heartbeat;
}

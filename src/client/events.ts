/** An instance of an interface was chosen. */
export interface ResolvedEvent {
  /** Tells the events apart. */
  readonly type: "resolved";
  /** Dotted name. */
  readonly interface: string;
  /** Slash path, or the address where no nameserver was asked. */
  readonly service: string;
  /** Where its calls go. */
  readonly address: string;
}

/** A connection can be used. */
export interface ConnectedEvent {
  /** Tells the events apart. */
  readonly type: "connected";
  /** Where it leads. */
  readonly address: string;
}

/** A connection is gone, or could not be made. */
export interface DisconnectedEvent {
  /** Tells the events apart. */
  readonly type: "disconnected";
  /** Where it led. */
  readonly address: string;
  /** For people. */
  readonly reason: string;
}

/** A call that failed is tried again, now. */
export interface RetryEvent {
  /** Tells the events apart. */
  readonly type: "retry";
  /** Dotted name. */
  readonly interface: string;
  /** Remote name. */
  readonly method: string;
  /** Tries that have failed. */
  readonly attempt: number;
  /** For people. */
  readonly reason: string;
}

/** Something that happened to a client's connections and calls. */
export type ClientEvent = ResolvedEvent | ConnectedEvent | DisconnectedEvent | RetryEvent;

import type { StreamTls } from "./stream.js";

/** What an end of a stream knows of its connection. */
export interface StreamSettings {
  /** Was it accepted here? */
  readonly isAccepted: boolean;
  /** Is TLS there from the first octet on? */
  readonly isTls: boolean;
  /** What people know the other end by. */
  readonly name: string;
  /** The address that was connected to; `undefined` for what was accepted. */
  readonly service: string | undefined;
  /** The host that was connected to; `undefined` for what was accepted, and for unix sockets. */
  readonly host: string | undefined;
  /** What is shown and believed where TLS is there from the first octet on. */
  readonly tls: StreamTls;
  /** Octets that may wait for the other end. */
  readonly maxQueuedBytes: number;
  /** Milliseconds for a handshake of TLS. */
  readonly handshakeTimeoutMs: number;
}

import type { RpcError } from "../errors.js";
import type { Extensions, ResultMessage } from "../wire/message.js";

/** One call as it goes over a channel. */
export interface ChannelCall {
  /** Dotted name of the interface. */
  readonly interface: string;
  /** Remote name of the method. */
  readonly method: string;
  /** In the wire's shape. */
  readonly args: unknown;
  /** Session to attach. */
  readonly sessionId?: string | undefined;
  /** Members beside the call. */
  readonly extensions?: Extensions | undefined;
  /** Bytes beside the arguments. */
  readonly attachment?: Uint8Array | undefined;
  /** Largest request that the peer takes, in bytes. */
  readonly maxBytes?: number | undefined;
  /** In milliseconds of the channel's clock. */
  readonly deadlineAt: number;
  /** Ends the call with `CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
}

/** Carries calls to one place: over a link, or within this process. */
export interface Channel {
  /** Where it leads. */
  readonly address: string;
  /** Can calls be sent now? */
  readonly isOpen: boolean;
  /** Why it is gone; `undefined` while it is not. */
  readonly closedReason: RpcError | undefined;
  /** Calls in flight. */
  readonly pending: number;
  /** Number of calls made so far; tells whether the channel was used since one looked last. */
  readonly calls: number;
  /** Settles when calls can be sent, or rejects (`not-sent`) when the connection could not be made. */
  whenOpen(): Promise<void>;
  /**
   * Sends a call; only while open.
   *
   * @throws RpcError always with an outcome; `not-sent` when the call did not leave
   */
  call(call: ChannelCall): Promise<ResultMessage>;
  /**
   * Closes at once. Calls in flight are rejected with `unknown`. Idempotent.
   *
   * @param reason - told to whoever waits for the connection; default `CLOSED`
   */
  close(reason?: RpcError): void;
}

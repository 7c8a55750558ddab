import type { RpcError } from "../errors.js";
import type { PendingCall } from "./pending-calls.js";

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
  /** Is nothing under way: no call, no stream, no reference? */
  readonly isIdle: boolean;
  /** Number of calls made so far; tells whether the channel was used since one looked last. */
  readonly calls: number;
  /** The channel's clock, in milliseconds. */
  now(): number;
  /** Settles when calls can be sent, or rejects (`not-sent`) when the connection could not be made. */
  whenOpen(): Promise<void>;
  /** Sends a call, and tells it what becomes of it: exactly once, maybe before this returns. Never throws. */
  send(call: PendingCall): void;
  /** Is a call still here, so that calls of its result can travel with it (`promised`)? */
  canFollow(call: PendingCall): boolean;
  /**
   * Closes at once. Calls in flight are rejected with `unknown`. Idempotent.
   *
   * @param reason - told to whoever waits for the connection; default `CLOSED`
   */
  close(reason?: RpcError): void;
}

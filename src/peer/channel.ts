import type { RpcError } from "../errors.js";
import type { AttachmentLimits } from "./call-origin.js";
import type { PendingCall } from "./pending-calls.js";
import type { HeldReference } from "./references/held-reference.js";

/** What is needed to try a call again which a channel has carried. */
export interface ChannelIdentity {
  /** The name of the connection. */
  readonly name: string;
  /** The run of the service at its end; `undefined` while that has not said it. */
  readonly incarnation: string | undefined;
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
  /** Is nothing under way: no call, no stream, no reference? */
  readonly isIdle: boolean;
  /** Number of calls made so far; tells whether the channel was used since one looked last. */
  readonly calls: number;
  /** What calls that it carries are known by at the other end; `undefined` where that does not know calls again. */
  readonly identity: ChannelIdentity | undefined;
  /** What each end holds of the other's. */
  references(): Iterable<HeldReference>;
  /** Do arguments travel in order and by name as they were given, so that no contract is needed to send them? */
  readonly takesKeywords: boolean;
  /** How attachments of calls travel. */
  readonly attachments: AttachmentLimits;
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

/**
 * Why values are missing:
 *
 * - `connection`: the connection broke, and the publisher does not keep what it published meanwhile;
 * - `gone`: the publisher is gone without a farewell; what it published at last may not have arrived;
 * - `late`: a publisher had published before this subscriber found it;
 * - `slow`: this end did not take what came, and the publisher could not keep all of it;
 * - `buffer`: the subscriber's own buffer was full;
 * - `malformed`: something came that cannot be read.
 */
export type GapReason = "connection" | "gone" | "late" | "slow" | "buffer" | "malformed";

/** Values that were published after the subscription was ready, and did not arrive, or may not have. */
export class Gap {
  /** Why. */
  readonly reason: GapReason;
  /** How many; `undefined`: nobody knows, and it may be none. */
  readonly missed: number | undefined;
  /** Service path of the publisher. */
  readonly service: string;
  /** The run of the publisher that published them. */
  readonly incarnation: string | undefined;

  /** Made by a subscriber. */
  constructor(reason: GapReason, missed: number | undefined, service: string, incarnation: string | undefined) {
    this.reason = reason;
    this.missed = missed;
    this.service = service;
    this.incarnation = incarnation;
  }
}

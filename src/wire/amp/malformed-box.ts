import { ProtocolError, type RpcErrorOptions } from "../../errors.js";

/** What is wrong with octets that are no boxes, or with a box that is no message. */
export type BoxFault =
  /** A key has more than 255 octets; so it is with everything that is not AMP at all. */
  | "key-too-long"
  /** A box is larger than the limit. */
  | "box-too-large"
  /** A box has more pairs than the limit. */
  | "too-many-pairs"
  /** A box has no pairs. */
  | "empty"
  /** A box is no request, no answer and no error. */
  | "no-kind"
  /** An error has no code, or no description. */
  | "incomplete-error"
  /** An answer is to nothing that was asked. */
  | "unknown-tag";

/**
 * What came breaks the protocol, and the connection is of no use any more: it is to be closed, without a box about it
 * (docs/amp-wire.md, section 6). All that waits for an answer on it fails with this.
 */
export class MalformedBoxError extends ProtocolError {
  /** What is wrong. */
  readonly fault: BoxFault;

  /** Makes one; the text is for logs and people. */
  constructor(fault: BoxFault, message: string, options: RpcErrorOptions = {}) {
    super(message, options);
    this.fault = fault;
  }
}

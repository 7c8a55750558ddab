import { ProtocolError } from "../errors.js";
import type { Frames } from "../wire/message.js";

/** First octet of a message that subscribes (RFC 29) … */
export const SUBSCRIBE = 1;
/** … and of one that ends a subscription. */
export const CANCEL = 0;

/**
 * Is it a subscription, or the end of one: a single frame that begins with 1 or 0? XSUB sockets may send other messages, of which
 * nobody knows what they mean.
 */
export function isSubscription(frames: Frames): boolean {
  const first = frames[0]?.[0];
  return frames.length === 1 && (first === SUBSCRIBE || first === CANCEL);
}

/**
 * Is it a subscription that may be kept?
 *
 * @throws ProtocolError when its prefix is longer than any that makes sense
 */
export function isAcceptable(frames: Frames): boolean {
  if (!isSubscription(frames)) return false;
  const length = (frames[0]?.length ?? 0) - 1;
  if (length <= MAX_PREFIX_BYTES) return true;
  throw new ProtocolError(`The peer subscribes to a prefix of ${length} octets; the limit is ${MAX_PREFIX_BYTES}`);
}

/** Octets of a prefix; whoever publishes keeps each of them for each subscriber. */
const MAX_PREFIX_BYTES = 4_096;

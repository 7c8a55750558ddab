import { ProtocolError } from "../errors.js";
import type { SocketType } from "./link.js";

/** What an end is. */
export interface OwnType {
  /** To all peers but those that the other member names. */
  readonly socketType: SocketType;
  /** Is it an XPUB socket to SUB and XSUB sockets? Default false. */
  readonly takesSubscribers?: boolean | undefined;
}

/** What an end is to a peer that says what it is. */
export function typeTowards(theirs: string, { socketType, takesSubscribers }: OwnType): SocketType {
  return takesSubscribers && COMPATIBLE.XPUB.includes(theirs) ? "XPUB" : socketType;
}

/** @throws ProtocolError when sockets of these types do not talk to each other */
export function requireCompatible(own: SocketType, theirs: string): void {
  if (COMPATIBLE[own].includes(theirs)) return;
  throw new ProtocolError(`A ${own} socket cannot talk to a ${JSON.stringify(theirs)} socket`);
}

/** Pairs of sockets that may talk (RFC 28), as far as they matter here. */
const COMPATIBLE: Record<SocketType, readonly string[]> = {
  DEALER: ["ROUTER", "DEALER", "REP"],
  ROUTER: ["ROUTER", "DEALER", "REQ"],
  REQ: ["ROUTER", "REP"],
  REP: ["REQ", "DEALER"],
  SUB: ["PUB", "XPUB"],
  XPUB: ["SUB", "XSUB"],
};

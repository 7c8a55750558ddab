import { type LinkSecurity, type ListenerSecurity, OPEN_TO_ALL, type PeerOrigin } from "../security.js";
import { type OwnType, typeTowards } from "../socket-types.js";
import { encodeMetadata, type OwnMetadata } from "./command.js";
import { CurveClient, CurveServer } from "./curve-mechanism.js";
import type { Mechanism } from "./mechanism.js";
import { NullMechanism } from "./null-mechanism.js";
import { PlainClient, PlainServer } from "./plain-mechanism.js";

/** What an end says of itself in its handshake. */
export interface OwnEnd extends OwnType {
  /** The name by which a ROUTER at the other end knows it; default none. */
  readonly routingId?: Uint8Array | undefined;
}

/** The mechanism of the end that proves who it is. */
export function provingMechanism(security: LinkSecurity | undefined, own: OwnEnd): Mechanism {
  const metadata = metadataOf(own);
  switch (security?.mechanism) {
    case undefined:
    case "null":
      return new NullMechanism(metadata);
    case "plain":
      return new PlainClient(metadata, security);
    case "curve":
      return new CurveClient(metadata, security);
  }
}

/**
 * The mechanism of the end that lets in.
 *
 * @param wanted - the other end's
 * @returns `undefined` when that is not accepted
 */
export function admittingMechanism(
  wanted: string | undefined,
  security: ListenerSecurity | undefined,
  own: OwnEnd,
  origin: PeerOrigin,
): Mechanism | undefined {
  const metadata: OwnMetadata = own.takesSubscribers
    ? (theirs) =>
        metadataOf({ ...own, socketType: typeTowards(theirs.get("socket-type")?.toString("latin1") ?? "", own) })
    : metadataOf(own);
  const { null: open, plain, curve } = security ?? OPEN_TO_ALL;
  if (wanted === "NULL" && open) return new NullMechanism(metadata);
  if (wanted === "PLAIN" && plain) return new PlainServer(metadata, (user, password) => plain(user, password, origin));
  if (wanted === "CURVE" && curve) {
    return new CurveServer(metadata, { keys: curve.keys, admit: (key) => curve.admit(key, origin) });
  }
  return undefined;
}

function metadataOf({ socketType, routingId }: OwnEnd): Buffer {
  return encodeMetadata({ "Socket-Type": socketType, Identity: routingId ?? "" });
}

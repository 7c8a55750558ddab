/** Who a peer is, as far as the link has proven it. */
export interface PeerIdentity {
  /** How it was proven. */
  readonly mechanism: "null" | "plain" | "curve";
  /** User name that the listener's check gave the peer; `undefined` where nobody asked. */
  readonly user: string | undefined;
  /** The peer's long-term key, 32 octets; only with CURVE. */
  readonly publicKey: Uint8Array | undefined;
}

/**
 * Have two peers proven that they are the same, or have both proven nothing? A name is not enough where there are keys: it may have
 * been given to another key meanwhile.
 */
export function isSamePeer(one: PeerIdentity, other: PeerIdentity): boolean {
  if (one.mechanism !== other.mechanism || one.user !== other.user) return false;
  const [key, otherKey] = [one.publicKey, other.publicKey];
  return key === otherKey || (key !== undefined && otherKey !== undefined && Buffer.compare(key, otherKey) === 0);
}

/** What a check gets to know of a peer besides its credentials. */
export interface PeerOrigin {
  /** IP address of the peer, or `""` on a unix socket. */
  readonly remoteAddress: string;
}

/** A user name for a peer that may come in, `undefined` for one that may not. */
export type Admission = string | undefined | Promise<string | undefined>;

/** A key pair of X25519, 32 octets each. */
export interface KeyPair {
  /** May be told to anybody. */
  readonly publicKey: Uint8Array;
  /** Never leaves the process, never stands in a log. */
  readonly secretKey: Uint8Array;
}

/** The connecting end does not prove who it is. */
export interface NullSecurity {
  /** Tells the kinds apart. */
  readonly mechanism: "null";
}

/** User and password in clear text: for unix sockets and networks that are trusted (RFC 24). */
export interface PlainSecurity {
  /** Tells the kinds apart. */
  readonly mechanism: "plain";
  /** Up to 255 octets. */
  readonly user: string | Uint8Array;
  /** Up to 255 octets; may be empty. */
  readonly password: string | Uint8Array;
}

/** Keys: the server proves that it has the expected one, and everything is encrypted (RFC 26). */
export interface CurveSecurity {
  /** Tells the kinds apart. */
  readonly mechanism: "curve";
  /** This end's own. */
  readonly keys: KeyPair;
  /** The server's public key. */
  readonly serverKey: Uint8Array;
}

/** How the connecting end proves who it is. */
export type LinkSecurity = NullSecurity | PlainSecurity | CurveSecurity;

/**
 * What a listener accepts; which of them a peer uses is seen from its greeting. An absent member is refused, so
 * `{ curve: … }` takes no peer without a key.
 */
export interface ListenerSecurity {
  /** Peers that prove nothing. */
  readonly null?: true | undefined;
  /** Peers with user and password; both as octets. */
  readonly plain?: ((user: Uint8Array, password: Uint8Array, origin: PeerOrigin) => Admission) | undefined;
  /** Peers with a key. */
  readonly curve?:
    | {
        /** The listener's own keys. */
        readonly keys: KeyPair;
        /** May the holder of this key come in? */
        readonly admit: (publicKey: Uint8Array, origin: PeerOrigin) => Admission;
      }
    | undefined;
}

/** Takes everybody: what a listener does when nothing is said of security. */
export const OPEN_TO_ALL: ListenerSecurity = { null: true };

import { ProtocolError } from "../../errors.js";

/** What one end says of itself before anything else (ZMTP 3.1, RFC 37, "Greeting"). */
export interface Greeting {
  /** Major version; this implementation speaks 3. */
  readonly major: number;
  /** Minor version; heartbeats need 1. */
  readonly minor: number;
  /** Security mechanism: `NULL`, `PLAIN` or `CURVE`. */
  readonly mechanism: string;
}

/** Octets of a greeting. */
export const GREETING_BYTES = 64;
/** Octets up to the major version: what a server sends before it knows which mechanism its peer wants. */
export const GREETING_HEAD_BYTES = 11;

const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;

/** Our greeting. The as-server octet stays 0, as libzmq leaves it. */
export function encodeGreeting(mechanism: string): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  // A length that ZMTP 1.0 peers take for that of an empty identity, so that they notice they are talking to something newer.
  bytes[8] = 1;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes[11] = 1;
  bytes.write(mechanism, MECHANISM_AT, "latin1");
  return bytes;
}

/**
 * Looks at what has come so far.
 *
 * @param bytes - the beginning of a connection, 0 to 64 octets
 * @returns `undefined` while more is needed
 * @throws ProtocolError as soon as it cannot become a greeting of ZMTP 3
 */
export function decodeGreeting(bytes: Buffer): Greeting | undefined {
  if (bytes.length > 0 && bytes[0] !== 0xff) throw foreign(bytes);
  if (bytes.length > 9 && bytes[9] !== 0x7f) throw foreign(bytes);
  if (bytes.length > 10 && (bytes[10] ?? 0) < 3) {
    throw new ProtocolError(
      `The peer speaks ZMTP ${bytes[10] === 1 ? 2 : 1}.0, an older version (libzmq before 4.0); the option transport: "zeromq" serves it`,
    );
  }
  if (bytes.length < GREETING_BYTES) return undefined;
  const end = bytes.indexOf(0, MECHANISM_AT);
  const mechanism = bytes.toString("latin1", MECHANISM_AT, Math.min(end, MECHANISM_AT + MECHANISM_BYTES));
  if (!/^[A-Z0-9_.+-]+$/.test(mechanism)) throw new ProtocolError("The peer's greeting names no security mechanism");
  return { major: bytes[10] ?? 0, minor: bytes[11] ?? 0, mechanism };
}

function foreign(bytes: Buffer): ProtocolError {
  const start = bytes.toString("latin1", 0, 8).replace(/[^\x20-\x7e]/g, ".");
  return new ProtocolError(`The peer speaks no ZeroMQ; it began with ${JSON.stringify(start)}`);
}

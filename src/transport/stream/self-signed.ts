import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate and its private key, both PEM. */
export interface CertifiedKey {
  /** The certificate. */
  readonly cert: string;
  /** Its private key, PKCS #8. */
  readonly key: string;
}

let made: CertifiedKey | undefined;

/**
 * A certificate that proves nothing: signed by itself, of a key that is made when it is first asked for and lives as long as the
 * process. TLS wants one of the end that accepts; whoever verifies refuses it.
 */
export function throwAwayCertificate(): CertifiedKey {
  made ??= selfSigned("throw-away");
  return made;
}

/**
 * Makes a key (P-256) and a certificate of it that it has signed itself (X.509, RFC 5280), valid from yesterday on for ten years.
 *
 * @param name - common name of the owner
 */
export function selfSigned(name: string): CertifiedKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const owner = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(name, "utf8")))));
  const signedBy = der(SEQUENCE, ECDSA_WITH_SHA256);
  const now = Date.now();
  const content = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serialNumber()),
    signedBy,
    owner,
    der(SEQUENCE, time(now - DAY_MS), time(now + 3_652 * DAY_MS)),
    owner,
    publicKey,
  );
  const signature = sign("sha256", content, createPrivateKey(privateKey));
  const certificate = der(SEQUENCE, content, signedBy, der(BIT_STRING, Buffer.of(0), signature));
  const lines = certificate.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return { cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`, key: privateKey };
}

/** One value of DER: tag, length, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 256) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 255), content]);
}

/** Positive, and without a zero in front that DER does not allow. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

/** RFC 5280 wants years up to 2049 with two digits, and later ones with four. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, "");
  return digits < "2050" ? der(UTC_TIME, Buffer.from(digits.slice(2))) : der(GENERALIZED_TIME, Buffer.from(digits));
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
/** The version stands in a tag of its own; 2 means the third. */
const VERSION = 0xa0;
/** 2.5.4.3 */
const COMMON_NAME = Buffer.from("0603550403", "hex");
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = Buffer.from("06082a8648ce3d040302", "hex");

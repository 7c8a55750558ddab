import { type RpcError, rpcError } from "../../errors.js";
import { connectFailure } from "../connect-failure.js";

/**
 * Why TLS failed, or a connection inside of it: `ACCESS_DENIED` where one end does not believe the other, else `UNAVAILABLE`.
 *
 * @param name - what people know the other end by
 */
export function tlsFailure(name: string, error: NodeJS.ErrnoException): RpcError {
  const { code = "", message } = error;
  if (REFUSALS.test(code)) {
    return rpcError("ACCESS_DENIED", `${name} does not accept this end's certificate, or wants one`, { cause: error });
  }
  let text = connectFailure(code) ?? `has an error of TLS: ${message}`;
  if (STRANGERS.test(code)) text = "does not speak TLS";
  return rpcError("UNAVAILABLE", `${name} ${text}`, { cause: error });
}

/** The end of a connection before TLS had begun. */
export function brokenHandshake(name: string, cause?: unknown): RpcError {
  return rpcError("UNAVAILABLE", `${name} closed the connection during the handshake of TLS`, { cause });
}

/**
 * Says what is wrong with a certificate.
 *
 * @param code - OpenSSL's word
 */
export function certificateFailure(code: string): string {
  return CERTIFICATES[code] ?? `shows a certificate that cannot be accepted (${code})`;
}

/** What an end says that looked at the other's certificate. */
const REFUSALS =
  /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|ACCESS_DENIED|DECRYPT_ERROR)$/;
/** What OpenSSL says of octets that are not TLS. */
const STRANGERS =
  /^ERR_SSL_(?:WRONG_VERSION_NUMBER|HTTP_REQUEST|HTTPS_PROXY_REQUEST|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE)$/;

const STRANGE_AUTHORITY = "shows a certificate of an authority that is not trusted here (option tls.ca)";
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "shows a certificate that has expired",
  CERT_NOT_YET_VALID: "shows a certificate that is not valid yet",
  CERT_REVOKED: "shows a certificate that was revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "shows a certificate that it has signed itself, and that is not trusted here (option tls.ca)",
  SELF_SIGNED_CERT_IN_CHAIN: STRANGE_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: STRANGE_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: STRANGE_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: STRANGE_AUTHORITY,
  CERT_SIGNATURE_FAILURE: STRANGE_AUTHORITY,
};

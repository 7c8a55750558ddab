import { createHmac } from "node:crypto";
import { ConfigurationError } from "../../errors.js";
import { isSameSecret } from "../../security/secrets.js";
import type { Verifier } from "./verifier.js";

/** Options of {@link hmacVerifier}. */
export interface HmacVerifierOptions {
  /** What both sides know. */
  readonly secret: string | Uint8Array;
  /** How far a timestamp may be from our clock, either way, in milliseconds; default 300,000. */
  readonly windowMs?: number | undefined;
  /** The clock, in milliseconds since 1970; default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Verifies HMAC-SHA256 in hexadecimal digits over lines, with a line feed between and none at the end: to subscribe `subscribe`, the
 * timestamp, `X-Verify-Key` (an empty line for none), and each event; to publish `publish`, the timestamp, the event, and the
 * message as it was sent. The timestamp is in seconds since 1970, and both have to have one.
 *
 * A signature can be used again as long as its timestamp is accepted: what must not be published twice says so in its message.
 *
 * @throws ConfigurationError for a secret that is empty
 */
export function hmacVerifier(options: HmacVerifierOptions): Verifier {
  const { secret, windowMs = 300_000, now = Date.now } = options;
  if (secret.length === 0) throw new ConfigurationError("The secret of a verifier must not be empty");
  return {
    verify(first, second, signature, { action, events, timestamp }) {
      if (timestamp === undefined || !/^\d{1,12}(\.\d{1,9})?$/.test(timestamp)) return false;
      if (Math.abs(now() - Number(timestamp) * 1_000) > windowMs) return false;
      const lines =
        action === "subscribe" ? ["subscribe", timestamp, first, ...events] : ["publish", timestamp, first, second];
      // Only the last line of what is published may have more of them.
      const isAmbiguous = lines.slice(0, action === "publish" ? -1 : undefined).some((line) => line.includes("\n"));
      if (isAmbiguous) return false;
      const expected = createHmac("sha256", secret).update(lines.join("\n")).digest("hex");
      return isSameSecret(signature.toLowerCase(), expected);
    },
  };
}

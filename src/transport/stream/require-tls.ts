import { ConfigurationError, type RpcError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import type { StreamTls } from "./stream.js";
import { acceptingServer, clientContext, hasMaterial } from "./tls-settings.js";

/**
 * Looks at what an end is to show and believe over TLS, so that mistakes are found when options are given and not in the middle of
 * a handshake. What was read of these options is kept for their handshakes; options that hold no PEM cost nothing.
 *
 * @param isAccepted - are they for connections that are accepted? Then this end is the server of TLS
 * @throws ConfigurationError for unusable PEM, a key that does not fit its certificate, unknown members, and values of wrong types
 */
export function requireStreamTls(tls: StreamTls, isAccepted: boolean): void {
  if (typeof tls !== "object" || (tls as unknown) === null || Array.isArray(tls)) {
    throw new ConfigurationError(`The option tls has to be an object with ${MEMBERS.join(", ")}`);
  }
  for (const [name, value] of Object.entries(tls)) {
    const kind = KINDS[name];
    if (!kind) throw unknownMember(name);
    if (value !== undefined && !kind.holds(value)) {
      throw new ConfigurationError(`The option tls.${name} has to be ${kind.text}`);
    }
  }
  if (!hasMaterial(tls)) return;
  if (isAccepted) acceptingServer(tls);
  else clientContext(tls);
}

interface Kind {
  /** What follows "has to be". */
  readonly text: string;
  readonly holds: (value: unknown) => boolean;
}

const PEM: Kind = { text: "PEM, as a text or octets", holds: isText };
/** Without a prototype: its members are no options. */
const KINDS: Readonly<Record<string, Kind | undefined>> = Object.assign(Object.create(null) as object, {
  cert: PEM,
  key: PEM,
  ca: {
    text: "PEM, as a text or octets, or an array of them",
    holds: (value: unknown) => (Array.isArray(value) ? value.every(isText) : isText(value)),
  },
  verify: { text: "a boolean", holds: (value: unknown) => typeof value === "boolean" },
  // OpenSSL takes no others.
  serverName: {
    text: "the name or IP address of a host",
    holds: (value: unknown) => typeof value === "string" && value !== "" && !value.includes("\0"),
  },
} satisfies Record<keyof StreamTls, Kind>);
const MEMBERS = Object.keys(KINDS);

function isText(value: unknown): boolean {
  return typeof value === "string" || value instanceof Uint8Array;
}

function unknownMember(name: string): RpcError {
  return new ConfigurationError(
    `There is no option tls.${name}${didYouMean(name, MEMBERS)} (options are ${MEMBERS.join(", ")})`,
  );
}

import { type Address, parseAddress } from "../address.js";
import { noSuchScheme } from "../no-such-scheme.js";

/** @throws ConfigurationError for addresses inside of a process, and for those of TLS */
export function parseSocketAddress(text: string): Address {
  const address = parseAddress(text);
  if (address.scheme === "tcp" || address.scheme === "ipc") return address;
  throw noSuchScheme("zmtp", address.scheme);
}

import { type Address, parseAddress, requireText } from "./address.js";

/** An address of whatever scheme. */
export interface AnyAddress {
  /** In lower case; `tcp` where none is given. */
  readonly scheme: string;
  /** Normal form, always with a scheme. */
  readonly text: string;
  /** Where it leads: as a `tcp` address, where there is a host. */
  readonly location: Address;
}

/**
 * Parses an address whose scheme need not be one of our own links: such a one, as `tls`, has a host and a port.
 *
 * @throws ConfigurationError as {@link parseAddress}
 */
export function parseAnyAddress(text: string): AnyAddress {
  requireText(text);
  const [, named = "tcp", rest = ""] = /^(?:([a-zA-Z][\w+.-]*):\/\/)?(.*)$/s.exec(text.trim()) ?? [];
  const scheme = named.toLowerCase();
  if (WITHOUT_HOST.has(scheme)) {
    const location = parseAddress(text);
    return { scheme: location.scheme, text: location.text, location };
  }
  const location = parseAddress(`tcp://${rest}`);
  return { scheme, text: scheme + location.text.slice("tcp".length), location };
}

const WITHOUT_HOST: ReadonlySet<string> = new Set(["ipc", "unix", "inproc", "memory"]);

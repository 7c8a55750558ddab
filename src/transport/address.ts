import { isIP } from "node:net";
import { ConfigurationError } from "../errors.js";

/** A parsed address. */
export type Address =
  | {
      /** Over the network: as it is, or inside of TLS. */
      readonly scheme: "tcp" | "tls";
      /** Host name, IPv4, IPv6 without brackets, or `*`. */
      readonly host: string;
      /** 0 to 65535; 0 asks for a free port when binding. */
      readonly port: number;
      /** Normal form, always with a scheme. */
      readonly text: string;
    }
  | {
      /** Between processes of one machine, or inside of one process: libzmq's way, and ours. */
      readonly scheme: "ipc" | "inproc" | "memory";
      /** Path of the socket, or name inside the process. */
      readonly path: string;
      /** Normal form, always with a scheme. */
      readonly text: string;
    };

/** An address over the network. */
export type NetworkAddress = Extract<Address, { readonly port: number }>;

/** Is it over the network? */
export function isNetworkAddress(address: Address): address is NetworkAddress {
  return address.scheme === "tcp" || address.scheme === "tls";
}

/**
 * Parses an address. Without a scheme it means `tcp://`; `unix://` is another word for `ipc://`.
 *
 * @throws ConfigurationError that says what is wrong and what an address looks like
 */
export function parseAddress(text: string): Address {
  requireText(text);
  const match = /^(?:([a-zA-Z][\w+.-]*):\/\/)?(.*)$/s.exec(text.trim());
  const word = match?.[1]?.toLowerCase() ?? "tcp";
  const scheme = word === "unix" ? "ipc" : word;
  const rest = match?.[2] ?? "";
  if (scheme === "ipc" || scheme === "inproc" || scheme === "memory") {
    if (rest === "") throw wrong(text, `there is no ${scheme === "ipc" ? "path" : "name"} after ${word}://`);
    return { scheme, path: rest, text: `${scheme}://${rest}` };
  }
  if (scheme !== "tcp" && scheme !== "tls") throw wrong(text, `the scheme ${word}:// is not known`);
  return parseNetwork(text, scheme, rest);
}

function parseNetwork(text: string, scheme: NetworkAddress["scheme"], rest: string): NetworkAddress {
  const colon = rest.lastIndexOf(":");
  if (colon < 0) throw wrong(text, "the port is missing");
  const portText = rest.slice(colon + 1);
  const port = portText === "*" ? 0 : Number(portText);
  if (!/^(?:\d{1,5}|\*)$/.test(portText) || port > 65535) {
    throw wrong(text, `the port ${JSON.stringify(portText)} is no number from 0 to 65535`);
  }
  const bracketed = /^\[(.*)\]$/.exec(rest.slice(0, colon));
  const host = bracketed?.[1] ?? rest.slice(0, colon);
  if (host === "") throw wrong(text, "the host is missing");
  const isHost = bracketed ? isIP(host) === 6 : host === "*" || isIP(host) === 4 || isHostName(host);
  if (!isHost) throw wrong(text, `${JSON.stringify(host)} is no host`);
  return { scheme, host, port, text: `${scheme}://${bracketed ? `[${host}]` : host}:${port}` };
}

function isHostName(host: string): boolean {
  // All digits and dots would be an IPv4 address, and a wrong one.
  return !/^[\d.]+$/.test(host) && /^[a-zA-Z0-9_]([\w-]*\w)?(\.[a-zA-Z0-9_]([\w-]*\w)?)*\.?$/.test(host);
}

/** Does this address stand for every interface of the machine, so that it is of no use to others? */
export function isWildcard(address: Address): boolean {
  return isNetworkAddress(address) && (address.host === "*" || address.host === "0.0.0.0" || address.host === "::");
}

/** @throws ConfigurationError for what is no text, such as the value of a variable that is not set */
export function requireText(address: unknown): void {
  if (typeof address === "string") return;
  throw new ConfigurationError(`An address is a text, such as tcp://127.0.0.1:8000, and not ${String(address)}`);
}

function wrong(text: string, why: string): ConfigurationError {
  return new ConfigurationError(
    `${JSON.stringify(text)} is no address: ${why}. Write tcp://HOST:PORT (HOST:PORT means the same) or ipc://PATH`,
  );
}

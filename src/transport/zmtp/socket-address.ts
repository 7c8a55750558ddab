import type { ListenOptions, NetConnectOpts } from "node:net";
import { ConfigurationError } from "../../errors.js";
import { type Address, parseAddress } from "../address.js";

/** Where to connect to, in the words of `node:net`. */
export function connectOptions(address: Address): NetConnectOpts {
  if (address.scheme === "tcp") return { host: address.host, port: address.port };
  return { path: socketPath(address) };
}

/** Where to listen, in the words of `node:net`. */
export function listenOptions(address: Address): ListenOptions {
  if (address.scheme !== "tcp") return { path: socketPath(address) };
  // A wildcard stands for all IPv4 addresses, as it does in libzmq.
  return { host: address.host === "*" ? "0.0.0.0" : address.host, port: address.port, ipv6Only: address.host === "::" };
}

/** @throws ConfigurationError for addresses inside of a process */
export function parseSocketAddress(text: string): Address {
  const address = parseAddress(text);
  if (address.scheme === "tcp" || address.scheme === "ipc") return address;
  throw new ConfigurationError(
    `The transport zmtp has no ${address.scheme}:// addresses. ${
      address.scheme === "memory" ? "Leave out the option transport" : 'transport: "zeromq" has them'
    }`,
  );
}

function socketPath(address: Exclude<Address, { scheme: "tcp" }>): string {
  // Linux's abstract names begin with a zero; libzmq writes them with an @.
  return address.path.startsWith("@") ? `\0${address.path.slice(1)}` : address.path;
}

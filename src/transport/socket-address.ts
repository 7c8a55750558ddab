import type { ListenOptions, NetConnectOpts } from "node:net";
import { type Address, isNetworkAddress } from "./address.js";

/** Where to connect to, in the words of `node:net`. */
export function connectOptions(address: Address): NetConnectOpts {
  if (isNetworkAddress(address)) return { host: address.host, port: address.port };
  return { path: socketPath(address.path) };
}

/** Where to listen, in the words of `node:net`. */
export function listenOptions(address: Address): ListenOptions {
  if (!isNetworkAddress(address)) return { path: socketPath(address.path) };
  // A wildcard stands for all IPv4 addresses, as it does in libzmq.
  return { host: address.host === "*" ? "0.0.0.0" : address.host, port: address.port, ipv6Only: address.host === "::" };
}

function socketPath(path: string): string {
  // Linux's abstract names begin with a zero; libzmq writes them with an @.
  return path.startsWith("@") ? `\0${path.slice(1)}` : path;
}

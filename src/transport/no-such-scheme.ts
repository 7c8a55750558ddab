import { ConfigurationError } from "../errors.js";
import type { Address } from "./address.js";

/** Says that a transport has no addresses of a scheme, and what has. */
export function noSuchScheme(transport: string, scheme: Address["scheme"]): ConfigurationError {
  return new ConfigurationError(`The transport ${transport} has no ${scheme}:// addresses. ${HINTS[scheme]}`);
}

const HINTS: Readonly<Record<Address["scheme"], string>> = {
  tcp: "Write ipc://PATH",
  ipc: "Write tcp://HOST:PORT",
  inproc: 'transport: "zeromq" has them',
  memory: "Leave out the option transport",
  tls: "They are for AMP; what travels by ZeroMQ is encrypted by CURVE, over tcp://",
};

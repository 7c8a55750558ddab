import { ConfigurationError } from "../errors.js";
import { parseAddress } from "./address.js";
import type { Transport } from "./link.js";
import { memoryTransport } from "./memory/index.js";
import { zeromqTransport } from "./zeromq/index.js";
import { zmtpTransport } from "./zmtp/index.js";

/** The transports by name; new ones get a line here. */
const TRANSPORTS: Readonly<Record<TransportName, Transport>> = { zmtp: zmtpTransport, zeromq: zeromqTransport };

/** Names of the transports that are built in. */
export type TransportName = "zmtp" | "zeromq";

/**
 * The transport that calls use unless told otherwise: our own ZMTP for tcp and unix sockets, libzmq for `inproc`, and none
 * of them inside of a process (`memory`). docs/zmtp.md says why.
 */
export const automaticTransport: Transport = {
  name: "automatic",
  abilities: { ...zmtpTransport.abilities, schemes: ["tcp", "ipc", "inproc", "memory"] },
  connect: (address, handlers, options) => transportOf(address).connect(address, handlers, options),
  listen: (address, handlers, options) => transportOf(address).listen(address, handlers, options),
};

/**
 * The transport of an option: a name, an implementation, or nothing. The environment variable `LAMPLIGHTER_TRANSPORT` names
 * one for everything that does not.
 *
 * @throws ConfigurationError for an unknown name
 */
export function findTransport(option: Transport | TransportName | undefined): Transport {
  if (typeof option === "object") return option;
  const name = option ?? process.env.LAMPLIGHTER_TRANSPORT;
  if (name === undefined || name === "") return automaticTransport;
  if (Object.hasOwn(TRANSPORTS, name)) return TRANSPORTS[name as TransportName];
  throw new ConfigurationError(
    `There is no transport named ${JSON.stringify(name)}; there are ${Object.keys(TRANSPORTS).join(" and ")}`,
  );
}

function transportOf(address: string): Transport {
  switch (parseAddress(address).scheme) {
    case "inproc":
      return zeromqTransport;
    case "memory":
      return memoryTransport;
    default:
      return zmtpTransport;
  }
}

export {
  type Address,
  isNetworkAddress,
  isWildcard,
  type NetworkAddress,
  parseAddress,
} from "./address.js";
export { type AnyAddress, parseAnyAddress } from "./any-address.js";
export { type ConnectionLimits, ConnectionQuota, type CountedConnection } from "./connection-quota.js";
export type {
  Link,
  LinkHandlers,
  LinkOptions,
  Listener,
  ListenerHandlers,
  ListenOptions,
  Peer,
  RemoteEnd,
  SocketType,
  Transport,
  TransportAbilities,
} from "./link.js";
export { isBoundHere, processAddress } from "./memory/index.js";
export { openSockets } from "./open-sockets.js";
export { type ProbeResult, probe } from "./probe.js";
export { isRoutingId } from "./routing-id.js";
export { machineAddress, machineId } from "./same-machine.js";
export type {
  Admission,
  CurveSecurity,
  KeyPair,
  LinkSecurity,
  ListenerSecurity,
  NullSecurity,
  PeerIdentity,
  PeerOrigin,
  PlainSecurity,
} from "./security.js";
export {
  connectStream,
  listenStreams,
  type OctetStream,
  requireStreamTls,
  type StreamHandlers,
  type StreamListener,
  type StreamListenOptions,
  type StreamOptions,
  type StreamPeer,
  type StreamTls,
} from "./stream/index.js";
export { type TransportInfo, transportInfo } from "./zeromq/index.js";
export { generateKeyPair } from "./zmtp/curve-box.js";

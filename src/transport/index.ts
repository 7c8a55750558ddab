import type { Transport } from "./link.js";
import { zeromqTransport } from "./zeromq/index.js";

/** The transport that calls use unless told otherwise. */
export const defaultTransport: Transport = zeromqTransport;

export { type Address, isWildcard, parseAddress } from "./address.js";
export type { Link, LinkHandlers, LinkOptions, Listener, ListenerHandlers, Peer, Transport } from "./link.js";
export { type ProbeResult, probe } from "./probe.js";
export { openSockets, type TransportInfo, transportInfo } from "./zeromq/index.js";

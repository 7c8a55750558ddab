import { connect } from "node:net";
import { type Address, isNetworkAddress, parseAddress } from "../address.js";
import { noSuchScheme } from "../no-such-scheme.js";
import { connectOptions } from "../socket-address.js";
import { requireStreamTls } from "./require-tls.js";
import type { StreamSettings } from "./settings.js";
import { SocketStream } from "./socket-stream.js";
import type { OctetStream, StreamHandlers, StreamOptions } from "./stream.js";

/**
 * Starts connecting to `tcp://HOST:PORT` (`HOST:PORT` means the same), `tls://HOST:PORT` or `unix://PATH`. What is written before the
 * stream is open waits. Failures are told through {@link StreamHandlers.closed}: `UNAVAILABLE`, and `ACCESS_DENIED` when the other
 * end does not prove who it is.
 *
 * @throws ConfigurationError for a wrong address or unusable certificates
 */
export function connectStream(address: string, handlers: StreamHandlers, options: StreamOptions = {}): OctetStream {
  const parsed = parseStreamAddress(address);
  const settings = {
    ...streamSettings(parsed, options),
    isAccepted: false,
    name: parsed.text,
    service: parsed.text,
    host: isNetworkAddress(parsed) ? parsed.host : undefined,
  };
  // Also where TLS begins later, or never: mistakes show here.
  if (settings.isTls || options.tls) requireStreamTls(settings.tls, false);
  const socket = connect({ ...connectOptions(parsed), allowHalfOpen: true });
  const stream = new SocketStream(socket, settings, handlers);
  socket.once("connect", () => {
    stream.start();
  });
  return stream;
}

/** @throws ConfigurationError for addresses that are no sockets */
export function parseStreamAddress(text: string): Address {
  const address = parseAddress(text);
  if (isNetworkAddress(address) || address.scheme === "ipc") return address;
  throw noSuchScheme("stream", address.scheme);
}

/** What both ends of a stream take from their options. */
export function streamSettings(
  address: Address,
  options: StreamOptions,
): Pick<StreamSettings, "isTls" | "tls" | "maxQueuedBytes" | "handshakeTimeoutMs"> {
  return {
    isTls: address.scheme === "tls",
    tls: options.tls ?? {},
    maxQueuedBytes: options.maxQueuedBytes ?? 256 * 1024 * 1024,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
  };
}

import type { RpcError } from "../../errors.js";
import { outsideOfCalls } from "../../peer/call-context.js";
import {
  type ConnectionQuota,
  connectStream,
  listenStreams,
  type OctetStream,
  type StreamListener,
} from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import type { AmpEnd } from "./end.js";
import type { AmpOptions } from "./options.js";

/** What streams of AMP are told. */
type StreamSettings = Pick<AmpOptions, "tls" | "maxQueuedBytes">;

/**
 * Connects an end. What runs later over the connection is no part of the call in which it was made.
 *
 * @returns settles when calls can be made, or rejects with the reason why they cannot
 * @throws ConfigurationError for a wrong address, or certificates that cannot be used
 */
export function connectEnd(end: AmpEnd, address: string, settings: StreamSettings): Promise<void> {
  outsideOfCalls(() => {
    end.connection.attach(connectStream(address, end.connection.handlers, optionsOf(settings)));
  });
  const opened = Promise.race([end.opened, end.closed.then(fail)]);
  // Whoever has closed it does not wait for that.
  opened.catch(() => undefined);
  return opened;
}

/**
 * Waits for whoever connects.
 *
 * @param accept - makes the end of a connection here; if it throws, the connection is not taken
 * @throws ConfigurationError for a wrong address, a port in use, or certificates that cannot be used
 */
export function listenForEnds(
  address: string,
  accept: (stream: OctetStream) => AmpEnd,
  { quota, log, ...settings }: StreamSettings & { readonly quota: ConnectionQuota; readonly log: Logger },
): Promise<StreamListener> {
  const taken = (stream: OctetStream): AmpEnd["connection"]["handlers"] => {
    const { connection } = accept(stream);
    connection.attach(stream);
    return connection.handlers;
  };
  const onRefused = (remoteAddress: string, reason: RpcError): void => {
    log.warn(`A connection of ${remoteAddress || "this machine"} was not taken: ${reason.message}`);
  };
  return outsideOfCalls(() => listenStreams(address, taken, { ...optionsOf(settings), quota, onRefused }));
}

/** That TLS is refused to others is nothing that a stream has to know. */
function optionsOf({ tls, maxQueuedBytes }: StreamSettings): Parameters<typeof connectStream>[2] {
  return { tls: tls === false ? undefined : tls, maxQueuedBytes };
}

function fail(reason: RpcError): never {
  throw reason;
}

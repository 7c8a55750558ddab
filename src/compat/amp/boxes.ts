import { outsideOfCalls } from "../../peer/call-context.js";
import {
  connectStream,
  listenStreams,
  type OctetStream,
  type StreamHandlers,
  type StreamListener,
  type StreamListenOptions,
  type StreamOptions,
} from "../../transport/index.js";
import { BoxConnection, type BoxConnectionOptions, type BoxReceiver } from "./box-connection.js";

/**
 * Connects to whoever speaks in boxes, for the length of one connection; returns at once. For those who build on boxes themselves,
 * as in Twisted on `BinaryBoxProtocol`; {@link connectAmp} does it for commands.
 *
 * @param address - `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix://PATH`
 * @param receiver - whom boxes are for; told when nobody is there
 * @throws ConfigurationError for a wrong address
 */
export function connectBoxes(
  address: string,
  receiver: BoxReceiver,
  options: BoxConnectionOptions & StreamOptions = {},
): BoxConnection {
  const connection = new BoxConnection(receiver, options);
  outsideOfCalls(() => {
    connection.attach(connectStream(address, connection.handlers, options));
  });
  return connection;
}

/**
 * Waits for whoever connects and speaks in boxes; see {@link connectBoxes}.
 *
 * @param address - as there; port 0 takes a free one
 * @param accept - says whom the boxes of a connection are for; if it throws, the connection is closed, and `onRefused` told
 * @throws ConfigurationError for a wrong address or a port in use
 */
export async function listenBoxes(
  address: string,
  accept: () => BoxReceiver,
  options: BoxConnectionOptions & StreamListenOptions = {},
): Promise<StreamListener> {
  const taken = (stream: OctetStream): StreamHandlers => {
    const connection = new BoxConnection(accept(), options);
    connection.attach(stream);
    return connection.handlers;
  };
  return await outsideOfCalls(() => listenStreams(address, taken, options));
}

import { rpcError } from "../../errors.js";
import type { OctetStream, StreamHandlers } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import { thrownText } from "../../util/thrown-text.js";

/**
 * Takes a connection over with code of an application, such as the constructor of a class of responders. When that throws, the connection
 * is closed, and others are taken as before.
 *
 * @param from - where it comes from, for the log
 */
export function acceptOrClose(
  stream: OctetStream,
  from: string,
  log: Logger,
  accept: () => StreamHandlers,
): StreamHandlers {
  try {
    return accept();
  } catch (error) {
    log.error(`A connection of ${from} was closed, as nothing could be made to answer it: ${thrownText(error)}`);
    stream.destroy(rpcError("UNKNOWN", "Nothing could be made to answer the connection", { cause: error }));
    return NOBODY;
  }
}

const NOBODY: StreamHandlers = { opened: ignore, octets: ignore, closed: ignore };

function ignore(): void {
  // The stream is closed.
}

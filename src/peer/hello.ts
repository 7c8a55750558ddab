import type { HelloMessage } from "../wire/message.js";

/** Version of the wire that this end speaks (docs/lamp-wire.md, section 2). */
export const WIRE_VERSION = 1;

/** Why nothing can be done with a peer that introduces itself so; `undefined` when it is well. */
export function objectionTo({ versions, maxMessageBytes, connection }: HelloMessage): string | undefined {
  const [lowest, highest] = versions;
  if (lowest > WIRE_VERSION || highest < WIRE_VERSION) {
    return `This end speaks version ${WIRE_VERSION} of the wire, the other end ${lowest} to ${highest}`;
  }
  if (maxMessageBytes < LEAST_MESSAGE_BYTES) return `A peer has to take messages of ${LEAST_MESSAGE_BYTES} bytes`;
  if (connection === undefined || CONNECTION_NAME.test(connection)) return undefined;
  return "The name of a connection has 12 to 64 letters, digits, - and _";
}

const CONNECTION_NAME = /^[\w-]{12,64}$/;
/** Errors have to fit. */
const LEAST_MESSAGE_BYTES = 1024;

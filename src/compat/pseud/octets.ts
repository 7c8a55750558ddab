import { isUtf8 } from "node:buffer";
import { ConfigurationError } from "../../errors.js";
import { isRoutingId } from "../../transport/index.js";

/** Text as UTF-8, octets as they are: what pseud's ids and passwords are on the wire. */
export function toOctets(value: string | Uint8Array): Buffer {
  return typeof value === "string" ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** An id as a text, by which it is compared and shown; `undefined` for octets that are no UTF-8. */
export function textOf(value: Uint8Array): string | undefined {
  return isUtf8(value) ? toOctets(value).toString("utf8") : undefined;
}

/**
 * An id of an option as a text.
 *
 * @param what - names the option in errors
 * @throws ConfigurationError for octets that are no UTF-8, which Python refuses as well
 */
export function idText(value: string | Uint8Array, what: string): string {
  const text = typeof value === "string" ? value : textOf(value);
  if (text !== undefined) return text;
  throw new ConfigurationError(`${what} has to be a text, or its UTF-8`);
}

/**
 * The id of a server, as ROUTER sockets take it.
 *
 * @throws ConfigurationError for any other
 */
export function serverIdOf(id: string | Uint8Array | undefined): Buffer {
  if (id === undefined)
    throw new ConfigurationError('A server has an id that its clients know it by: { id: "service" }');
  const octets = toOctets(idText(id, "The id of a server"));
  if (isRoutingId(octets)) return octets;
  throw new ConfigurationError("The id of a server has 1 to 255 octets, the first of which is not zero");
}

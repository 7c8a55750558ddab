import { isUtf8 } from "node:buffer";
import type { ArgumentType, MethodContract } from "../../peer/contract.js";
import { type Box, boolean, decodeFields, float, integer } from "../../wire/amp/index.js";
import type { CallMessage } from "../../wire/message.js";
import type { Command } from "./command.js";
import type { ResponderContext } from "./locator.js";

/**
 * The arguments of a method, of the values of a request.
 *
 * A command says what they are. Without one, what the method declares of its arguments does: `integer`, `number`, `boolean` and `string` are
 * read as AMP writes them, `bytes` are the octets, and `object` and `array` are JSON. What is declared otherwise, or cannot be read so,
 * is a text, and octets where it is no UTF-8: the method's own checks refuse it, and not before policies have been asked.
 *
 * @throws ProtocolError for what is not of its type in the command
 */
export function requestArguments(
  box: Box,
  command: Command | undefined,
  contract: MethodContract | undefined,
  { peer }: Pick<ResponderContext, "peer">,
): Pick<CallMessage, "args" | "attachment"> {
  const values: Map<string, unknown> = command
    ? new Map(Object.entries(decodeFields(command.arguments, box, { context: peer })))
    : new Map([...box].map(([name, octets]) => [name, valueOf(octets, contract?.types[name])]));
  const incoming = contract?.incoming ?? undefined;
  let attachment: Uint8Array | undefined;
  if (incoming !== undefined && contract?.required.includes(incoming)) {
    const bytes = command ? values.get(incoming) : copyOf(box.get(incoming));
    if (bytes instanceof Uint8Array) attachment = bytes;
    values.delete(incoming);
  }
  // What may be left out, and is, is null in AMP; to methods it is not there.
  const given = [...values].filter(([, value]) => value !== null && value !== undefined);
  return { args: given.length === 0 ? null : Object.fromEntries(given), attachment };
}

function valueOf(octets: Uint8Array, type: ArgumentType | undefined): unknown {
  if (type === "bytes") return copyOf(octets);
  try {
    switch (type) {
      case "integer":
        return INTEGER.decode(octets, undefined);
      case "number":
        return FLOAT.decode(octets, undefined);
      case "boolean":
        return BOOLEAN.decode(octets, undefined);
      case "object":
      case "array":
        return JSON.parse(Buffer.from(octets).toString("utf8"));
      default:
    }
  } catch {
    // It is for the method to say what is wrong with it.
  }
  return isUtf8(octets) ? Buffer.from(octets).toString("utf8") : copyOf(octets);
}

/** What came is a view of much more. */
function copyOf(octets: Uint8Array | undefined): Uint8Array | undefined {
  return octets && Uint8Array.from(octets);
}

const INTEGER = integer();
const FLOAT = float();
const BOOLEAN = boolean();

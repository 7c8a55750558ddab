import { ProtocolError } from "../../errors.js";
import { packValue, unpackValue } from "../../wire/lamp/packed-value.js";
import { NodeMessage } from "./message.js";

/**
 * A message as dispatchers pass it on, without looking into it.
 *
 * @throws BadRequestError, `not-sent`, when an attribute cannot travel
 */
export function packMessage(message: NodeMessage): Uint8Array[] {
  return packValue(new Map(message.attributeNames.map((name) => [name, message.get(name)])), "message");
}

/**
 * What was sent, with its attributes.
 *
 * @throws ProtocolError for bytes that are no message
 */
export function unpackMessage(body: readonly Uint8Array[]): NodeMessage {
  const attributes = unpackValue(body);
  if (!(attributes instanceof Map)) throw new ProtocolError("What came is no message");
  const message = new NodeMessage();
  for (const [name, value] of attributes as Map<unknown, unknown>) {
    if (typeof name !== "string") throw new ProtocolError("An attribute has no name");
    message.setAttribute(name, value);
  }
  return message;
}

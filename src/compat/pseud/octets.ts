/** Text as UTF-8, octets as they are: what pseud's ids and passwords are on the wire. */
export function toOctets(value: string | Uint8Array): Buffer {
  return typeof value === "string" ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Ids as texts, by which they are compared and shown. */
export function idText(value: string | Uint8Array): string {
  return typeof value === "string" ? value : Buffer.from(value).toString("utf8");
}

/** Can a socket be known by these octets? ZeroMQ takes 1 to 255 of them. */
export function isRoutingId({ length }: Uint8Array): boolean {
  return length > 0 && length <= 255;
}

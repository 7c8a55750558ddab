/** Can a socket be known by these octets? ZeroMQ takes 1 to 255 of them, and keeps those that begin with zero for itself. */
export function isRoutingId(octets: Uint8Array): boolean {
  return octets.length > 0 && octets.length <= 255 && octets[0] !== 0;
}

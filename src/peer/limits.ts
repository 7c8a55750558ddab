import { ConfigurationError } from "../errors.js";
import { requireMembers } from "../security/rule-members.js";
import { type ConnectionLimits, ConnectionQuota } from "../transport/index.js";
import type { LoadLimits } from "./caller-load.js";

/** How much of a host its peers may take; for connections, all addresses of the host count together. */
export interface HostLimits extends ConnectionLimits {
  /** Calls of one connection that run or wait; default 50,000. One more is refused with `OVERLOADED`, `not-executed`. */
  readonly callsInFlight?: number | undefined;
  /** Bytes of the messages that those came in; default 256 MiB. A message may always come when no other call is under way. */
  readonly bytesInFlight?: number | undefined;
}

/**
 * What limits come to.
 *
 * @throws ConfigurationError when there is no such limit, or one is no number from 1 on
 */
export function readLimits(limits: HostLimits = {}): { readonly quota: ConnectionQuota; readonly load: LoadLimits } {
  requireMembers(
    limits,
    ["connections", "connectionsPerAddress", "handshakes", "callsInFlight", "bytesInFlight"],
    "The option limits",
  );
  const { callsInFlight = 50_000, bytesInFlight = 256 * 1024 * 1024 } = limits;
  for (const [name, limit] of Object.entries({ callsInFlight, bytesInFlight })) {
    if (typeof limit === "number" && limit >= 1) continue;
    throw new ConfigurationError(`The limit ${name} is a number from 1 on, got ${JSON.stringify(limit)}`);
  }
  return { quota: new ConnectionQuota(limits), load: { callsInFlight, bytesInFlight } };
}

import { Credentials, NO_CREDENTIALS } from "./credentials.js";
import type { HostSecurity, Mechanism } from "./gate.js";

/** What an option stands for. */
export function hostSecurityOf(option: string | HostSecurity | undefined): HostSecurity | undefined {
  return typeof option === "string" ? { keys: option } : option;
}

/**
 * How a host proves itself to others, by the keys that it is known by.
 *
 * @param accepted - other mechanisms by which its peers are let in, and which it uses towards them
 */
export function credentialsOfHost(
  option: string | HostSecurity | undefined,
  accepted: readonly Mechanism[] = [],
): Credentials {
  const security = hostSecurityOf(option);
  if (!security) return NO_CREDENTIALS;
  const { keys, nameserverKey, mechanisms = ["curve"] } = security;
  // Who lets callers in without keys is called, and asks, in clear text as well.
  const isOpen = mechanisms.includes("null") || accepted.includes("null");
  return new Credentials({ keys, nameserverKey, clearText: isOpen || keys === undefined });
}

import { ConfigurationError } from "../errors.js";
import { parseAnyAddress } from "../transport/index.js";
import { findWire, wireNames } from "../wire/registry.js";
import type { Protocol } from "./protocol.js";

/** Is it a protocol? */
export function isProtocol(option: unknown): option is Protocol {
  if (typeof option !== "object" || option === null) return false;
  const { name, schemes, connect } = option as { readonly [member in keyof Protocol]?: unknown };
  return typeof name === "string" && Array.isArray(schemes) && typeof connect === "function";
}

/**
 * What an option `wire` stands for: the name of a registered wire, or a protocol as it is.
 *
 * @throws ConfigurationError when it is neither
 */
export function readWire(option: unknown): string | Protocol {
  if (typeof option === "string") return findWire(option).name;
  if (isProtocol(option)) return option;
  throw new ConfigurationError(`The option wire is the name of a wire (${wireNames().join(", ")}), or a protocol`);
}

/**
 * An address in normal form, for a protocol.
 *
 * @throws ConfigurationError for a wrong address, or one that the protocol cannot use
 */
export function protocolAddress({ name, schemes }: Protocol, address: string): string {
  const { scheme, text } = parseAnyAddress(address);
  if (schemes.includes(scheme)) return text;
  throw new ConfigurationError(
    `The protocol ${name} does not go over ${scheme} (${address}), but over ${schemes.join(", ")}`,
  );
}

import { ConfigurationError } from "../errors.js";
import type { Mechanism } from "../security/gate.js";
import { requireMembers } from "../security/rule-members.js";
import type { Protocol } from "./protocol.js";
import { isProtocol } from "./protocol-option.js";

/** An address that a host binds, with what holds for it alone. */
export interface BoundAddress {
  /** What is bound; port 0 takes a free one. */
  readonly address: string;
  /**
   * How peers may prove who they are there; default: as the option `security` says. So a unix socket may let in PyCOM's peers of this
   * machine (`["null"]`), while the address that everybody reaches lets in those with a key.
   */
  readonly mechanisms?: readonly Mechanism[] | undefined;
  /**
   * Answers there, instead of our own wires: such as AMP. It lets in whoever comes, so that with the option `security` an address
   * has to say `mechanisms: ["null"]`.
   */
  readonly wire?: Protocol | undefined;
  /** What others connect to, where it is not what is bound. Port 0 stands for the bound port. */
  readonly advertise?: string | undefined;
}

/** What a host binds: one address, or several. */
export type AddressOption = string | BoundAddress | readonly (string | BoundAddress)[];

/**
 * Addresses of an option.
 *
 * @param advertise - what others connect to, one for each address; those that say it themselves win
 * @throws ConfigurationError when there is none, or more are advertised than bound
 */
export function readAddresses(
  option: AddressOption,
  advertise: string | readonly string[] = [],
): readonly [BoundAddress, ...BoundAddress[]] {
  const advertised = typeof advertise === "string" ? [advertise] : advertise;
  const [first, ...others] = listOf(option).map((entry, index): BoundAddress => {
    if (typeof entry === "string") return { address: entry, advertise: advertised[index] };
    requireMembers(entry, ["address", "mechanisms", "wire", "advertise"], "An address");
    if (typeof entry.address !== "string")
      throw new ConfigurationError("An address has a member address, which is text");
    const { mechanisms, wire } = entry as { mechanisms?: unknown; wire?: unknown };
    if (mechanisms !== undefined && !Array.isArray(mechanisms)) {
      throw new ConfigurationError(`The mechanisms of ${entry.address} are a list`);
    }
    if (wire !== undefined && !isProtocol(wire)) {
      throw new ConfigurationError(
        `The wire of ${entry.address} is a protocol as lamplighter/amp makes it; wires that have a name are answered everywhere`,
      );
    }
    return { ...entry, advertise: entry.advertise ?? advertised[index] };
  });
  if (!first) throw new ConfigurationError("The list of addresses is empty");
  if (advertised.length > others.length + 1) {
    throw new ConfigurationError(`${advertised.length} addresses are advertised, only ${others.length + 1} bound`);
  }
  return [first, ...others];
}

/** All mechanisms that addresses of our own wires name for themselves. */
export function mechanismsOf(option: AddressOption): readonly Mechanism[] {
  return readAddresses(option).flatMap(({ mechanisms = [], wire }) => (wire ? [] : mechanisms));
}

function listOf(option: AddressOption): readonly (string | BoundAddress)[] {
  return typeof option === "string" || "address" in option ? [option] : option;
}

import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

let known: { readonly id: string | undefined } | undefined;

/**
 * Names what this process shares its unix sockets without a path with: the running kernel, and in it the network namespace,
 * so that containers tell themselves apart. `undefined` where there are none, which is everywhere but on Linux.
 */
export function machineId(): string | undefined {
  known ??= { id: readMachineId() };
  return known.id;
}

/** An address that only processes of this machine reach; it is gone with the process that binds it. */
export function machineAddress(name: string): string {
  return `ipc://@lamplighter-${name}`;
}

function readMachineId(): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
    const namespace = readlinkSync("/proc/self/ns/net");
    // Others need not know what it is made of.
    return createHash("sha256").update(`${boot}${namespace}`).digest("base64url").slice(0, 16);
  } catch {
    return undefined;
  }
}

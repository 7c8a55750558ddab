import type { Transport } from "../link.js";
import { MemoryLink } from "./memory-link.js";
import { findListener, MemoryListener } from "./memory-listener.js";

/** Inside of one process: no socket, no system call. Messages are written and read as on any other link. */
export const memoryTransport: Transport = {
  name: "memory",
  abilities: {
    knowsUser: false,
    seesPeers: true,
    takesSubscribers: true,
    security: ["null"],
    schemes: ["memory"],
  },
  connect: (address, handlers, options) => new MemoryLink(address, handlers, options),
  // eslint-disable-next-line @typescript-eslint/require-await -- what binding throws has to be a rejection
  listen: async (address, handlers, options) => MemoryListener.bind(address, handlers, options),
};

/** The address inside of its process of whatever has this name. */
export function processAddress(name: string): string {
  return `memory://${name}`;
}

/** Is an address bound in this process? */
export function isBoundHere(address: string): boolean {
  return findListener(address) !== undefined;
}

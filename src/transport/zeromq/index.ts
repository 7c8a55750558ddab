import { ConfigurationError } from "../../errors.js";
import { type Address, parseAddress } from "../address.js";
import type { Transport } from "../link.js";
import { noSuchScheme } from "../no-such-scheme.js";
import { DealerLink } from "./dealer-link.js";
import { RouterListener } from "./router-listener.js";

/** libzmq through zeromq.js: DEALER and ROUTER over tcp, ipc and inproc. */
export const zeromqTransport: Transport = {
  name: "zeromq",
  abilities: {
    knowsUser: false,
    seesPeers: false,
    takesSubscribers: false,
    security: ["null"],
    schemes: ["tcp", "ipc", "inproc"],
  },
  connect: (address, handlers, options) => {
    if (options.socketType === "SUB") {
      throw new ConfigurationError(`The transport zeromq makes no SUB sockets; ${address} needs the transport zmtp`);
    }
    return new DealerLink(parseZeromqAddress(address), handlers, options);
  },
  // What a wrong address throws has to be a rejection.
  listen: async (address, handlers, options) => RouterListener.bind(parseZeromqAddress(address), handlers, options),
};

/** @throws ConfigurationError for addresses of our own memory, and for those of TLS */
function parseZeromqAddress(text: string): Address {
  const address = parseAddress(text);
  if (address.scheme === "memory" || address.scheme === "tls") throw noSuchScheme("zeromq", address.scheme);
  return address;
}

export { type TransportInfo, transportInfo } from "./info.js";

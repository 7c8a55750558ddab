import type { Transport } from "../link.js";
import { DealerLink } from "./dealer-link.js";
import { RouterListener } from "./router-listener.js";

/** libzmq through zeromq.js: DEALER and ROUTER over tcp, ipc and inproc. */
export const zeromqTransport: Transport = {
  name: "zeromq",
  abilities: { knowsUser: false, seesPeers: false, security: ["null"], schemes: ["tcp", "ipc", "inproc"] },
  connect: (address, handlers, options) => new DealerLink(address, handlers, options),
  listen: (address, handlers, options) => RouterListener.bind(address, handlers, options),
};

export { type TransportInfo, transportInfo } from "./info.js";

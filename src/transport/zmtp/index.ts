import type { Transport } from "../link.js";
import { ZmtpLink } from "./zmtp-link.js";
import { ZmtpListener } from "./zmtp-listener.js";

/** ZMTP 3.1 in TypeScript on `node:net`: tcp and unix sockets; talks to every ZeroMQ peer from libzmq 4.0 on. */
export const zmtpTransport: Transport = {
  name: "zmtp",
  abilities: {
    knowsUser: true,
    seesPeers: true,
    takesSubscribers: true,
    security: ["null", "plain", "curve"],
    schemes: ["tcp", "ipc"],
  },
  connect: (address, handlers, options) => new ZmtpLink(address, handlers, options),
  listen: (address, handlers, options) => ZmtpListener.bind(address, handlers, options),
};

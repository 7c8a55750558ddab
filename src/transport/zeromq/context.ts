import type { Context } from "zeromq";
import { zeromq } from "./load.js";

let shared: Context | undefined;

/**
 * This package's own context: `blocky: false`, so that an unsent message never keeps the process alive beyond its
 * socket's linger, and no setting of the application's other sockets reaches ours.
 */
export function zeromqContext(): Context {
  shared ??= new (zeromq().Context)({ blocky: false, maxSockets: MAX_SOCKETS });
  return shared;
}

/** libzmq's default of 1,023 is too few for a nameserver that watches its services. */
const MAX_SOCKETS = 65_535;

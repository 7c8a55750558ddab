import { unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { type Address, isNetworkAddress } from "./address.js";
import { bindError } from "./bind-error.js";
import { openSockets } from "./open-sockets.js";
import { connectOptions, listenOptions } from "./socket-address.js";

/**
 * Binds a server, which is among the {@link openSockets} from then on; whoever closes it takes it out. A unix socket whose owner
 * was killed stays behind as a file: one that nobody answers at is taken over.
 *
 * @returns the real address, with the real port
 * @throws ConfigurationError that says why it cannot be bound
 */
export async function bindServer(server: Server, address: Address): Promise<string> {
  try {
    await listen(server, address);
  } catch (error) {
    server.close();
    throw bindError(address.text, error as NodeJS.ErrnoException);
  }
  openSockets.add(server);
  // A single connection that cannot be accepted, for want of file descriptors, is no reason to stop.
  server.on("error", () => undefined);
  return realAddress(server, address);
}

async function listen(server: Server, address: Address): Promise<void> {
  try {
    await listenOnce(server, address);
  } catch (error) {
    const isStale =
      address.scheme === "ipc" && (error as NodeJS.ErrnoException).code === "EADDRINUSE" && !(await answers(address));
    if (!isStale) throw error;
    await unlink(address.path);
    await listenOnce(server, address);
  }
}

function listenOnce(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(listenOptions(address), () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function answers(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(connectOptions(address));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED");
    });
  });
}

function realAddress(server: Server, address: Address): string {
  if (!isNetworkAddress(address)) return address.text;
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  const host = address.host === "*" ? "0.0.0.0" : address.host;
  return `${address.scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

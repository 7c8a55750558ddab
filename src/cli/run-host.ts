import { RpcError } from "../errors.js";
import type { ServiceHost } from "../service/service-host.js";
import type { Logger } from "../util/log.js";
import { CommandError, EXIT } from "./exit.js";

/**
 * Starts a host, prints `ready ADDRESS`, and serves until a signal: `SIGTERM` or `SIGINT` drains and ends with status 0, a
 * second one ends at once.
 */
export async function runHost(host: ServiceHost, log: Logger): Promise<void> {
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    let stopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(EXIT.refused);
      stopping = true;
      resolve(signal);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
  try {
    const registered = await host.start();
    log.info(`${host.service} serves ${host.interfaces.join(", ")}${registered ? "" : ", not registered yet"}`);
  } catch (error) {
    // A port in use and a name that is taken are no wrong usage: another time they may be free.
    const refused = RpcError.isRpcError(error) && (error.code === "ACCESS_DENIED" || isBindFailure(error));
    if (refused) {
      const hint =
        error.code === "ACCESS_DENIED"
          ? { hint: "Stop the service of that name, serve under another one (-s NAME), or let the nameserver allow it" }
          : {};
      throw new CommandError(error.message, EXIT.refused, { cause: error, ...hint });
    }
    throw error;
  }
  process.stdout.write(`ready ${host.address}\n`);
  const signal = await stopped;
  log.info(`${signal}: draining`);
  await host.close();
}

function isBindFailure(error: RpcError): boolean {
  return error.code === "CONFIGURATION" && error.service !== undefined;
}

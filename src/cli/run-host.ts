import { RpcError } from "../errors.js";
import { ServiceHost } from "../service/service-host.js";
import type { Logger } from "../util/log.js";
import { CommandError, EXIT } from "./exit.js";

/** Something that serves at an address. */
export interface Servable {
  /** Its first address, once it serves. */
  readonly address: string;
  /** Begins; what it gives is told by the caller's `log`. */
  start(): Promise<unknown>;
  /** Ends in good order. */
  close(): Promise<void>;
}

/**
 * Starts a host, prints `ready ADDRESS`, and serves until a signal: `SIGTERM` or `SIGINT` drains and ends with status 0, a
 * second one ends at once.
 *
 * @param work - asked for once the host serves: it ends the host as well when it settles
 */
export async function runHost(host: Servable, log: Logger, work?: () => Promise<void>): Promise<void> {
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
    const starting = host.start();
    // What it waits for may never come: a signal ends that, too.
    const registered = await Promise.race([starting, stopped.then(() => INTERRUPTED)]);
    if (registered === INTERRUPTED) {
      starting.catch(() => undefined);
      await host.close();
      return;
    }
    if (host instanceof ServiceHost) {
      log.info(
        `${host.service} serves ${host.interfaces.join(", ")}${registered === true ? "" : ", not registered yet"}`,
      );
    }
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
  try {
    const signal = await (work ? Promise.race([stopped, work()]) : stopped);
    if (signal !== undefined) log.info(`${signal}: draining`);
  } finally {
    await host.close();
  }
}

/** A signal came before the host was ready. */
const INTERRUPTED: unique symbol = Symbol("interrupted");

function isBindFailure(error: RpcError): boolean {
  return error.code === "CONFIGURATION" && error.service !== undefined;
}

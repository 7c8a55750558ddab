import { connect } from "node:net";
import { isNetworkAddress, parseAddress } from "./address.js";

/** What stands behind an address, as far as a bare connection tells. */
export type ProbeResult =
  /** Something accepts connections there; it may be stopped or busy. */
  | "listening"
  /** The machine says that nothing is there. */
  | "refused"
  /** Nothing was heard: not reachable, or the answer is not in yet. */
  | "silent";

/** Looks whether anything listens at an address, by a bare connection that is closed at once. Never rejects. */
export function probe(address: string, timeoutMs: number): Promise<ProbeResult> {
  const parsed = parseAddress(address);
  if (parsed.scheme === "inproc" || parsed.scheme === "memory") return Promise.resolve("silent");
  return new Promise((resolve) => {
    const socket = isNetworkAddress(parsed) ? connect(parsed.port, parsed.host) : connect(parsed.path);
    const done = (result: ProbeResult): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () => {
      done("silent");
    });
    socket.once("connect", () => {
      done("listening");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      done(error.code === "ECONNREFUSED" || error.code === "ENOENT" ? "refused" : "silent");
    });
  });
}

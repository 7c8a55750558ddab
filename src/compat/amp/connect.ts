import { type RpcError, rpcError } from "../../errors.js";
import { SILENT } from "../../util/log.js";
import { MAX_TIMER_MS } from "../../util/timers.js";
import type { CommandTable } from "./calls.js";
import { checkConnectOptions } from "./check-options.js";
import { AmpEnd } from "./end.js";
import { connectEnd } from "./end-streams.js";
import type { ConnectAmpOptions } from "./options.js";
import { commandsOf, remoteOf } from "./peer-proxy.js";
import type { AmpRemote } from "./remote.js";
import { locatorsOf } from "./responders.js";

/**
 * Connects to a peer of AMP, for the length of one connection; `amp()` is for clients that connect again by themselves.
 *
 * ```ts
 * const peer = await connectAmp("tcp://127.0.0.1:8000", { commands: { repeat: Repeat } });
 * await peer.repeat({ text: "abc", times: 3 });
 * await peer.callRemote(Repeat, { text: "abc", times: 3 });
 * ```
 *
 * @param address - `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix://PATH`
 * @throws UnavailableError, `not-sent`, when nobody is there
 * @throws AccessDeniedError when the other end's certificate is not believed, or this one's there
 * @throws ConfigurationError for a wrong address or option, before anything is connected
 * @throws RpcError with code `CANCELLED`, `not-sent`, when the signal fires before the connection is there
 */
export async function connectAmp<T extends CommandTable | undefined = undefined>(
  address: string,
  options: ConnectAmpOptions<T> = {},
): Promise<AmpRemote<T>> {
  checkConnectOptions(options, address);
  const { responders, connectTimeoutMs = CONNECT_MS, log = SILENT, signal } = options;
  const commands = commandsOf(options.commands);
  const locator = locatorsOf(responders ?? []);
  if (signal?.aborted) throw cancelled(address, signal);
  const end = new AmpEnd({ ...options, label: address, log, locator });
  const opened = connectEnd(end, address, options);
  const giveUp = (): void => {
    end.destroy(cancelled(address, signal));
  };
  signal?.addEventListener("abort", giveUp, { once: true });
  const timer = setTimeout(
    () => {
      end.destroy(rpcError("UNAVAILABLE", `${address} accepted no connection within ${connectTimeoutMs} ms`));
    },
    Math.min(connectTimeoutMs, MAX_TIMER_MS),
  );
  try {
    await opened;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
  return remoteOf<T>(end, commands);
}

function cancelled(address: string, signal: AbortSignal | undefined): RpcError {
  return rpcError("CANCELLED", `It was given up to connect to ${address}`, { service: address, cause: signal?.reason });
}

/** How long one tries to connect, in milliseconds. */
const CONNECT_MS = 10_000;

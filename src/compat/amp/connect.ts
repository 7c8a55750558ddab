import { type RpcError, rpcError } from "../../errors.js";
import { connectStream } from "../../transport/index.js";
import { SILENT } from "../../util/log.js";
import { untilAborted } from "../../util/sleep.js";
import { MAX_TIMER_MS } from "../../util/timers.js";
import type { CommandTable } from "./calls.js";
import { AmpEnd } from "./end.js";
import { requireMs, requireNumbers, requireSignal } from "./option-checks.js";
import type { AmpOptions } from "./options.js";
import { type AmpRemote, remoteOf } from "./peer-proxy.js";
import { locatorsOf, type Responders } from "./responders.js";

/** Options of {@link connectAmp}. */
export interface ConnectAmpOptions<T extends CommandTable | undefined = undefined> extends AmpOptions {
  /** Commands by the name of the method that calls them, so that `peer.repeat(…)` has types. Default none: see {@link AmpRemote}. */
  readonly commands?: T;
  /** What the other end may call. Default nothing. */
  readonly responders?: Responders | undefined;
  /** Milliseconds until it is given up to connect; default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Gives it up to connect. */
  readonly signal?: AbortSignal | undefined;
}

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
 * @throws ConfigurationError for a wrong address or option
 */
export async function connectAmp<T extends CommandTable | undefined = undefined>(
  address: string,
  options: ConnectAmpOptions<T> = {},
): Promise<AmpRemote<T>> {
  const { responders, commands, connectTimeoutMs = CONNECT_MS, tls, maxQueuedBytes, log = SILENT } = options;
  requireMs("connectTimeoutMs", connectTimeoutMs);
  requireNumbers(options);
  requireSignal(options.signal);
  const end = new AmpEnd({ ...options, label: address, log, locator: locatorsOf(responders ?? []) });
  end.connection.attach(
    connectStream(address, end.connection.handlers, { tls: tls === false ? undefined : tls, maxQueuedBytes }),
  );
  const opened = Promise.race([end.opened, end.closed.then(fail)]);
  // Also where nobody gets to wait for it.
  opened.catch(() => undefined);
  const timer = setTimeout(
    () => {
      end.destroy(rpcError("UNAVAILABLE", `${address} accepted no connection within ${connectTimeoutMs} ms`));
    },
    Math.min(connectTimeoutMs, MAX_TIMER_MS),
  );
  try {
    await (options.signal ? untilAborted(opened, options.signal) : opened);
  } catch (error) {
    end.destroy(error as RpcError);
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return remoteOf(end, commands as T);
}

function fail(reason: RpcError): never {
  throw reason;
}

/** How long one tries to connect, in milliseconds. */
const CONNECT_MS = 10_000;

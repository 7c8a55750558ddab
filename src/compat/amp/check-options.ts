import { inspect } from "node:util";
import { ConfigurationError } from "../../errors.js";
import { requireMembers } from "../../security/rule-members.js";
import { requireStreamTls } from "../../transport/index.js";
import { requireLogger } from "../../util/log.js";
import type { AmpCallOptions } from "./calls.js";
import type { AmpOptions, AmpProtocolOptions, ConnectAmpOptions, ListenAmpOptions } from "./options.js";

type Names<O> = Readonly<Record<keyof O, true>>;

const BOTH: Names<AmpOptions> = {
  dialect: true,
  timeoutMs: true,
  tls: true,
  limits: true,
  maxInFlight: true,
  maxRunning: true,
  maxRunningBytes: true,
  maxQueuedBytes: true,
  log: true,
};
const CONNECTING: Names<ConnectAmpOptions> = {
  ...BOTH,
  commands: true,
  responders: true,
  connectTimeoutMs: true,
  signal: true,
};
const LISTENING: Names<ListenAmpOptions> = {
  ...BOTH,
  connections: true,
  onConnection: true,
  register: true,
  drainTimeoutMs: true,
};
const PROTOCOL: Names<AmpProtocolOptions> = { dialect: true, tls: true, limits: true, maxQueuedBytes: true };
const CALL: readonly string[] = Object.keys({ timeoutMs: true, signal: true } satisfies Names<AmpCallOptions>);

/**
 * Looks through the options of `connectAmp`.
 *
 * @throws ConfigurationError for one that there is not, or that cannot be so
 */
export function checkConnectOptions(options: Omit<ConnectAmpOptions, "commands">, address: string): void {
  requireMembers(options, Object.keys(CONNECTING), "The second argument of connectAmp()");
  checkOptions(options, address, false);
  requireMs("connectTimeoutMs", options.connectTimeoutMs);
  requireSignal(options.signal);
}

/**
 * Looks through the options of `listen`.
 *
 * @throws as {@link checkConnectOptions}
 */
export function checkListenOptions(options: ListenAmpOptions, address: string): void {
  requireMembers(options, Object.keys(LISTENING), "The third argument of listen()");
  checkOptions(options, address, true);
  const { connections, onConnection, drainTimeoutMs } = options;
  if (connections !== undefined) {
    requireMembers(connections, ["connections", "connectionsPerAddress", "handshakes"], "The option connections");
  }
  if (onConnection !== undefined && typeof onConnection !== "function") {
    throw new ConfigurationError("The option onConnection is a function, which gets the other end of a connection");
  }
  requireMs("drainTimeoutMs", drainTimeoutMs, "0");
}

/**
 * Looks through the options of `amp()`.
 *
 * @throws as {@link checkConnectOptions}
 */
export function checkProtocolOptions(options: AmpProtocolOptions): void {
  requireMembers(options, Object.keys(PROTOCOL), "The second argument of amp()");
  checkOptions(options, "", false);
}

/**
 * Looks through the options of a call.
 *
 * @throws as {@link checkConnectOptions}
 */
export function checkCallOptions(options: AmpCallOptions): void {
  requireMembers(options, CALL, "The last argument of a call");
  requireMs("timeoutMs", options.timeoutMs);
  requireSignal(options.signal);
}

/** @throws ConfigurationError for an address that is nothing but what the option refuses */
export function requireTlsAt(address: string, tls: AmpOptions["tls"]): void {
  if (tls !== false || !address.startsWith("tls://")) return;
  throw new ConfigurationError(`${address} is TLS from the first octet on, which the option tls: false refuses`);
}

/** What all of them may have. */
function checkOptions(options: AmpOptions, address: string, isAccepted: boolean): void {
  const { tls, limits, log } = options;
  const dialect: unknown = options.dialect;
  if (dialect !== undefined && dialect !== "twisted" && dialect !== "asyncio-amp") {
    throw new ConfigurationError(`The option dialect is "twisted" or "asyncio-amp", got ${inspect(dialect)}`);
  }
  requireTlsAt(address, tls);
  if (tls !== undefined && tls !== false) requireStreamTls(tls, isAccepted);
  if (limits !== undefined) requireMembers(limits, ["maxMessageBytes", "maxPairs"], "The option limits");
  requireNumbers(options);
  requireLogger(log);
}

/**
 * Nothing for a time that can be waited for; `Infinity` is one, and `undefined` stands for a default.
 *
 * @param least - `"0"`: not to wait at all is one as well
 * @throws ConfigurationError, `not-sent`, for anything else
 */
function requireMs(option: string, ms: unknown, least: "0" | "above 0" = "above 0"): void {
  if (ms === undefined) return;
  if (typeof ms === "number" && (least === "0" ? ms >= 0 : ms > 0)) return;
  const from = least === "0" ? "from 0 on" : "above 0";
  throw new ConfigurationError(`The option ${option} is a number of milliseconds ${from}, got ${inspect(ms)}`);
}

/**
 * Nothing for numbers that mean something: what is no number would be a limit that is never reached.
 *
 * @throws ConfigurationError for anything else
 */
export function requireNumbers(
  options: Partial<Pick<AmpOptions, "timeoutMs" | "limits" | (typeof LIMITS)[number]>>,
): void {
  requireMs("timeoutMs", options.timeoutMs);
  for (const name of LIMITS) requireLimit(name, options[name]);
  const { maxPairs, maxMessageBytes } = options.limits ?? {};
  requireLimit("limits.maxPairs", maxPairs);
  requireLimit("limits.maxMessageBytes", maxMessageBytes);
}

const LIMITS = ["maxInFlight", "maxRunning", "maxRunningBytes", "maxQueuedBytes"] as const;

function requireLimit(option: string, limit: unknown): void {
  if (limit === undefined || (typeof limit === "number" && limit >= 1)) return;
  throw new ConfigurationError(`The option ${option} is a number from 1 on, got ${inspect(limit)}`);
}

/** Those of other realms and libraries are as good. */
function requireSignal(signal: Partial<AbortSignal> | null | undefined): void {
  if (signal === undefined) return;
  if (typeof signal?.aborted === "boolean" && typeof signal.addEventListener === "function") return;
  throw new ConfigurationError("The option signal is an AbortSignal, such as the signal of an AbortController");
}

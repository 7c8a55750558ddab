import { ConfigurationError } from "../../errors.js";
import { requireMembers } from "../../security/rule-members.js";
import type { StreamTls } from "../../transport/index.js";
import { requireLogger } from "../../util/log.js";
import type { AmpCallOptions } from "./calls.js";
import type { ConnectAmpOptions } from "./connect.js";
import type { ListenAmpOptions } from "./listen.js";
import type { AmpOptions } from "./options.js";
import type { AmpProtocolOptions } from "./protocol.js";

type Names<O> = Readonly<Record<keyof O, true>>;

const BOTH: Names<AmpOptions> = {
  dialect: true,
  timeoutMs: true,
  tls: true,
  limits: true,
  maxInFlight: true,
  maxRunning: true,
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
const CALL: Names<AmpCallOptions> = { timeoutMs: true, signal: true };
const TLS: Names<StreamTls> = { cert: true, key: true, ca: true, verify: true, serverName: true };

/**
 * Looks through the options of `connectAmp`.
 *
 * @throws ConfigurationError for one that there is not, or that cannot be so
 */
export function checkConnectOptions(options: Omit<ConnectAmpOptions, "commands">, address: string): void {
  requireMembers(options, Object.keys(CONNECTING), "The second argument of connectAmp()");
  checkOptions(options, address);
  requireTime("connectTimeoutMs", options.connectTimeoutMs);
  requireSignal(options.signal);
}

/**
 * Looks through the options of `listen`.
 *
 * @throws as {@link checkConnectOptions}
 */
export function checkListenOptions(options: ListenAmpOptions, address: string): void {
  requireMembers(options, Object.keys(LISTENING), "The third argument of listen()");
  checkOptions(options, address);
  const { connections, onConnection, drainTimeoutMs } = options;
  if (connections !== undefined) {
    requireMembers(connections, ["connections", "connectionsPerAddress", "handshakes"], "The option connections");
  }
  if (onConnection !== undefined && typeof onConnection !== "function") {
    throw new ConfigurationError("The option onConnection is a function, which gets the other end of a connection");
  }
  if (drainTimeoutMs !== 0) requireTime("drainTimeoutMs", drainTimeoutMs);
}

/**
 * Looks through the options of `amp()`.
 *
 * @throws as {@link checkConnectOptions}
 */
export function checkProtocolOptions(options: AmpProtocolOptions): void {
  requireMembers(options, Object.keys(PROTOCOL), "The second argument of amp()");
  checkOptions(options, "");
}

/**
 * Looks through the options of a call.
 *
 * @throws as {@link checkConnectOptions}
 */
export function checkCallOptions(options: AmpCallOptions): void {
  requireMembers(options, Object.keys(CALL), "The last argument of a call");
  requireTime("timeoutMs", options.timeoutMs);
  requireSignal(options.signal);
}

/**
 * Looks through what an end shows over TLS, and whom it believes.
 *
 * @throws as {@link checkConnectOptions}
 */
export function checkTls(tls: StreamTls, where: string): void {
  requireMembers(tls, Object.keys(TLS), where);
}

/** What all of them may have. */
function checkOptions(options: AmpOptions, address: string): void {
  const { tls, limits, timeoutMs, log } = options;
  const dialect: unknown = options.dialect;
  if (dialect !== undefined && dialect !== "twisted" && dialect !== "asyncio-amp") {
    throw new ConfigurationError(`The option dialect is "twisted" or "asyncio-amp", got ${shown(dialect)}`);
  }
  if (tls === false && address.startsWith("tls://")) {
    throw new ConfigurationError(`${address} is TLS from the first octet on, which the option tls: false refuses`);
  }
  if (tls !== undefined && tls !== false) checkTls(tls, "The option tls");
  requireTime("timeoutMs", timeoutMs);
  if (limits !== undefined) requireMembers(limits, ["maxMessageBytes", "maxPairs"], "The option limits");
  requireCount("limits.maxMessageBytes", limits?.maxMessageBytes);
  requireCount("limits.maxPairs", limits?.maxPairs);
  requireCount("maxInFlight", options.maxInFlight);
  requireCount("maxRunning", options.maxRunning);
  requireCount("maxQueuedBytes", options.maxQueuedBytes);
  requireLogger(log);
}

/** `Infinity` is for ever. */
function requireTime(name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value > 0)) return;
  throw new ConfigurationError(`The option ${name} is a number of milliseconds, more than 0; got ${shown(value)}`);
}

function requireCount(name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value >= 1)) return;
  throw new ConfigurationError(`The option ${name} is a number from 1 on, got ${shown(value)}`);
}

/** Those of other realms and libraries are as good. */
function requireSignal(signal: Partial<AbortSignal> | null | undefined): void {
  if (signal === undefined) return;
  if (typeof signal?.aborted === "boolean" && typeof signal.addEventListener === "function") return;
  throw new ConfigurationError("The option signal is an AbortSignal, such as the signal of an AbortController");
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

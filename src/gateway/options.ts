import type { BalanceStrategy } from "../client/balancer.js";
import type { Client } from "../client/client.js";
import { ConfigurationError } from "../errors.js";
import type { DispatcherPlace } from "../pubsub/nodes/dispatcher-place.js";
import type { CredentialOptions, Credentials } from "../security/credentials.js";
import { namePatterns } from "../security/name-pattern.js";
import { type Logger, requireLogger } from "../util/log.js";
import type { EventBridge } from "./events/event-bridge.js";
import type { Verifier } from "./events/verifier.js";
import type { RequestHandler } from "./request-handler.js";

/** Options of a web gateway. */
export interface WebGatewayOptions {
  /** Carries the calls out; who made it closes it. Default: one of the gateway's own, closed with it. */
  readonly client?: Client | undefined;
  /** Nameserver of the gateway's own client; default as that of clients. Not with `client`. */
  readonly nameserver?: string | readonly string[] | undefined;
  /** Keys of the gateway's own client; default none. Not with `client`. */
  readonly security?: string | CredentialOptions | Credentials | undefined;
  /** How calls are spread over several providers; default `least-pending`. Calls that name a session go to whoever holds it. */
  readonly balance?: BalanceStrategy | undefined;
  /** Answers only what is below this path, such as `/api`; default everything. */
  readonly prefix?: string | undefined;
  /**
   * What may be called: patterns of `INTERFACE` or `INTERFACE/METHOD`, such as `com.foo.*`. Default: every method that the contract of
   * a located interface tells. Interfaces of the mesh itself (`org.pycom.…`, `lamplighter.…`) have to be named in full, and so has
   * a method that no contract tells.
   */
  readonly allow?: string | readonly string[] | undefined;
  /** Deadline of calls that name none, in milliseconds; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** The longest deadline that a request may name, in milliseconds; default 300,000. */
  readonly maxTimeoutMs?: number | undefined;
  /** Largest body that is kept in memory, in bytes; default 16 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Largest body that is passed on while it comes, in bytes; default 1 GiB. */
  readonly maxStreamBytes?: number | undefined;
  /** Answers without end that are open at a time, all together; default 10,000. */
  readonly maxStreams?: number | undefined;
  /** Bytes that may wait for a reader of events that does not read, before it is given up; default 1 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /**
   * Names by which browsers may reach the gateway, as they stand in the address bar, without port; `"any"` for whichever. Default:
   * `localhost`, `127.0.0.1` and `[::1]` on loopback addresses, whichever on others.
   */
  readonly hosts?: "any" | readonly string[] | undefined;
  /** Pages from elsewhere that may ask: exact origins such as `https://app.example`. Default none. */
  readonly origins?: readonly string[] | undefined;
  /** Carries `/subscribe` and `/publish`; default: a node at the `dispatcher`. */
  readonly events?: EventBridge | undefined;
  /** The dispatcher of `/subscribe` and `/publish`: its address, or how to find it. Default: without `events` there are none. Not with it. */
  readonly dispatcher?: string | DispatcherPlace | undefined;
  /** Serves `/dashboard` and `/metrics`, and asks all services for their statistics while somebody looks; default false. */
  readonly monitor?: boolean | undefined;
  /** How often services are asked for their statistics, in milliseconds; default 1,000. */
  readonly monitorIntervalMs?: number | undefined;
  /** Whom it asks whether a subscription or an event is signed; default nobody. */
  readonly verifier?: Verifier | undefined;
  /** A folder whose files are served where nothing else answers; default none. */
  readonly path?: string | undefined;
  /** Asked before the gateway's own handlers, in order. */
  readonly handlers?: readonly RequestHandler[] | undefined;
  /** Title of the description under `/openapi.json`; default `Lamplighter`. */
  readonly title?: string | undefined;
  /** Connections at a time, of the ready-made server; default 20,000. */
  readonly maxConnections?: number | undefined;
  /** Time for the header of a request, of the ready-made server, in milliseconds; default 10,000. */
  readonly headersTimeoutMs?: number | undefined;
  /** Time for a whole request with its body, of the ready-made server, in milliseconds; default 300,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Largest header of a request, of the ready-made server, in bytes; default 16 KiB. */
  readonly maxHeaderBytes?: number | undefined;
  /** Time for what is being answered, when the gateway closes, in milliseconds; default 5,000. */
  readonly drainMs?: number | undefined;
  /** Told what the gateway does on its own account; default nothing. */
  readonly log?: Logger | undefined;
}

/** What the gateway goes by where an option is left out. */
export const WEB_DEFAULTS: {
  readonly address: string;
  readonly timeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly maxBodyBytes: number;
  readonly maxStreamBytes: number;
  readonly maxStreams: number;
  readonly maxQueuedBytes: number;
  readonly maxConnections: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly drainMs: number;
  readonly monitorIntervalMs: number;
} = {
  address: "127.0.0.1:8080",
  timeoutMs: 30_000,
  maxTimeoutMs: 300_000,
  maxBodyBytes: 16 * 1024 * 1024,
  maxStreamBytes: 1024 ** 3,
  maxStreams: 10_000,
  maxQueuedBytes: 1024 * 1024,
  maxConnections: 20_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
  maxHeaderBytes: 16 * 1024,
  drainMs: 5_000,
  monitorIntervalMs: 1_000,
};

/**
 * Looks at options before anything is opened.
 *
 * @throws ConfigurationError for a wrong one
 */
export function checkWebOptions(options: WebGatewayOptions): void {
  requireLogger(options.log);
  if (options.client && (options.nameserver !== undefined || options.security !== undefined)) {
    throw new ConfigurationError("A gateway takes a client, or nameserver and security for one of its own, not both");
  }
  if (options.events && options.dispatcher !== undefined) {
    throw new ConfigurationError("A gateway takes events, or the dispatcher where they are, not both");
  }
  for (const name of Object.keys(WEB_DEFAULTS) as (keyof typeof WEB_DEFAULTS)[]) {
    if (name === "address") continue;
    const value = options[name];
    if (value === undefined || (typeof value === "number" && value > 0)) continue;
    throw new ConfigurationError(`The option ${name} must be a number above 0, got ${String(value)}`);
  }
  namePatterns(options.allow);
  const { prefix, origins = [], hosts } = options;
  if (prefix !== undefined && !/^(\/[^/?#]+)+$/.test(prefix)) {
    throw new ConfigurationError(`The option prefix is a path such as "/api", got ${JSON.stringify(prefix)}`);
  }
  for (const origin of origins) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue;
    throw new ConfigurationError(
      `The option origins names exact origins such as "https://app.example", got ${JSON.stringify(origin)}`,
    );
  }
  if (hosts !== undefined && hosts !== "any" && !Array.isArray(hosts)) {
    throw new ConfigurationError('The option hosts is a list of names, or "any"');
  }
}

import { randomBytes } from "node:crypto";
import { DEFAULT_LEASE_MS } from "../../nameserver/nameserver-registrar.js";
import { createProxy } from "../../peer/proxy.js";
import { Credentials } from "../../security/credentials.js";
import type { ListenerSecurity } from "../../transport/index.js";
import { DeadlineWheel } from "../../util/deadline-wheel.js";
import { type Logger, SILENT } from "../../util/log.js";
import { checkOptions, SERVER_OPTIONS } from "./check-options.js";
import { Endpoint } from "./endpoint.js";
import { EndpointHandle, fallbackTo, peerOf } from "./endpoint-proxy.js";
import type { Fallback } from "./jobs.js";
import { localVerbs } from "./local-verbs.js";
import { idText, serverIdOf } from "./octets.js";
import type { ServerOptions } from "./options.js";
import { proxyClass } from "./proxy-class.js";
import { Registration } from "./registration.js";
import { findSecurity } from "./security/index.js";
import { readKeys } from "./security/settings.js";
import type { EndpointVerbs } from "./verbs.js";

/**
 * An end that clients know by its id, and that knows its clients by their user. It calls them as they call it:
 *
 * ```ts
 * interface Painter {
 *   draw(what: string): string;
 * }
 * await using server = new Server({ id: "service", security: "plain", users: { alice: "s3cret" } });
 * server.register((name: string) => `Hello ${name}`, { name: "hello" });
 * await server.bind("tcp://127.0.0.1:5555");
 * await server.sendTo<Painter>("alice").draw("sheep");
 * ```
 */
export interface Server extends EndpointVerbs, AsyncDisposable {}

/** Makes servers. Throws a `ConfigurationError` for a wrong option. */
export type ServerConstructor = new (options: ServerOptions) => Server;

/** See {@link ServerConstructor}. */
export const Server: ServerConstructor = proxyClass("Server", "server", (options: ServerOptions) => {
  checkOptions("server", options, SERVER_OPTIONS);
  const { security, keys, users, authenticator, maxFailedLogins, log = SILENT } = options;
  const id = serverIdOf(options.id);
  const admits = findSecurity(security).server({ keys, users, authenticator, maxFailedLogins, log });
  const isProven = admits.listener !== undefined || admits.challenge !== undefined;
  let fallback: Fallback | undefined;
  const proxyTo = (target: object | undefined): void => {
    fallback = target && fallbackTo(target);
  };
  proxyTo(options.proxyTo);
  const endpoint = new Endpoint(
    {
      kind: "server",
      routingId: id,
      admits,
      registration: register(options, admits.listener, log),
      // What nobody has proven is no name where others are proven.
      namesOf: (peer) => (isProven ? [peer.user] : [peer.id, peer.routingId]).filter((name) => name !== ""),
      fallback: () => fallback,
    },
    options,
  );
  const sendTo = (name: string | Uint8Array): object =>
    peerOf(endpoint, { name: idText(name, "The name of a user"), waitMs: ROUTE_WAIT_MS });
  return createProxy(new EndpointHandle(endpoint, undefined, localVerbs(endpoint, { sendTo, proxyTo })));
}) as ServerConstructor;

/** A server that names a nameserver is located like any service. */
function register(
  { id, nameserver, nameserverKey, interfaces = [], service, leaseMs, keys }: ServerOptions,
  security: ListenerSecurity | undefined,
  log: Logger,
): Registration | undefined {
  if (nameserver === undefined) return undefined;
  return new Registration({
    nameservers: typeof nameserver === "string" ? [nameserver] : nameserver,
    serverId: idText(id, "The id of a server"),
    interfaces,
    service: service ?? `/auto/${randomBytes(16).toString("hex")}`,
    leaseMs: leaseMs ?? DEFAULT_LEASE_MS,
    // Who has keys says nothing in clear text.
    credentials: new Credentials({ keys: keys && readKeys(keys), nameserverKey }),
    security,
    log,
    wheel: new DeadlineWheel(),
  });
}

/** So long a user is waited for who is not connected, in milliseconds: who has lost a connection makes another. */
const ROUTE_WAIT_MS = 1_000;

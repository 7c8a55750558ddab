import { createProxy } from "../../peer/proxy.js";
import type { Dynamic, Remote } from "../../peer/remote.js";
import { SILENT } from "../../util/log.js";
import { CLIENT_OPTIONS, checkOptions } from "./check-options.js";
import { Endpoint } from "./endpoint.js";
import { EndpointHandle, fallbackTo, peerOf } from "./endpoint-proxy.js";
import type { Fallback } from "./jobs.js";
import { localVerbs } from "./local-verbs.js";
import { idText, toOctets } from "./octets.js";
import type { ClientOptions } from "./options.js";
import { proxyClass } from "./proxy-class.js";
import { findSecurity } from "./security/index.js";
import type { EndpointVerbs } from "./verbs.js";

/**
 * An end that calls a server, and is called by it:
 *
 * ```ts
 * interface Service {
 *   hello(name: string): string;
 * }
 * await using client = new Client<Service>({ serverId: "service", security: "plain", userId: "alice", password: "s3cret" });
 * client.register((what: string) => `a ${what}`, { name: "draw" });
 * await client.connect("tcp://127.0.0.1:5555");
 * await client.hello("Charly");
 * ```
 *
 * The names of {@link EndpointVerbs} are its own; `call(client, "start")` calls a job that is called so.
 */
export type Client<T = Dynamic> = EndpointVerbs & Remote<T>;

/** Makes clients. Throws a `ConfigurationError` for a wrong option. */
export type ClientConstructor = new <T = Dynamic>(options?: ClientOptions) => Client<T>;

/** See {@link ClientConstructor}. */
export const Client: ClientConstructor = proxyClass("Client", "client", (options?: ClientOptions) => {
  checkOptions("client", options ?? {}, CLIENT_OPTIONS);
  const { serverId = "", security, keys, serverKey, userId, password, log = SILENT } = options ?? {};
  const proves = findSecurity(security).client({
    keys,
    serverKey,
    userId: userId === undefined ? undefined : toOctets(userId),
    password: password === undefined ? undefined : toOctets(password),
    log,
  });
  const server = idText(serverId, "The option serverId");
  let fallback: Fallback | undefined;
  const proxyTo = (target: object | undefined): void => {
    fallback = target && fallbackTo(target);
  };
  proxyTo(options?.proxyTo);
  const endpoint = new Endpoint(
    {
      kind: "client",
      proves,
      // A link that does not tell who is there leads to the one that is meant; nobody else was connected to.
      namesOf: ({ routingId }) => [...new Set([routingId === "" ? server : routingId, ""])],
      fallback: () => fallback,
    },
    options ?? {},
  );
  const sendTo = (name: string | Uint8Array): object =>
    peerOf(endpoint, { name: idText(name, "The name of a server") });
  const verbs = localVerbs(endpoint, { sendTo, proxyTo });
  return createProxy(new EndpointHandle(endpoint, { name: server }, verbs));
}) as ClientConstructor;

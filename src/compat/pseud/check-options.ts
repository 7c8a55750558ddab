import { ConfigurationError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import { requireLogger } from "../../util/log.js";
import type { ClientOptions, EndpointOptions, ServerOptions, SyncClientOptions } from "./options.js";

type Names<O> = Readonly<Record<keyof O, true>>;

const ENDPOINT: Names<EndpointOptions> = {
  security: true,
  keys: true,
  heartbeat: true,
  routing: true,
  timeoutMs: true,
  jobTimeoutMs: true,
  registry: true,
  translations: true,
  errorNames: true,
  errors: true,
  maxConcurrent: true,
  limits: true,
  maxMessageBytes: true,
  drainTimeoutMs: true,
  probe: true,
  transport: true,
  onEvent: true,
  log: true,
};

/** Options of a server. */
export const SERVER_OPTIONS: Names<ServerOptions> = {
  ...ENDPOINT,
  id: true,
  users: true,
  authenticator: true,
  maxFailedLogins: true,
  nameserver: true,
  nameserverKey: true,
  interfaces: true,
  service: true,
  leaseMs: true,
  proxyTo: true,
};

/** Options of a client. */
export const CLIENT_OPTIONS: Names<ClientOptions> = {
  ...ENDPOINT,
  serverId: true,
  userId: true,
  password: true,
  serverKey: true,
  proxyTo: true,
};

/** Options of a client that blocks. */
export const SYNC_CLIENT_OPTIONS: Names<SyncClientOptions> = {
  serverId: true,
  security: true,
  userId: true,
  password: true,
  keys: true,
  serverKey: true,
  timeoutMs: true,
  translations: true,
  maxMessageBytes: true,
  log: true,
};

/**
 * Looks through options: one that is misspelt, or that is for a security which nobody has asked for, would leave a process open
 * without a word.
 *
 * @throws ConfigurationError for what is no option
 */
export function checkOptions(what: string, options: unknown, names: Readonly<Record<string, true>>): void {
  if (typeof options !== "object" || options === null) {
    throw new ConfigurationError(`A ${what} takes its options as one object, got ${typeof options}`);
  }
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const hint = didYouMean(name, known) || `; there are ${known.join(", ")}`;
    throw new ConfigurationError(`A ${what} has no option ${JSON.stringify(name)}${hint}`);
  }
  const forSecurity = Object.hasOwn(names, "users") ? OF_SERVERS : OF_CLIENTS;
  const idle = forSecurity.find((name) => given[name] !== undefined);
  if (given.security === undefined && idle !== undefined && !(idle === "keys" && given.nameserver !== undefined)) {
    throw new ConfigurationError(
      `The option ${idle} means nothing without the option security, which says how peers prove who they are: plain, ` +
        'trusted_curve, untrusted_curve; "noop" is for those who mean that nobody does',
    );
  }
  if (given.interfaces !== undefined && given.nameserver === undefined) {
    throw new ConfigurationError(
      "The option interfaces is for servers that are registered: it needs the option nameserver",
    );
  }
  if (given.users !== undefined && (typeof given.users !== "object" || given.users === null)) {
    throw new ConfigurationError("The option users is an object: { name: password, or public key }");
  }
  requireLogger(given.log);
}

const OF_SERVERS: readonly string[] = ["users", "authenticator", "keys"];
const OF_CLIENTS: readonly string[] = ["password", "serverKey", "keys"];

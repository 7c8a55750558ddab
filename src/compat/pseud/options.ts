import type { ErrorPolicy } from "../../peer/failures.js";
import type { HostLimits } from "../../peer/limits.js";
import type { Authenticator } from "../../security/gate.js";
import type { Transport, TransportName } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import type { ErrorNames } from "../../wire/pseud/error-names.js";
import type { TranslationTable } from "../../wire/pseud/translation-table.js";
import type { PseudEvent } from "./events.js";
import type { IntervalOptions } from "./heartbeat/interval.js";
import type { HeartbeatPlugin } from "./heartbeat/plugin.js";
import type { Registry } from "./registry.js";
import type { Routing } from "./routing.js";
import type { KeysOption, SecurityPlugin, Users } from "./security/plugin.js";

/** Options of any endpoint. */
export interface EndpointOptions {
  /** How peers prove who they are: the name of a plugin, or one of one's own. Default `noop`: not at all. */
  readonly security?: string | SecurityPlugin | undefined;
  /** Its own keys, for CURVE. */
  readonly keys?: KeysOption | undefined;
  /** How signs of life are sent and missed: the name of a plugin, its times, or one of one's own. Default `noop`: not at all. */
  readonly heartbeat?: string | IntervalOptions | HeartbeatPlugin | undefined;
  /** Which of several connections of one name is called: the newest (`last`, default), each in its `turns`, or as one likes. */
  readonly routing?: "last" | "turns" | Routing | undefined;
  /** Deadline of calls, in milliseconds; default 5,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a job may run before its caller is answered with `TimeoutError`, in milliseconds; default 4,500. Python's endpoints
   * break at an answer that comes after their own timeout, 5 s by default: raise it when theirs is longer. `Infinity`: for ever.
   */
  readonly jobTimeoutMs?: number | undefined;
  /** Jobs; default a registry of its own, behind which stands that of the process. Several endpoints may share one. */
  readonly registry?: Registry | undefined;
  /** Types of the application's own, and how they travel; default dates alone. */
  readonly translations?: TranslationTable | undefined;
  /** What Python is to call the errors that jobs throw; default as docs/pseud-wire.md says, section 4. */
  readonly errorNames?: ErrorNames | undefined;
  /** What callers are told of exceptions: a fixed text, name and message (default, as in pseud), or the stack as well. */
  readonly errors?: ErrorPolicy | undefined;
  /** Jobs that run at the same time; default 1,000. Further calls wait. */
  readonly maxConcurrent?: number | undefined;
  /** How much of this end its peers may take: connections, calls and bytes. */
  readonly limits?: HostLimits | undefined;
  /** Largest message either way, in bytes; default 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** How long running jobs may take to finish when the endpoint stops, in milliseconds; default 2,000. */
  readonly drainTimeoutMs?: number | undefined;
  /** Tell a server who is there as soon as a connection is made? `false` for peers of release 1.0.0-a1, which break at it. Default true. */
  readonly probe?: boolean | undefined;
  /** Moves the frames: a name or an implementation; default our own ZMTP. */
  readonly transport?: Transport | TransportName | undefined;
  /** Told who comes and goes. */
  readonly onEvent?: ((event: PseudEvent) => void) | undefined;
  /** Told what happens, and of errors of jobs; default nothing. */
  readonly log?: Logger | undefined;
}

/** Options of a server. */
export interface ServerOptions extends EndpointOptions {
  /** What clients know it by, 1 to 255 octets; pseud: `user_id`. Text is sent as its UTF-8. */
  readonly id: string | Uint8Array;
  /** Who may come in: passwords or public keys by name, as the security plugin asks for. */
  readonly users?: Users | undefined;
  /** Decides who may come in, in place of a list. */
  readonly authenticator?: Authenticator | undefined;
  /** Wrong log-ins from one IP address in a minute, after which none of it is looked at for the rest of that; default 20. */
  readonly maxFailedLogins?: number | undefined;
  /** Nameserver to register at, or several, so that the server is located like any service. Default none. */
  readonly nameserver?: string | readonly string[] | undefined;
  /** With `nameserver`: the public key that it has to have; default: the one that the folder of keys holds. */
  readonly nameserverKey?: string | Uint8Array | undefined;
  /** With `nameserver`: the names of the interfaces that it is located by. */
  readonly interfaces?: readonly string[] | undefined;
  /** With `nameserver`: service path; default `/auto/` and 32 hexadecimal digits. */
  readonly service?: string | undefined;
  /** With `nameserver`: after so long without a renewal it is forgotten, in milliseconds; default 10,000. */
  readonly leaseMs?: number | undefined;
  /**
   * Carries out what is not registered here: another endpoint of this process, by its jobs, or the proxy of anything remote.
   */
  readonly proxyTo?: object | undefined;
}

/** Options of a client. */
export interface ClientOptions extends EndpointOptions {
  /** What the server is known by, its `id`; pseud: `peer_routing_id`. Default: whatever server is connected. */
  readonly serverId?: string | Uint8Array | undefined;
  /** Its login; pseud: `user_id`. */
  readonly userId?: string | Uint8Array | undefined;
  /** Its password; may be empty. */
  readonly password?: string | Uint8Array | undefined;
  /** The public key that the server has to have, for CURVE: 40 characters of Z85, or 32 octets. */
  readonly serverKey?: string | Uint8Array | undefined;
  /** As for a server. */
  readonly proxyTo?: object | undefined;
}

/** Options of a blocking client: those of a {@link ClientOptions | client} that concern calls. */
export type SyncClientOptions = Pick<
  ClientOptions,
  | "serverId"
  | "security"
  | "userId"
  | "password"
  | "keys"
  | "serverKey"
  | "timeoutMs"
  | "translations"
  | "maxMessageBytes"
  | "log"
>;

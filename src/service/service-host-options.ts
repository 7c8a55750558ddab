import type { AnswerWindowOptions } from "../peer/answers/answer-window.js";
import type { AddressOption } from "../peer/bound-address.js";
import type { AuthenticationPolicy, DispatcherOptions, ServiceMiddleware } from "../peer/dispatcher.js";
import type { ErrorPolicy } from "../peer/failures.js";
import type { HostLimits } from "../peer/limits.js";
import type { SessionOptions } from "../peer/sessions.js";
import type { HostSecurity } from "../security/gate.js";
import type { Policy } from "../security/policy.js";
import type { Transport, TransportName } from "../transport/index.js";
import type { Logger } from "../util/log.js";
import type { Journal } from "./journal/journal.js";
import type { Registrar } from "./registrar.js";

/** Options of a host. */
export interface ServiceHostOptions {
  /**
   * Address to bind, or several, each with mechanisms of its own if need be, or with a protocol that answers there instead of our
   * wires; port 0 takes a free one. Default `tcp://127.0.0.1:0`. A host that registers needs one where our wires are answered.
   */
  readonly address?: AddressOption | undefined;
  /**
   * What others connect to, where it is not what is bound: behind a wildcard, NAT or in a container. One for each bound
   * address. Port 0 stands for the bound port.
   */
  readonly advertise?: string | readonly string[] | undefined;
  /** Service path; default `/auto/` and 32 hexadecimal digits. */
  readonly service?: string | undefined;
  /**
   * What ROUTER sockets know this host by, as those of pseud's clients do: 1 to 255 octets of UTF-8. Default the service path, if it
   * is that short.
   */
  readonly routingId?: string | undefined;
  /** Labels to locate by. */
  readonly tags?: readonly string[] | undefined;
  /** Whatever is to be known of the service; any JSON. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** Whether interfaces without a policy of their own ask for a token. */
  readonly authentication?: AuthenticationPolicy | undefined;
  /**
   * Who may call what (docs/security.md): rules of which the first that matches decides, or a function. What no rule allows is
   * refused. Interfaces and methods with a policy of their own are not asked about. Default: everybody may call everything.
   */
  readonly policy?: Policy | undefined;
  /**
   * Who may ask for the host's statistics (docs/monitoring.md). Default: what `policy` says of the method `stats` of
   * `lamplighter.host`; without a policy everybody if the host has neither `security` nor `authentication`, else nobody.
   */
  readonly statsPolicy?: Policy | undefined;
  /** Sessions of stateful interfaces. */
  readonly sessions?: SessionOptions | undefined;
  /** Methods that run at the same time; default 1,000. Further calls wait. */
  readonly maxConcurrent?: number | undefined;
  /** Calls that wait at most; default 100,000. One more is refused with `OVERLOADED`. */
  readonly maxQueued?: number | undefined;
  /** How much of the host its peers may take: connections, and calls of each connection. */
  readonly limits?: HostLimits | undefined;
  /** Largest message either way, in bytes; default 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** References that a peer may hold to what is here, and the other way; default 10,000. */
  readonly maxReferences?: number | undefined;
  /**
   * Be reached by shorter ways as well, which callers take by themselves: without any socket inside of this process, and by a
   * unix socket within this machine? Every user of the machine reaches that, as an address on 127.0.0.1; Linux only. Only
   * for hosts that register and have a tcp address. Default true.
   */
  readonly withinMachine?: boolean | undefined;
  /** How much of what was answered is kept, for calls that are tried again after their connection broke. */
  readonly answerWindow?: AnswerWindowOptions | undefined;
  /**
   * Where calls of `once` methods are written down: a file, which the host opens and closes, or what `openJournal` gave.
   * Needs the package `libsql`. Default none; `once` methods need one.
   */
  readonly journal?: string | Journal | undefined;
  /** How long running calls may take to finish when the host closes, in milliseconds; default 10,000. */
  readonly drainTimeoutMs?: number | undefined;
  /** What callers are told of exceptions that are of no registered class; default `hidden`: a fixed text. */
  readonly errors?: ErrorPolicy | undefined;
  /** Run in order around every method, after authentication. */
  readonly middleware?: readonly ServiceMiddleware[] | undefined;
  /**
   * Keys of its own, and who may come in: a folder of keys (`lamplighter keys generate`), or more (docs/security.md). Default:
   * everybody, in clear text.
   */
  readonly security?: string | HostSecurity | undefined;
  /** Moves the frames: a name or an implementation; default our own ZMTP, libzmq for `inproc`. */
  readonly transport?: Transport | TransportName | undefined;
  /** Told what the host does, and of errors that callers see only as a fixed text; default nothing. */
  readonly log?: Logger | undefined;
}

/** What a host needs of others, handed in so that services know no client. */
export interface ServiceHostParts {
  /** Keeps the host registered; absent: it is reached by address only. */
  readonly registrar?: Registrar | undefined;
  /** Validates tokens. */
  readonly authenticate?: DispatcherOptions["authenticate"];
}

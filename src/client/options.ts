import type { Middleware } from "../peer/invoker.js";
import type { Protocol } from "../peer/protocol.js";
import type { CredentialOptions, Credentials } from "../security/credentials.js";
import type { Transport, TransportName } from "../transport/index.js";
import type { Logger } from "../util/log.js";
import type { BalanceStrategy } from "./balancer.js";
import type { ClientEvent } from "./events.js";
import type { ClientHook } from "./hooks.js";

/** Options of {@link Client}. */
export interface ClientOptions {
  /**
   * Address of the nameserver, or several that are tried in order, or `"local"` for one in this process. Default: the
   * environment variable `LAMPLIGHTER_NAMESERVER`, else `tcp://127.0.0.1:2012`.
   */
  readonly nameserver?: string | readonly string[] | undefined;
  /**
   * Deadline of calls that name none, and of those of references, in milliseconds; default 30,000. PyCOM's own services get at
   * most 5,000.
   */
  readonly timeoutMs?: number | undefined;
  /** Time for one attempt to connect, in milliseconds; default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** How calls are spread over several providers; default: a random one per proxy, kept while it lasts. */
  readonly balance?: BalanceStrategy | undefined;
  /** How long calls wait for a provider that is not there yet, in milliseconds; default 0. See `CallOptions`. */
  readonly waitForMs?: number | undefined;
  /** `false`: never try again. Default true. */
  readonly retry?: boolean | undefined;
  /** Tries of calls that were sent before may be at most this share of all calls in the long run; default 0.2. */
  readonly retryRatio?: number | undefined;
  /** Such tries that are free of that share; default 10,000. */
  readonly retryReserve?: number | undefined;
  /** Largest message either way, in bytes; default 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Calls in flight per connection; default 100,000. One more fails with `OVERLOADED`, `not-sent`. */
  readonly maxInFlight?: number | undefined;
  /** Bytes of requests in flight per connection; default 256 MiB. A single request may always go. */
  readonly maxInFlightBytes?: number | undefined;
  /** References that each end of a connection may hold of the other's; default 10,000. */
  readonly maxReferences?: number | undefined;
  /** A connection without calls, streams and references is closed after this many milliseconds, or up to half as many more; default 60,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** Run in order on every call before it leaves. PyCOM: context prehooks. */
  readonly prehooks?: readonly ClientHook<"pre">[] | undefined;
  /** Run in order on every successful answer. PyCOM: context posthooks. */
  readonly posthooks?: readonly ClientHook<"post">[] | undefined;
  /** Stand around every call, outermost first. */
  readonly middleware?: readonly Middleware[] | undefined;
  /** Moves the frames: a name or an implementation; default our own ZMTP, libzmq for `inproc`. */
  readonly transport?: Transport | TransportName | undefined;
  /**
   * Keys of its own, whom it believes, and whether it may speak in clear text: a folder of keys (`lamplighter keys generate`), or
   * more (docs/security.md). Default: no keys, clear text.
   */
  readonly security?: string | CredentialOptions | Credentials | undefined;
  /** Told what the client does on its own account; default nothing. */
  readonly log?: Logger | undefined;
  /** Told of connections and retries. Must not throw. */
  readonly onEvent?: ((event: ClientEvent) => void) | undefined;
  /** Chance, for back-off and random choice; default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Options of one proxy or component. */
export interface LocateOptions {
  /** Only this service; exact name. */
  readonly service?: string | undefined;
  /** Only services that carry all these tags. */
  readonly tags?: readonly string[] | undefined;
  /** Overrides {@link ClientOptions.balance}. */
  readonly balance?: BalanceStrategy | undefined;
  /**
   * Only services that speak this, and only by this: the name of a wire, or a protocol such as AMP. Default: the best wire that
   * both ends know; never a protocol.
   */
  readonly wire?: string | Protocol | undefined;
}

/** Options of {@link Client.connect}. */
export interface ConnectOptions {
  /** What to speak: the name of a wire, or a protocol such as AMP; default `pycom`. */
  readonly wire?: string | Protocol | undefined;
  /** The public key that whoever is there has to have: 40 characters of Z85. Not with a protocol. */
  readonly serverKey?: string | undefined;
}

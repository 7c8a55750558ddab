import type { ConnectionLimits, StreamTls } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import type { AmpDialect, BoxLimits } from "../../wire/amp/index.js";
import type { CommandTable } from "./calls.js";
import type { AmpRegistrationOptions } from "./registration.js";
import type { AmpRemote } from "./remote.js";
import type { Responders } from "./responders.js";

/** What both ends of a connection can be told. */
export interface AmpOptions {
  /** Whom the boxes are for; default `twisted`, which everybody but peers of asyncio-amp takes (docs/amp-wire.md, section 5). */
  readonly dialect?: AmpDialect | undefined;
  /** Milliseconds until calls fail that do not say themselves; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * What this end shows over TLS, and whom it believes: at `tls://` addresses, and by StartTLS, whichever end asks for it. `false`: the
   * other end is refused. Default: an accepting end shows a throw-away certificate.
   */
  readonly tls?: StreamTls | false | undefined;
  /** How large boxes may be that come; default 64 MiB and 10,000 pairs. */
  readonly limits?: Partial<BoxLimits> | undefined;
  /** Calls of one connection that may wait for an answer at the same time; default 100,000. */
  readonly maxInFlight?: number | undefined;
  /** Calls of the other end that run at the same time, of each connection; default 10,000. */
  readonly maxRunning?: number | undefined;
  /** Octets of their boxes together, of each connection; default 256 MiB. */
  readonly maxRunningBytes?: number | undefined;
  /** Octets that may wait for the other end to read before the connection is given up; default 256 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** Told of errors that the other end sees only as a fixed text; default nothing. */
  readonly log?: Logger | undefined;
}

/** Options of `connectAmp`. */
export interface ConnectAmpOptions<T extends CommandTable | undefined = undefined> extends AmpOptions {
  /** Commands by the name of the method that calls them, so that `peer.repeat(…)` has types. Default none: see {@link AmpRemote}. */
  readonly commands?: T;
  /** What the other end may call. Default nothing. */
  readonly responders?: Responders | undefined;
  /** Milliseconds until it is given up to connect, with `UNAVAILABLE`; default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Gives it up to connect, with `CANCELLED`; once there is a connection, it means nothing more. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `listen`. */
export interface ListenAmpOptions extends AmpOptions {
  /** How many connections are taken, as in the limits of a host. */
  readonly connections?: ConnectionLimits | undefined;
  /** Told of each connection, before anything is asked over it. If it throws, or what it returns rejects, the connection is closed. */
  readonly onConnection?: ((peer: AmpRemote) => unknown) | undefined;
  /** Registers the server at a nameserver, so that `client.locate(…, { wire: amp(…) })` finds it. Default: it is not registered. */
  readonly register?: AmpRegistrationOptions | undefined;
  /** How long running calls may take to finish when the server closes, in milliseconds; default 10,000. */
  readonly drainTimeoutMs?: number | undefined;
}

/** Options of `amp`; what they do not say is the client's business or the host's: deadlines, limits, the log. */
export type AmpProtocolOptions = Pick<AmpOptions, "dialect" | "tls" | "limits" | "maxQueuedBytes">;

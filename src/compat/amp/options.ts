import type { StreamTls } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import type { AmpDialect, BoxLimits } from "../../wire/amp/index.js";

/** What both ends of a connection can be told. */
export interface AmpOptions {
  /** Whom the boxes are for; default `twisted`, which everybody but peers of asyncio-amp takes (docs/amp-wire.md, section 5). */
  readonly dialect?: AmpDialect | undefined;
  /** Milliseconds until calls fail that do not say themselves; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * What this end shows over TLS, and whom it believes: at `tls://` addresses, and when the other end calls StartTLS. `false`: that is
   * refused. Default: an accepting end shows a throw-away certificate.
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

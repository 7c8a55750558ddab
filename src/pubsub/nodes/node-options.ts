import type { HostSecurity } from "../../security/gate.js";
import type { Transport, TransportName } from "../../transport/index.js";
import type { Logger } from "../../util/log.js";
import type { DispatcherPlace } from "./dispatcher-place.js";
import type { NodeGap } from "./gaps.js";

/** A node's connection to its dispatcher has come, or gone. */
export type NodeStatus =
  | {
      /** The dispatcher is there, and knows all subscriptions. */
      readonly type: "connected";
      /** Where it is. */
      readonly address: string;
      /** Its run; another one is a dispatcher that was started anew. */
      readonly incarnation: string;
    }
  | {
      /** It is not there, or could not be reached; it is tried again. */
      readonly type: "disconnected";
      /** Where it was looked for. */
      readonly address: string;
      /** For people. */
      readonly reason: string;
    };

/** Options of a connection to a dispatcher, be it a node's or a collection's. */
export interface ConnectionToDispatcherOptions {
  /**
   * The dispatcher: its address, or how to find it. Default: what the `configurator` says, else `tcp://127.0.0.1:5333`.
   */
  readonly dispatcher?: string | DispatcherPlace | undefined;
  /** Its name, by which events are addressed to it alone; need not be unique. Default: a random UUID. */
  readonly name?: string | undefined;
  /**
   * Where other nodes reach it, for streams: the host of its own address; default `127.0.0.1`. Who takes streams of other machines
   * names one that they can reach.
   */
  readonly host?: string | undefined;
  /** The port of its own address; default 0, a free one. `false`: it has none, and takes no streams. */
  readonly port?: number | false | undefined;
  /** Deadline of calls to the dispatcher, in milliseconds; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Time for one attempt to connect, in milliseconds; default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * After so many milliseconds without a sign of life the dispatcher is taken for hung, and connected to again; default: what the
   * dispatcher says, which by default is 5,000.
   */
  readonly limitMs?: number | undefined;
  /** Largest message either way, in bytes; default 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Keys of its own, by which it proves itself to dispatchers and nodes, and who may send it streams (docs/security.md). */
  readonly security?: string | HostSecurity | undefined;
  /** Moves the frames: a name or an implementation; default our own ZMTP. */
  readonly transport?: Transport | TransportName | undefined;
  /** Told what it does on its own account, and of what fails in handlers; default nothing. */
  readonly log?: Logger | undefined;
  /** Told when the connection comes and goes. Must not throw. */
  readonly onStatus?: ((status: NodeStatus) => void) | undefined;
  /** Chance, for the pauses between attempts; default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Options of a node. */
export interface NodeOptions extends ConnectionToDispatcherOptions {
  /** Told of events that were lost on their way to this node. Must not throw. Default: a warning in the log. */
  readonly onGap?: ((gap: NodeGap) => void) | undefined;
}

import type { HostOptions } from "../../nameserver/host.js";
import type { DispatcherPlace } from "./dispatcher-place.js";

/** What a dispatcher knows of a node. */
export interface NodeInfo {
  /** Its name; that of a collection for its connection. */
  readonly name: string;
  /** Random id of its run. */
  readonly incarnation: string;
  /** Where streams reach it; `undefined` for nowhere. */
  readonly address: string | undefined;
  /** Bytes of events that are on their way to it, or with its handlers. */
  readonly queuedBytes: number;
}

/** One line of the table of a dispatcher, for people and tests. */
export interface RouteInfo {
  /** Label that the event is addressed to. */
  readonly host: string;
  /** Name of the event. */
  readonly event: string;
  /** Name by which the node is addressed. */
  readonly node: string;
  /** Run of the node, or of the collection that it belongs to. */
  readonly incarnation: string;
}

/** A node has come to a dispatcher, or gone. */
export type DispatcherEvent =
  | {
      /** It is connected. */
      readonly type: "joined";
      /** Who. */
      readonly node: NodeInfo;
    }
  | {
      /** Its connection is lost, or it was silent for too long; all its subscriptions are removed. */
      readonly type: "gone";
      /** Who. */
      readonly node: NodeInfo;
      /** For people. */
      readonly reason: string;
    };

/** Options of a dispatcher: those of a host, and its own. */
export interface DispatcherOptions extends Omit<HostOptions, "journal" | "sessions" | "answerWindow"> {
  /** Address to bind, or several. Default: what the `configurator` says, else `tcp://127.0.0.1:5333`. */
  readonly address?: HostOptions["address"];
  /** Nameserver to register at, so that nodes can find it. Default `false`: none. */
  readonly nameserver?: HostOptions["nameserver"];
  /**
   * What other dispatchers call this one in addresses of events: `other/ev`. Events that come over links for another label are
   * refused. Default: none, and whatever comes over links is taken.
   */
  readonly label?: string | undefined;
  /** Dispatchers of other hosts by their labels: events that are addressed to them, and match nothing here, are handed to them. */
  readonly links?: Readonly<Record<string, string | DispatcherPlace>> | undefined;
  /** How often each node is asked for a sign of life, in milliseconds, at most 20,000; default 1,000. */
  readonly heartbeatMs?: number | undefined;
  /**
   * After so many milliseconds of silence, and up to a quarter more, a node is taken for dead and loses all its subscriptions, and so
   * do nodes with the dispatcher; default 5,000. At least twice `heartbeatMs`.
   */
  readonly limitMs?: number | undefined;
  /**
   * Bytes of events that may be on their way to one node, or with its handlers; default 16 MiB. What is beyond is left out, and the
   * node told of the gap. One event may always go.
   */
  readonly maxQueuedBytes?: number | undefined;
  /** Subscriptions that one node, or the nodes of a collection together, may have; default 100,000. One more is refused. */
  readonly maxSubscriptions?: number | undefined;
  /** Told of nodes that come and go. Must not throw. */
  readonly onEvent?: ((event: DispatcherEvent) => void) | undefined;
}

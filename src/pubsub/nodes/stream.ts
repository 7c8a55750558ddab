import { RpcError, rpcError } from "../../errors.js";
import { Formatter } from "./formatters.js";
import type { StreamPeer } from "./interfaces.js";

/** Sends data to nodes, one by one. */
export type PushToPeer = (peer: StreamPeer, data: unknown, formatter: string) => Promise<unknown>;

/** What has become of one push to one of several nodes. */
export type PushResult = readonly [isOk: true, answer: unknown] | readonly [isOk: false, error: RpcError];

/**
 * Data that goes to nodes directly, past the dispatcher: to those that were subscribed when the stream was made. nodeset: `Stream`.
 */
export class Stream {
  /** Where it goes. */
  readonly peers: readonly StreamPeer[];
  /** Turns the data into what travels. Default the data itself. */
  formatter: Formatter = new Formatter();
  readonly #push: PushToPeer;

  /** Made by `StreamNode.stream`. */
  constructor(push: PushToPeer, peers: readonly StreamPeer[]) {
    this.#push = push;
    this.peers = peers;
  }

  /**
   * Sends data to all of them, at once.
   *
   * @returns what the node answers, if it is one; of several, for each whether it has answered, and its answer or error
   * @throws RpcError when there is no node, or the only one fails
   */
  async push(data: unknown): Promise<unknown> {
    const [only, ...others] = this.peers;
    if (!only) throw rpcError("SERVICE_NOT_FOUND", "Nobody takes this stream: no node was subscribed when it was made");
    const { name } = this.formatter;
    const encoded = this.formatter.encode(data);
    if (others.length === 0) return this.#push(only, encoded, name);
    return Promise.all(this.peers.map((peer) => this.#try(peer, encoded, name)));
  }

  async #try(peer: StreamPeer, encoded: unknown, name: string): Promise<PushResult> {
    try {
      return [true, await this.#push(peer, encoded, name)];
    } catch (error) {
      return [false, RpcError.from(error)];
    }
  }
}

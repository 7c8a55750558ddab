import type { StreamPeer } from "./interfaces.js";
import type { NodeMessage } from "./message.js";
import { Node } from "./node.js";
import { type PushToPeer, Stream } from "./stream.js";

/**
 * A node that sends bulk data to others directly. What others send comes to {@link Node.onStream}, which any node has. Methods that are
 * marked by `@Catch` are not called here. nodeset: `StreamNode`.
 */
export class StreamNode extends Node {
  /** The class of its streams. */
  streamClass: new (push: PushToPeer, peers: readonly StreamPeer[]) => Stream = Stream;

  /**
   * A stream to all nodes that are subscribed to an event now, and have an address of their own.
   *
   * @throws RpcError when the dispatcher cannot be asked, after {@link StreamNode.streamError} was told
   */
  async stream(uri: string): Promise<Stream> {
    try {
      return this.buildStream(await this.peersOf(uri));
    } catch (error) {
      this.streamError(error);
      throw error;
    }
  }

  /** Makes the stream. */
  buildStream(peers: readonly StreamPeer[]): Stream {
    return new this.streamClass((peer, data, formatter) => this.push(peer, data, formatter), peers);
  }

  /** The nodes of a stream could not be found out: overwrite it to be told. Default: a warning in the log. */
  streamError(error: unknown): void {
    this.log.warn(`${this.name} cannot stream: ${error instanceof Error ? error.message : String(error)}`);
  }

  protected override catch(_uri: string, _message: NodeMessage, seen: unknown): unknown {
    return seen ?? null;
  }
}

import { randomUUID } from "node:crypto";
import { Attachment } from "./attachment.js";
import type { Node } from "./node.js";
import type { ConnectionToDispatcherOptions } from "./node-options.js";

/**
 * Several nodes over one connection to a dispatcher, and behind one address. Each of them is subscribed, and is given events, as if it
 * stood alone: also by its own name, and in its own turn. Only the collection is started. nodeset: `NodeCollection`.
 *
 * ```ts
 * await using collection = new NodeCollection();
 * const first = collection.adapt(new SimpleNode({ name: "first" }));
 * const second = collection.adapt(new SimpleNode({ name: "second" }));
 * await collection.start();
 * ```
 */
export class NodeCollection implements AsyncDisposable {
  /** For people. */
  readonly name: string;
  readonly #attachment: Attachment;
  readonly #nodes = new Set<Node>();

  /** @throws ConfigurationError for wrong options */
  constructor(options: ConnectionToDispatcherOptions = {}) {
    this.name = options.name ?? randomUUID();
    this.#attachment = new Attachment(options, this.name, randomUUID());
  }

  /** Nodes that were adapted, and not closed since, in order. */
  get nodes(): readonly Node[] {
    return [...this.#nodes];
  }

  /** Is the dispatcher there now? */
  get isConnected(): boolean {
    return this.#attachment.isConnected;
  }

  /** Where streams reach the nodes; empty where they do not, or not yet. */
  get address(): string {
    return this.#attachment.address;
  }

  /**
   * Takes a node in, at any time: from now on it takes part over the connection of the collection. Its own options of the connection
   * do not count.
   *
   * @returns the node
   * @throws ConfigurationError for a node that was started, or belongs to a collection
   * @throws RpcError with code `CLOSED` when the node, or the collection, was closed
   */
  adapt<T extends Node>(node: T): T {
    node.join(this.#attachment, () => {
      this.#nodes.delete(node);
    });
    this.#nodes.add(node);
    return node;
  }

  /**
   * Begins to connect; see {@link Node.start}.
   *
   * @throws as that
   */
  async start(): Promise<this> {
    await this.#attachment.start();
    return this;
  }

  /** Leaves the dispatcher, and closes all nodes. Idempotent. */
  async close(): Promise<void> {
    await this.#attachment.close();
    for (const node of this.#nodes) await node.close();
  }

  /** As {@link NodeCollection.close}. */
  stop(): Promise<void> {
    return this.close();
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

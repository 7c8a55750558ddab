import { BadRequestError } from "../../errors.js";
import { NodeCollection } from "../../pubsub/nodes/collection.js";
import { formatEventUri, parseEventUri } from "../../pubsub/nodes/event-uri.js";
import type { NodeGap } from "../../pubsub/nodes/gaps.js";
import { NodeMessage } from "../../pubsub/nodes/message.js";
import { Node } from "../../pubsub/nodes/node.js";
import type { ConnectionToDispatcherOptions } from "../../pubsub/nodes/node-options.js";
import { type Logger, SILENT } from "../../util/log.js";
import { sleep } from "../../util/sleep.js";
import type { BridgedEvent, EventBridge, EventName } from "./event-bridge.js";

/**
 * The web bridge of nodeset: subscribes and publishes at a dispatcher for HTTP (docs/http.md, "Events"). Each address that is subscribed to
 * has a node of its own, all of them one connection. Whoever makes one closes it.
 */
export class NodeBridge implements EventBridge {
  readonly #name: string;
  readonly #log: Logger;
  readonly #collection: NodeCollection;
  readonly #publisher: Node;
  #begun: Promise<unknown> | undefined;

  /** Begins to connect with the first event, and goes on until it is closed. @throws ConfigurationError for wrong options */
  constructor(options: ConnectionToDispatcherOptions = {}) {
    this.#name = options.name ?? "web";
    this.#log = options.log ?? SILENT;
    this.#collection = new NodeCollection({ port: false, ...options, name: this.#name });
    this.#publisher = this.#collection.adapt(new Node({ name: this.#name }));
  }

  parse(uri: string): EventName {
    const parsed = parseEventUri(uri);
    if (parsed.event === "") throw new BadRequestError("An event's address names the event", { outcome: "not-sent" });
    return { uri: formatEventUri(parsed), event: parsed.event };
  }

  async subscribe(
    uri: string,
    listener: (event: BridgedEvent) => void,
    signal?: AbortSignal,
  ): Promise<() => Promise<void>> {
    void this.#begin();
    const node = this.#collection.adapt(new ListeningNode(this.#name, this.#log, listener));
    const onAbort = (): void => void node.close();
    signal?.addEventListener("abort", onAbort);
    try {
      // While the dispatcher is away this waits for it.
      await node.subscribe(uri);
    } catch (error) {
      await node.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    return () => node.close();
  }

  async publish(uri: string, attributes: Readonly<Record<string, unknown>>): Promise<void> {
    const message = new NodeMessage();
    for (const [name, value] of Object.entries(attributes)) message.setAttribute(name, value);
    await this.#begin();
    await this.#publisher.publishMessage(uri, message);
  }

  /** Settles when the dispatcher was reached for the first time, or was not for a while. */
  #begin(): Promise<unknown> {
    // Closed before the dispatcher was ever there: nobody waits for it.
    this.#begun ??= Promise.race([this.#collection.start().catch(() => undefined), sleep(FIRST_MS)]);
    return this.#begun;
  }

  /** Leaves the dispatcher. Idempotent. */
  close(): Promise<void> {
    return this.#collection.close();
  }
}

/** How long the first event waits for the dispatcher, in milliseconds. */
const FIRST_MS = 2_000;

/** Passes on what it is subscribed to. */
class ListeningNode extends Node {
  readonly #listener: (event: BridgedEvent) => void;

  constructor(name: string, log: Logger, listener: (event: BridgedEvent) => void) {
    super({ name, log });
    this.#listener = listener;
  }

  override onEvent(uri: string, message: NodeMessage): void {
    let json: string | undefined;
    this.#listener({ uri, json: () => (json ??= message.toJson()) });
  }

  override onGap({ missed, uri }: NodeGap): void {
    this.log.warn(`Readers of ${uri} have missed ${missed} events`);
  }
}

import { randomUUID } from "node:crypto";
import { BadRequestError, RpcError, rpcError } from "../../errors.js";
import { outsideOfCalls } from "../../peer/call-context.js";
import { type Logger, SILENT } from "../../util/log.js";
import { thrownText } from "../../util/thrown-text.js";
import { Attachment, requireSound } from "./attachment.js";
import { packMessage, unpackMessage } from "./body.js";
import { Catchers } from "./catch.js";
import type { DispatcherPlace } from "./dispatcher-place.js";
import { ANY_NODE, formatEventUri, parseEventUri } from "./event-uri.js";
import { type Formatter, findFormatter } from "./formatters.js";
import { GapDetector, type NodeGap } from "./gaps.js";
import { type Delivery, readPeers, type StreamPeer } from "./interfaces.js";
import { createMessage, type MessageClass, type MessageFields, NodeMessage } from "./message.js";
import type { NodeOptions } from "./node-options.js";
import { PublishNumbers } from "./sequence.js";
import { Subscription } from "./subscription.js";

/**
 * A participant: publishes events, and subscribes to them. It keeps a connection to one dispatcher, through which all events go.
 * nodeset: `Node`.
 *
 * ```ts
 * class SimpleNode extends Node {
 *   @Catch("simple_event") caught(message: Received<{ payload: string }>) { this.log.info(message.payload); }
 * }
 * await using node = await new SimpleNode({ name: "simple-subscriber" }).start();
 * await node.subscribe("simple_event");
 * ```
 *
 * Delivery is at most once and without queues: what is published while the dispatcher is away fails, what cannot be delivered is lost
 * for that subscriber, who is told of it ({@link Node.onGap}). The events of one node reach another in the order in which they were
 * published. A node gets its own events too.
 *
 * An event comes to {@link Node.onEvent}, and then to the method that `@Catch` marks for it. They are not waited for before the next
 * event is taken, but an event counts as delivered, and its memory at the dispatcher as free, only when they are done.
 *
 * Whoever makes a node closes it, with `await using` or {@link Node.close}: an open connection keeps the process alive.
 */
export class Node implements AsyncDisposable {
  /** By which events are addressed to it alone. */
  readonly name: string;
  /** Random id of this run. */
  readonly incarnation: string = randomUUID();
  /** The class of messages that {@link Node.publish} takes where none is given. */
  message: MessageClass = NodeMessage;
  /** As in the options. */
  protected readonly log: Logger;
  readonly #options: NodeOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #numbers: PublishNumbers;
  readonly #gaps: GapDetector;
  /** Told when a member of a collection is closed. */
  #left: (() => void) | undefined;
  #catchers: Catchers | undefined;
  #attachment: Attachment | undefined;
  #member = 0;
  /** Does the connection belong to this node alone? */
  #isAlone = true;
  #isClosed = false;

  /** @throws ConfigurationError for wrong options */
  constructor(options: NodeOptions = {}) {
    requireSound(options);
    this.#options = options;
    this.name = options.name ?? randomUUID();
    this.log = options.log ?? SILENT;
    this.#numbers = new PublishNumbers(this.incarnation);
    this.#gaps = new GapDetector((gap) => {
      this.#guard(() => {
        this.onGap(gap);
      });
    });
  }

  /** Does it take part over the connection of a collection? */
  get isMember(): boolean {
    return !this.#isAlone;
  }

  /** Is the dispatcher there now? */
  get isConnected(): boolean {
    return this.#attachment?.isConnected ?? false;
  }

  /** Where streams reach this node; empty where they do not, or not yet. */
  get address(): string {
    return this.#attachment?.address ?? "";
  }

  /**
   * Begins to connect, and goes on until the dispatcher is there: 50 to 500 ms apart.
   *
   * @returns the node, when the dispatcher was reached for the first time and knows the node's subscriptions; the same for all calls
   * @throws ConfigurationError for wrong options or a port in use
   * @throws RpcError with code `CLOSED` when the node is closed before
   */
  async start(): Promise<this> {
    await this.#attached().start();
    return this;
  }

  /**
   * Subscribes to an event: `[[node@]host/]event`. While the dispatcher is away, and before the node is started, it is noted, and
   * honoured as soon as the dispatcher is there; after each connection all subscriptions are renewed in order.
   *
   * @returns settles when the dispatcher has taken it
   * @throws BadRequestError for an address such as `h/`
   * @throws RpcError with code `CLOSED` when the node is closed before
   */
  async subscribe(uri: string): Promise<void> {
    const { event } = parseEventUri(uri);
    this.#requireOpen();
    const known = this.#subscriptions.get(uri);
    if (known) return known.whenKnown();
    const subscription = new Subscription(uri);
    this.#subscriptions.set(uri, subscription);
    this.#gaps.wanted(event);
    const taken = subscription.whenKnown();
    if (this.isConnected) void this.#send(subscription);
    return taken;
  }

  /**
   * Ends a subscription. While the dispatcher is away it is only not renewed.
   *
   * @throws BadRequestError when the node is not subscribed under that very text
   */
  async unsubscribe(uri: string): Promise<void> {
    const subscription = this.#subscriptions.get(uri);
    if (!subscription) {
      throw new BadRequestError(`${this.name} is not subscribed to ${JSON.stringify(uri)}`, { outcome: "not-sent" });
    }
    this.#forget(uri);
    const entry = this.#entryOf(uri);
    subscription.refused(rpcError("CANCELLED", `The subscription to ${uri} was ended`));
    // Written in another way, the same entry may be wanted still.
    if (!this.#isThere() || this.getSubscriptions().some((other) => this.#entryOf(other) === entry)) return;
    try {
      await this.#attached().call("unsubscribe", [uri, this.name, this.#member]);
    } catch (error) {
      // A dispatcher that has gone has forgotten it, and the next one is not told of it.
      if (this.#isThere()) throw error;
    }
  }

  /** Is the node subscribed under that very text, whether the dispatcher knows it yet or not? */
  isSubscribed(uri: string): boolean {
    return this.#subscriptions.has(uri);
  }

  /** What the node is subscribed to, in order. */
  getSubscriptions(): string[] {
    return [...this.#subscriptions.keys()];
  }

  /**
   * Publishes an event with a message of a class: its attributes with their defaults, then `fields`.
   *
   * @param messageClass - default {@link Node.message}
   * @returns `true` when the dispatcher has taken it, whether there is a subscriber or not
   * @throws BadRequestError for an address such as `h/`, a field that the class does not declare, or a value that cannot travel
   * @throws RpcError `not-sent` while the dispatcher is away; `unknown` when it goes before it has answered
   */
  publish<T extends NodeMessage>(uri: string, messageClass: MessageClass<T>, fields?: MessageFields<T>): Promise<true>;
  publish(uri: string, fields?: Readonly<Record<string, unknown>>): Promise<true>;
  async publish(
    uri: string,
    first: MessageClass | Readonly<Record<string, unknown>> = {},
    second: Readonly<Record<string, unknown>> = {},
  ): Promise<true> {
    const isClass = typeof first === "function";
    const messageClass = isClass ? first : this.message;
    const fields = isClass ? second : first;
    return this.publishMessage(uri, createMessage(messageClass, fields as MessageFields<NodeMessage>));
  }

  /** As {@link Node.publish}, with a message that is ready. */
  async publishMessage(uri: string, message: NodeMessage): Promise<true> {
    const parsed = parseEventUri(uri);
    this.#requireOpen();
    const body = packMessage(message);
    const isForAll = message.get("_delivery_mode") === "all";
    const place = this.#numbers.next(parsed, isForAll);
    try {
      await this.#attached().call("publish", [uri, place.publisher, place.number, isForAll, body]);
      return true;
    } catch (error) {
      const { outcome } = RpcError.from(error);
      if (outcome === "not-sent" || outcome === "not-executed") this.#numbers.refused(parsed, isForAll, place);
      throw error;
    }
  }

  /**
   * An event has come: overwrite it to see all of them. What it throws is logged, and changes nothing. Default nothing.
   *
   * @param _uri - as it was published
   */
  onEvent(_uri: string, _message: NodeMessage): unknown {
    return undefined;
  }

  /**
   * Something has come over a stream: overwrite it to take it. What it gives is the answer to who has pushed. Default nothing.
   *
   * @param _data - as it was sent: `formatter.decode(data)` makes of it what was pushed
   * @param _formatter - the one of the name that the sender has given
   */
  onStream(_data: unknown, _formatter: Formatter): unknown {
    return undefined;
  }

  /** Events were lost on their way to this node: overwrite it, or give the option. Default: the option, else a warning in the log. */
  onGap(gap: NodeGap): void {
    if (this.#options.onGap) {
      this.#options.onGap(gap);
      return;
    }
    const most = gap.isCertain ? "" : "up to ";
    this.log.warn(`${this.name} has missed ${most}${gap.missed} of the events ${gap.uri} of ${gap.publisher}`);
  }

  /**
   * What is done with an event that has come: {@link Node.onEvent}, then the method that `@Catch` marks for it.
   *
   * @param bubble - is what `onEvent` throws told to the caller? Default false: it is logged
   * @returns what that method gives; `null` where there is none
   */
  event(uri: string, message: NodeMessage, bubble = false): unknown {
    const seen = this.#see(uri, message, bubble);
    const caught = this.catch(uri, message, seen);
    if (!(seen instanceof Promise)) return caught;
    return Promise.all([seen, caught]).then(([, answer]) => answer);
  }

  /** Ends all subscriptions, leaves the dispatcher, and closes the node's own address. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const reason = rpcError("CLOSED", `${this.name} was closed`);
    for (const subscription of this.#subscriptions.values()) subscription.refused(reason);
    const attachment = this.#attachment;
    if (!attachment) return;
    if (this.#isAlone) {
      await attachment.close();
      return;
    }
    attachment.remove(this.#member);
    this.#left?.();
    if (attachment.isConnected) await attachment.call("leave", [this.#member]).catch(ignore);
  }

  /** As {@link Node.close}. nodeset: `stopService`. */
  stop(): Promise<void> {
    return this.close();
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Calls the method that `@Catch` marks for an event.
   *
   * @param _seen - what {@link Node.onEvent} has given
   * @returns the answer to the event
   */
  protected catch(uri: string, message: NodeMessage, _seen: unknown): unknown {
    this.#catchers ??= new Catchers(this);
    return this.#catchers.find(parseEventUri(uri))?.(message, uri) ?? null;
  }

  /**
   * Leaves the dispatcher for another one, where all subscriptions are renewed.
   *
   * @returns settles when that one is reached
   */
  protected leaveFor(dispatcher: string | DispatcherPlace): Promise<void> {
    return this.#attached().switch(dispatcher);
  }

  /** Nodes that are subscribed to an event and take streams. */
  protected async peersOf(uri: string): Promise<readonly StreamPeer[]> {
    return readPeers(await this.#attached().call("stream", [uri]));
  }

  /** Sends something to a node, without the dispatcher; gives its answer. */
  protected push(peer: StreamPeer, data: unknown, formatter: string): Promise<unknown> {
    return this.#attached().push(peer, data, formatter);
  }

  /**
   * Takes part over the connection of a collection, instead of one of its own.
   *
   * @param left - told when the node is closed
   * @throws ConfigurationError for a node that was started, or belongs to a collection
   * @throws RpcError with code `CLOSED` when the node, or the collection, was closed
   * @internal
   */
  join(attachment: Attachment, left: () => void): void {
    if (this.#attachment) throw rpcError("CONFIGURATION", `${this.name} has a connection to a dispatcher already`);
    this.#requireOpen();
    this.#enter(attachment);
    this.#isAlone = false;
    this.#left = left;
    if (attachment.isConnected) this.#connected();
  }

  #enter(attachment: Attachment): Attachment {
    this.#member = attachment.add({
      name: this.name,
      subscriptions: () => this.#subscriptions.values(),
      deliver: (delivery) => this.#deliver(delivery),
      leftOut: (uri, publisher, isForAll, number, count) => {
        this.#gaps.leftOut(parseEventUri(uri), { uri, publisher, isForAll, number, count });
      },
      connected: () => {
        this.#connected();
      },
      interrupted: () => {
        for (const subscription of this.#subscriptions.values()) subscription.forgotten();
        this.#gaps.interrupted();
      },
      stream: (data, formatter) => outsideOfCalls(() => this.onStream(data, findFormatter(formatter))),
    });
    this.#attachment = attachment;
    return attachment;
  }

  #isThere(): boolean {
    return this.isConnected;
  }

  #attached(): Attachment {
    this.#requireOpen();
    return this.#attachment ?? this.#enter(new Attachment(this.#options, this.name, this.incarnation));
  }

  /** The dispatcher is there; what was subscribed to since it was told of all is told now. */
  #connected(): void {
    for (const subscription of this.#subscriptions.values()) {
      if (!subscription.isKnown) void this.#send(subscription);
    }
  }

  #forget(uri: string): void {
    this.#subscriptions.delete(uri);
    const { event } = parseEventUri(uri);
    const isStill = this.getSubscriptions().some((other) => parseEventUri(other).event === event);
    this.#gaps.unwanted(event, isStill);
  }

  /** Never rejects. */
  async #send(subscription: Subscription): Promise<void> {
    const { uri } = subscription;
    try {
      await this.#attached().call("subscribe", [[[uri, this.name, this.#member]]]);
      subscription.acknowledged();
    } catch (error) {
      const failure = RpcError.from(error);
      // It is renewed with all others.
      if (failure.code === "UNAVAILABLE" || failure.code === "DRAINING") return;
      if (subscription.wasKnown && !subscription.isEnded) {
        // Whoever subscribed was told that it was taken. The next connection may bring it back.
        this.log.error(
          `${this.name} is not subscribed to ${uri} any more, until it connects again: ${failure.message}`,
        );
        return;
      }
      if (this.#subscriptions.get(uri) === subscription) this.#forget(uri);
      subscription.refused(failure);
    }
  }

  #deliver({ uri, publisher, number, isForAll, body }: Delivery): unknown {
    const parsed = parseEventUri(uri);
    this.#gaps.heard(parsed, { uri, publisher, number, isForAll });
    const message = unpackMessage(body);
    // What handlers do is no part of the delivery: neither its deadline nor its end is theirs.
    const answer = outsideOfCalls(() => this.event(uri, message));
    // The dispatcher wants to know when it is done, and not what came of it.
    return answer instanceof Promise ? answer.then(nothing) : null;
  }

  #see(uri: string, message: NodeMessage, bubble: boolean): unknown {
    try {
      const seen = this.onEvent(uri, message);
      if (!(seen instanceof Promise) || bubble) return seen;
      return seen.catch((error: unknown) => {
        this.#failed(uri, error);
      });
    } catch (error) {
      if (bubble) throw error;
      this.#failed(uri, error);
      return undefined;
    }
  }

  #failed(uri: string, error: unknown): void {
    this.log.error(`${this.name} failed at ${uri}: ${thrownText(error)}`);
  }

  /** What the dispatcher keeps of a subscription. */
  #entryOf(uri: string): string {
    const parsed = parseEventUri(uri);
    return formatEventUri({ ...parsed, node: parsed.node === ANY_NODE ? this.name : parsed.node });
  }

  #guard(told: () => void): void {
    try {
      told();
    } catch (error) {
      this.log.error(`${this.name} failed when it was told of a gap: ${thrownText(error)}`);
    }
  }

  #requireOpen(): void {
    if (this.#isClosed) throw rpcError("CLOSED", `${this.name} was closed`);
  }
}

function nothing(): null {
  return null;
}

function ignore(): void {
  // Who goes need not hear that it could not be told.
}

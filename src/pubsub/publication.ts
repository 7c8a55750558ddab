import { randomBytes } from "node:crypto";
import { BadRequestError, ConfigurationError, RpcError, rpcError } from "../errors.js";
import { currentCall } from "../peer/call-context.js";
import { defineInterface, type InterfaceDefinition } from "../peer/exposed/definition.js";
import type { InterfaceOptions } from "../peer/exposed/method-options.js";
import { PROVIDER, type ProviderHost, type ProviderPart } from "../service/provider.js";
import type { SubscriberSocket } from "../service/subscriber-endpoint.js";
import { brand } from "../util/shared.js";
import { type ItemBatch, ItemWriter } from "../wire/lamp/publication.js";
import { DEFAULT_LIMITS } from "../wire/wire.js";
import { type Generate, GeneratorRun } from "./generator-run.js";
import { HeldValues } from "./held-values.js";
import { History, type PastItems } from "./history.js";
import { type SubscriberInfo, Subscription } from "./subscription.js";
import { SubscriptionIndex } from "./subscription-index.js";
import { isTopic, MAX_TOPIC_CHARS, readRequest, type SubscriptionRequest } from "./subscription-request.js";
import { TopicChannel } from "./topic-channel.js";

/** Options of {@link publisher}. */
export interface PublicationOptions extends Pick<InterfaceOptions, "doc" | "authentication" | "policy"> {
  /** Keep the last value of each topic, which new subscribers then get first. Default false. */
  readonly retain?: boolean | undefined;
  /** Keep so many of the last values, for subscribers that ask for them and for those whose connection breaks; default 0. */
  readonly replay?: number | undefined;
  /** Subscribers at the same time; default 10,000. One more is refused with `OVERLOADED`. */
  readonly maxSubscribers?: number | undefined;
  /** Bytes that may wait for one subscriber, beside the number of items that it has room for; default 16 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** Values that may wait for subscribers that hold back (policy `block`); default 10,000. */
  readonly maxHeld?: number | undefined;
  /** How long a value waits for subscribers that hold back before it is refused, in milliseconds; default 30,000. */
  readonly blockTimeoutMs?: number | undefined;
}

/** What is known of one topic of a publication. */
export interface TopicInfo {
  /** Its name. */
  readonly topic: string;
  /** Values that were published under it since it was heard of. */
  readonly published: number;
  /** Who gets them. */
  readonly subscribers: number;
}

/** How to publish. */
export interface PublishOptions {
  /** What it is about: subscribers choose by prefix. Default the empty topic, which those get that want all. */
  readonly topic?: string | undefined;
}

/**
 * Publishes values under the name of an interface, by which subscribers find it. Made by {@link publisher}; provided by a host:
 *
 * ```ts
 * const prices = publisher<Price>("com.foo.prices", { retain: true });
 * host.provide(prices);
 * await prices.publish({ eur: 1.2 }, { topic: "eu.de" });
 * ```
 *
 * What is published in one turn of the event loop under one topic travels together. Order is kept within a topic; between topics,
 * only from one turn to the next.
 */
export class Publication<T = unknown> {
  /** Dotted name. */
  readonly name: string;
  readonly #options: PublicationOptions;
  readonly #generate: Generate<T> | undefined;
  readonly #channels = new Map<string, TopicChannel>();
  readonly #whole: TopicChannel;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #index = new SubscriptionIndex();
  /** Grows with each subscriber that comes or goes, so that channels know when to look anew. */
  #version = 0;
  readonly #writers: ItemWriter[] = [];
  /** Topics under which something was published in this turn. */
  #touched: TopicChannel[] = [];
  readonly #history: History | undefined;
  readonly #held: HeldValues;
  /** Number of the last item. */
  #sequence = 0;
  #host: ProviderHost | undefined;
  /** Ends what waits for a SUB socket. */
  readonly #waiting = new Map<string, () => void>();
  /** How many of them each caller has. */
  readonly #pending = new Map<string | undefined, number>();
  #run: GeneratorRun<T> | undefined;
  #isClosed = false;
  /** Values since the event loop could turn. */
  #unpaused = 0;
  #pause: Promise<void> | undefined;
  readonly #flush = (): void => {
    this.#flushAll();
  };

  /** Use {@link publisher}. @throws ConfigurationError for a name or an option that makes no sense */
  constructor(name: string, generate: Generate<T> | undefined, options: PublicationOptions) {
    if (typeof name !== "string" || name === "") throw new ConfigurationError("A publisher needs the interface's name");
    checkOptions(options);
    this.name = name;
    this.#generate = generate;
    this.#options = options;
    this.#history = options.replay ? new History(options.replay) : undefined;
    this.#held = new HeldValues(name, options.maxHeld ?? 10_000, options.blockTimeoutMs ?? 30_000);
    this.#whole = new TopicChannel("");
    this.#channels.set("", this.#whole);
  }

  /** Number of the last value that was published; the first one is 1. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Who gets what is published, now. */
  get subscribers(): readonly SubscriberInfo[] {
    return [...this.#subscriptions.values()].map(({ info }) => info);
  }

  /** What was published under which topic. Of many topics those that were not used for long are forgotten. */
  get topics(): readonly TopicInfo[] {
    return [...this.#channels.values()]
      .filter(({ published }) => published > 0)
      .map(({ topic, published }) => ({ topic, published, subscribers: this.#index.of(topic).length }));
  }

  /**
   * Publishes a value, as it is now, to whoever has subscribed. Where nobody has, that is all.
   *
   * The promise settles when the next value may come: at once, or when all subscribers with the policy `block` have room. Await it in
   * loops, so that they leave room for everything else.
   *
   * Who does not await it learns from the host's log of what subscribers and the end of the host have caused.
   *
   * @throws BadRequestError for a value or topic that cannot travel; nothing is published then
   * @throws RpcError with code `TIMEOUT` or `OVERLOADED` where a subscriber holds back for too long, or too many values; with code
   *   `CLOSED` after the host was closed
   */
  publish(value: T, options?: PublishOptions): Promise<void> {
    try {
      if (this.#isClosed) throw rpcError("CLOSED", `${this.name} is published no more here`, { service: this.name });
      const channel = options?.topic ? this.#channel(options.topic) : this.#whole;
      if (channel.version !== this.#version) channel.match(this.#index, this.#version);
      if (channel.blockers.length > 0 && (channel.isBlocked || this.#held.has(channel))) {
        return this.#forgiven(this.#held.hold(channel, value));
      }
      this.#write(channel, value);
    } catch (error) {
      const refused = Promise.reject(RpcError.from(error, "BAD_REQUEST"));
      return this.#isClosed ? this.#forgiven(refused) : refused;
    }
    if (++this.#unpaused < PAUSE_AFTER) return PUBLISHED;
    this.#pause ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#unpaused = 0;
        this.#pause = undefined;
        resolve();
      });
    });
    return this.#pause;
  }

  /** What others have caused is logged, and ends no process that does not wait for what it publishes. */
  #forgiven(publishing: Promise<void>): Promise<void> {
    publishing.catch((error: unknown) => {
      const { code, message } = RpcError.from(error);
      if (code === "CLOSED") this.#host?.log.debug(message);
      else this.#host?.log.warn(message);
    });
    return publishing;
  }

  /** Told by the host. @internal */
  attachTo(host: ProviderHost): ProviderPart {
    if (this.#host) throw new ConfigurationError(`${this.name} is published by a host already`);
    this.#host = host;
    return {
      interface: this.#interface(),
      section: "publications",
      stats: () => ({
        interface: this.name,
        published: this.#sequence,
        topics: this.topics.slice(0, MAX_TOLD),
        subscribers: this.subscribers.slice(0, MAX_TOLD),
      }),
      close: () => {
        this.#close();
      },
    };
  }

  #interface(): InterfaceDefinition {
    const { doc, authentication, policy } = this.#options;
    return defineInterface(this.name, {
      doc: doc ?? "Publishes values; subscribe with subscriber().",
      authentication,
      policy,
      data: { publishes: true },
      methods: {
        subscribe: {
          doc: "Begins a subscription, which a SUB socket then takes up (docs/pubsub-wire.md).",
          params: {
            topics: "array",
            policy: "string",
            buffer: "integer",
            "room?": "integer",
            "replay?": "integer",
            "retained?": "boolean",
            "after?": "object",
          },
          run: (
            topics: unknown,
            overflow: unknown,
            buffer: unknown,
            room: unknown,
            replay: unknown,
            retained: unknown,
            after: unknown,
          ) => this.#begin(readRequest({ topics, policy: overflow, buffer, room, replay, retained, after })),
        },
        credit: {
          doc: "Says how many items a subscriber with the policy block has taken since it subscribed.",
          params: { token: "string", taken: "integer" },
          idempotent: true,
          run: (token: string, taken: number) => {
            this.#credit(token, taken);
          },
        },
      },
    });
  }

  /** Waits for the SUB socket of a subscriber. */
  #begin(request: SubscriptionRequest): Record<string, unknown> {
    const host = this.#host;
    if (!host || this.#isClosed)
      throw rpcError("DRAINING", `${this.name} is published no more here`, { outcome: "not-executed" });
    const limit = this.#options.maxSubscribers ?? 10_000;
    if (this.#subscriptions.size + this.#waiting.size >= limit) {
      throw rpcError("OVERLOADED", `${this.name} has ${limit} subscribers already`, { outcome: "not-executed" });
    }
    const { peerId } = currentCall();
    const ofCaller = this.#pending.get(peerId) ?? 0;
    // One caller that takes nothing up must not keep all others out.
    if (ofCaller >= Math.ceil(limit / 2)) {
      const text = `${this.name} waits for ${ofCaller} subscriptions of this caller to be taken up; take these up first`;
      throw rpcError("OVERLOADED", text, { outcome: "not-executed" });
    }
    const token = randomBytes(16).toString("hex");
    const release = host.subscribers.claim(token, {
      joined: (socket, wait) => {
        settled();
        this.#join(token, request, { socket, wait, release });
      },
      drained: () => {
        const subscription = this.#subscriptions.get(token);
        const didBlock = subscription?.blocks;
        subscription?.drained();
        if (didBlock) this.#releaseHeld();
      },
      left: () => {
        this.#leave(token);
      },
    });
    const settled = (): void => {
      clearTimeout(timer);
      this.#waiting.delete(token);
      const left = (this.#pending.get(peerId) ?? 0) - 1;
      if (left > 0) this.#pending.set(peerId, left);
      else this.#pending.delete(peerId);
    };
    const giveUp = (): void => {
      settled();
      release();
    };
    const timer = setTimeout(() => {
      giveUp();
      host.log.info(`${peerId ?? "A subscriber"} has not taken up its subscription to ${this.name}`);
    }, CLAIM_MS).unref();
    this.#waiting.set(token, giveUp);
    this.#pending.set(peerId, ofCaller + 1);
    return { token, incarnation: host.incarnation, endpoints: host.subscribers.endpoints };
  }

  #join(token: string, request: SubscriptionRequest, { socket, wait, release }: TakenUp): void {
    this.#flushAll();
    const maxQueuedBytes = this.#options.maxQueuedBytes ?? 16 * 1024 * 1024;
    const subscription = new Subscription(token, request, {
      socket,
      maxQueuedBytes,
      wait,
      overflown: () => {
        subscription.end("OVERLOADED");
        release();
        this.#leave(token);
      },
    });
    const { items, from } = this.#pastOf(request);
    this.#subscriptions.set(token, subscription);
    this.#index.add(subscription);
    this.#version++;
    const isFirst = this.#subscriptions.size === 1;
    // With the policy `disconnect` the past may be too much for it, and it is gone again.
    subscription.begin(from, items);
    if (isFirst && this.#subscriptions.has(token)) this.#start();
  }

  /** What a new subscriber gets before everything else. */
  #pastOf({ after, replay, retained, topics }: SubscriptionRequest): { items: readonly PastItems[]; from: number } {
    const wants = (topic: string): boolean => topics.some((prefix) => topic.startsWith(prefix));
    const history = this.#history;
    const told = after?.incarnation === this.#host?.incarnation ? after?.sequence : undefined;
    const known = told !== undefined && told <= this.#sequence ? told : undefined;
    const { items, from } =
      (known === undefined ? history?.last(replay, wants) : history?.since(known, wants)) ??
      ({ items: [], from: this.#sequence } as const);
    // Of those that come anyway, none comes twice.
    const kept = retained
      ? [...this.#channels.values()].flatMap(({ topic, last }) =>
          last && last.first <= from && last.first > (known ?? 0) && wants(topic) ? [{ batch: last, skip: 0 }] : [],
        )
      : [];
    kept.sort((one, other) => one.batch.first - other.batch.first);
    return { items: [...kept, ...items], from };
  }

  #leave(token: string): void {
    const subscription = this.#subscriptions.get(token);
    if (!subscription) return;
    this.#subscriptions.delete(token);
    this.#index.remove(subscription);
    this.#version++;
    if (this.#subscriptions.size === 0) this.#stop();
    this.#releaseHeld();
  }

  #credit(token: string, taken: number): void {
    const subscription = this.#subscriptions.get(token);
    if (!subscription) throw new BadRequestError(`${this.name} has no subscriber with this token`);
    subscription.grant(taken);
    this.#releaseHeld();
  }

  #releaseHeld(): void {
    this.#held.release(
      (channel, value) => {
        this.#write(channel, value);
      },
      (channel) => {
        if (channel.version !== this.#version) channel.match(this.#index, this.#version);
        return channel.isBlocked;
      },
    );
  }

  #channel(topic: string): TopicChannel {
    const known = this.#channels.get(topic);
    if (known) return known;
    if (!isTopic(topic)) throw new BadRequestError(`A topic is a text of at most ${MAX_TOPIC_CHARS} characters`);
    if (this.#channels.size >= MAX_TOPICS && !this.#options.retain) this.#forgetTopics();
    const channel = new TopicChannel(topic);
    this.#channels.set(topic, channel);
    return channel;
  }

  /** Topics come and go; what is known of those that nothing is under way for can be found out again. */
  #forgetTopics(): void {
    for (const [topic, channel] of this.#channels) {
      if (topic !== "" && !channel.writer && !this.#held.has(channel)) this.#channels.delete(topic);
    }
  }

  #write(channel: TopicChannel, value: unknown): void {
    if (channel.listeners.length === 0 && !this.#history && !this.#options.retain) {
      channel.published++;
      this.#sequence++;
      return;
    }
    let { writer } = channel;
    if (!writer) {
      writer = this.#writers.pop() ?? new ItemWriter(this.#host?.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes);
      writer.begin(channel.topic);
      channel.writer = writer;
      this.#touched.push(channel);
      if (this.#touched.length === 1) process.nextTick(this.#flush);
    }
    writer.add(value);
    channel.published++;
    for (const blocker of channel.blockers) blocker.use();
    if (writer.isFull) this.#flushOne(channel, writer);
  }

  #flushAll(): void {
    const touched = this.#touched;
    if (touched.length === 0) return;
    this.#touched = [];
    for (const channel of touched) {
      const { writer } = channel;
      if (writer && writer.count > 0) this.#flushOne(channel, writer);
      channel.writer = undefined;
      if (writer && this.#writers.length < KEPT_WRITERS) this.#writers.push(writer);
    }
  }

  #flushOne(channel: TopicChannel, writer: ItemWriter): void {
    const batch = writer.take(this.#sequence + 1);
    this.#sequence += batch.count;
    if (this.#options.retain) channel.last = writer.lastOf(batch);
    this.#history?.add(batch);
    if (channel.version !== this.#version) channel.match(this.#index, this.#version);
    this.#deliver(channel, batch);
    writer.begin(channel.topic);
  }

  #deliver({ listeners }: TopicChannel, batch: ItemBatch): void {
    for (const listener of listeners) listener.deliver(batch);
  }

  #start(): void {
    if (!this.#generate) return;
    this.#run = new GeneratorRun(this.#generate, {
      publish: async (value, topic) => {
        try {
          await this.publish(value, { topic });
        } catch (error) {
          // One subscriber that holds back for too long costs the others this value, and not all that come.
          if (RpcError.from(error).code !== "TIMEOUT") throw error;
        }
      },
      failed: (error) => {
        this.#host?.log.error(
          `The generator of ${this.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
        this.#endAll("FAILED");
      },
    });
  }

  #stop(): void {
    this.#run?.stop();
    this.#run = undefined;
  }

  /** Tells all subscribers why nothing comes any more. */
  #endAll(code: string): void {
    this.#flushAll();
    for (const [token, subscription] of [...this.#subscriptions]) {
      subscription.end(code);
      this.#leave(token);
    }
  }

  #close(): void {
    this.#isClosed = true;
    this.#held.close();
    for (const giveUp of [...this.#waiting.values()]) giveUp();
    this.#endAll("CLOSED");
    this.#stop();
    this.#channels.clear();
  }
}

brand(Publication.prototype, PROVIDER);

/** What a subscription has of its host. */
interface TakenUp {
  readonly socket: SubscriberSocket;
  readonly wait: () => void;
  readonly release: () => void;
}

/** @throws ConfigurationError for one that makes no sense */
function checkOptions(options: PublicationOptions): void {
  const numbers = ["replay", "maxSubscribers", "maxQueuedBytes", "maxHeld", "blockTimeoutMs"] as const;
  for (const name of numbers) {
    const value = options[name];
    if (value === undefined || (typeof value === "number" && value >= 0)) continue;
    throw new ConfigurationError(`The option ${name} must be a number from 0 on, got ${String(value)}`);
  }
}

const PUBLISHED = Promise.resolve();
/** Values after which whoever awaits lets the event loop turn. */
const PAUSE_AFTER = 1_000;
/** How long a subscription waits for its SUB socket, in milliseconds. */
const CLAIM_MS = 10_000;
/** Topics, and subscribers, that statistics tell of. */
const MAX_TOLD = 1_000;
/** Topics that are remembered. */
const MAX_TOPICS = 10_000;
/** Writers that are kept for batches to come. */
const KEPT_WRITERS = 16;

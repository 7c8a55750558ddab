import { type RpcError, rpcError } from "../errors.js";
import { outsideOfCalls } from "../peer/call-context.js";
import type { Endpoint, ServiceQuery, ServiceRecord } from "../peer/record.js";
import type { Credentials } from "../security/credentials.js";
import { automaticTransport, type Link, parseAddress, type Transport } from "../transport/index.js";
import type { Logger } from "../util/log.js";
import type { Frames } from "../wire/message.js";
import { wireNames } from "../wire/registry.js";
import type { InstanceEndpoint } from "./instance.js";
import type { FindOptions } from "./nameserver-client.js";
import { waysTo } from "./ways.js";

/** What subscribers need of a client. */
export interface Subscribing {
  /** Its connections for what is published. */
  readonly sockets: SubscriberSockets;
  /** Chance. */
  readonly random: () => number;
  /** Told what happens. */
  readonly log: Logger;
  /** Asks the nameserver for providers; see {@link NameserverClient.find}. */
  find(query: ServiceQuery, options: FindOptions): Promise<ServiceRecord[]>;
}

/** Told of what comes over a subscription. Handlers must not throw. */
export interface SubscriberLinkHandlers {
  /** A message, without the prefix in front of it. */
  message(frames: Frames): void;
  /** It is over: the connection is gone, or could not be made. Called once, last; never after it was released. */
  lost(reason: RpcError): void;
}

/** Options of {@link SubscriberSockets}. */
export interface SubscriberSocketsOptions {
  /** The client's. */
  readonly transport: Transport;
  /** How hosts are convinced, and whom this end believes. */
  readonly credentials: Credentials;
  /** Largest item, in bytes. */
  readonly maxMessageBytes: number;
}

/** The SUB sockets of one client: one for each host, shared by all that is subscribed to there. */
export class SubscriberSockets {
  readonly #options: SubscriberSocketsOptions;
  readonly #transport: Transport;
  readonly #sockets = new Map<string, SharedSocket>();
  #isClosed = false;

  constructor(options: SubscriberSocketsOptions) {
    this.#options = options;
    // libzmq does not tell who has come and gone, nor what a slow subscriber has not taken: what is published goes over our own ZMTP.
    this.#transport = options.transport.abilities.takesSubscribers ? options.transport : automaticTransport;
  }

  /** Was the client closed? Nothing can be subscribed to any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Connections that are kept. */
  get size(): number {
    return this.#sockets.size;
  }

  /**
   * Subscribes to a prefix at a host.
   *
   * @param told - where the host says that SUB sockets connect
   * @returns ends the subscription
   * @throws RpcError, `not-sent`, when none of them can be used here
   */
  subscribe(
    record: Pick<ServiceRecord, "service" | "incarnation">,
    told: readonly Endpoint[],
    prefix: string,
    handlers: SubscriberLinkHandlers,
  ): () => void {
    if (this.#isClosed) throw rpcError("CLOSED", "The client was closed");
    const ways = this.#waysTo(record, told);
    if (ways.length === 0) {
      throw rpcError("UNAVAILABLE", `${record.service} publishes at no address that this client can use`, {
        service: record.service,
      });
    }
    const key = ways.map(({ address, key = "" }) => `${address} ${key}`).join(" ");
    let socket = this.#sockets.get(key);
    if (!socket) {
      const made = new SharedSocket(
        ways,
        (way, linkHandlers) => this.#connect(way, linkHandlers),
        () => {
          if (this.#sockets.get(key) === made) this.#sockets.delete(key);
        },
      );
      socket = made;
      this.#sockets.set(key, made);
    }
    return socket.add(prefix, handlers);
  }

  /** Closes everything. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const socket of [...this.#sockets.values()]) socket.close(rpcError("CLOSED", "The client was closed"));
  }

  #waysTo(
    { service, incarnation }: Pick<ServiceRecord, "service" | "incarnation">,
    told: readonly Endpoint[],
  ): InstanceEndpoint[] {
    // The wire says nothing here; the choice is that of addresses and keys.
    const endpoints = told.map((endpoint) => ({ ...endpoint, wires: wireNames() }));
    const record: ServiceRecord = { service, incarnation, address: "", interfaces: [], endpoints, tags: [], data: {} };
    const { credentials } = this.#options;
    return waysTo(record, { schemes: this.#transport.abilities.schemes, credentials });
  }

  #connect({ address, key }: InstanceEndpoint, handlers: Parameters<Transport["connect"]>[1]): Link {
    const { text, scheme } = parseAddress(address);
    const { credentials, maxMessageBytes } = this.#options;
    // It may be made for a call that is being served; what comes over it later is no part of that.
    return outsideOfCalls(() =>
      this.#transport.connect(text, handlers, {
        socketType: "SUB",
        maxMessageBytes: maxMessageBytes + BATCH_BYTES,
        security: scheme === "memory" ? undefined : credentials.linkSecurity(key, text),
      }),
    );
  }
}

/** One connection, tried at several addresses in turn, and whoever uses it. */
class SharedSocket {
  readonly #ways: readonly InstanceEndpoint[];
  readonly #connect: (way: InstanceEndpoint, handlers: Parameters<Transport["connect"]>[1]) => Link;
  readonly #ended: () => void;
  readonly #users = new Map<string, SubscriberLinkHandlers>();
  #link: Link | undefined;
  #isOpen = false;
  #isOver = false;

  constructor(
    ways: readonly InstanceEndpoint[],
    connect: (way: InstanceEndpoint, handlers: Parameters<Transport["connect"]>[1]) => Link,
    ended: () => void,
  ) {
    this.#ways = ways;
    this.#connect = connect;
    this.#ended = ended;
    this.#try(0);
  }

  add(prefix: string, handlers: SubscriberLinkHandlers): () => void {
    this.#users.set(prefix, handlers);
    if (this.#isOpen) this.#say(SUBSCRIBE, prefix);
    return () => {
      if (this.#users.get(prefix) !== handlers) return;
      this.#users.delete(prefix);
      if (this.#users.size === 0) this.close(rpcError("CLOSED", "Nothing is subscribed to any more"));
      else if (this.#isOpen) this.#say(UNSUBSCRIBE, prefix);
    };
  }

  close(reason: RpcError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isOpen = false;
    this.#ended();
    this.#link?.close(reason);
    const users = [...this.#users.values()];
    this.#users.clear();
    for (const user of users) user.lost(reason);
  }

  #try(index: number): void {
    const way = this.#ways[index];
    if (!way) return;
    let timer: NodeJS.Timeout | undefined;
    const closed = (reason: RpcError): void => {
      clearTimeout(timer);
      if (this.#isOver) return;
      if (this.#isOpen || index + 1 >= this.#ways.length) this.close(reason);
      else this.#try(index + 1);
    };
    try {
      this.#link = this.#connect(way, {
        opened: () => {
          clearTimeout(timer);
          if (this.#isOver) return;
          this.#isOpen = true;
          for (const prefix of this.#users.keys()) this.#say(SUBSCRIBE, prefix);
        },
        message: (frames) => {
          this.#message(frames);
        },
        closed,
      });
      const link = this.#link;
      timer = setTimeout(() => {
        link.close(rpcError("UNAVAILABLE", `${way.address} accepted no subscriber within ${CONNECT_MS} ms`));
      }, CONNECT_MS).unref();
    } catch (error) {
      // Told later, for nobody has this socket yet.
      setImmediate(() => {
        closed(error as RpcError);
      });
    }
  }

  #message(frames: Frames): void {
    const [prefix, ...content] = frames;
    if (!prefix) return;
    this.#users
      .get(Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength).toString("latin1"))
      ?.message(content);
  }

  #say(what: number, prefix: string): void {
    this.#link?.send([Buffer.concat([Buffer.from([what]), Buffer.from(prefix, "latin1")])], () => undefined);
  }
}

/** First octets of what a SUB socket says (RFC 29). */
const SUBSCRIBE = 1;
const UNSUBSCRIBE = 0;
/** Time for one attempt to connect, in milliseconds. */
const CONNECT_MS = 3_000;
/** What a message may have beyond its largest item. */
const BATCH_BYTES = 1024 * 1024;

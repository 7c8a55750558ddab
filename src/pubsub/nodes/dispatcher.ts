import { BadRequestError, ConfigurationError, type RpcError, rpcError } from "../../errors.js";
import { Host } from "../../nameserver/host.js";
import { currentCall } from "../../peer/call-context.js";
import { defineInterface } from "../../peer/exposed/definition.js";
import { credentialsOfHost } from "../../security/host-security.js";
import { findTransport } from "../../transport/index.js";
import { type Logger, SILENT } from "../../util/log.js";
import { DEFAULT_LIMITS } from "../../wire/wire.js";
import { AttachedMember, AttachedNode } from "./attached-node.js";
import { configurator, DEFAULT_DISPATCHER } from "./configurator.js";
import { requirePositive } from "./dispatcher-connection.js";
import { DispatcherLinks } from "./dispatcher-links.js";
import type { DispatcherEvent, DispatcherOptions, NodeInfo, RouteInfo } from "./dispatcher-options.js";
import { type EventUri, formatEventUri, LOCAL_HOST, parseEventUri } from "./event-uri.js";
import {
  type Delivery,
  DISPATCHER_INTERFACE,
  type Greeting,
  type GreetingAnswer,
  isName,
  NAMES_ARE_SHORT,
  readDelivery,
  readGreeting,
  type StreamPeer,
} from "./interfaces.js";
import { pythonJson } from "./message-json.js";
import { type AddedObserver, Observers, type RouteAction, type RouteObserver } from "./observers.js";
import { Router } from "./router.js";
import { type RouteEntry, RoutingTable } from "./routing-table.js";

/**
 * Where nodes meet: it knows who is subscribed to what, and passes events on. nodeset: the dispatcher.
 *
 * ```ts
 * await using dispatcher = new Dispatcher(); // tcp://127.0.0.1:5333
 * await dispatcher.start();
 * ```
 *
 * It keeps nothing: when it is started anew, nodes notice, and subscribe again within half a second. An event goes to whoever is
 * subscribed now; the answer to its publisher says only that it was taken. It does not look into messages.
 */
export class Dispatcher implements AsyncDisposable {
  readonly #options: DispatcherOptions;
  readonly #log: Logger;
  readonly #host: Host;
  readonly #table = new RoutingTable();
  readonly #observers: Observers;
  readonly #links: DispatcherLinks;
  /** By the object that stands for their connection. */
  readonly #nodes = new Map<object, AttachedNode>();
  /** By what tells them from others: incarnation and address. */
  readonly #known = new Map<string, AttachedNode>();
  readonly #heartbeatMs: number;
  readonly #limitMs: number;
  readonly #maxSubscriptions: number;
  readonly #router: Router;
  #subscribes = 0;

  /** @throws ConfigurationError for wrong options */
  constructor(options: DispatcherOptions = {}) {
    requirePositive(options, ["heartbeatMs", "limitMs", "maxQueuedBytes", "maxSubscriptions"]);
    this.#options = options;
    this.#log = options.log ?? SILENT;
    this.#heartbeatMs = options.heartbeatMs ?? 1_000;
    this.#limitMs = options.limitMs ?? Math.max(5_000, this.#heartbeatMs * 2);
    this.#maxSubscriptions = options.maxSubscriptions ?? 100_000;
    if (this.#heartbeatMs > 20_000 || this.#limitMs < this.#heartbeatMs * 2) {
      throw new ConfigurationError(
        "The option heartbeatMs is at most 20000, and limitMs at least twice that: else nodes that live are taken for dead",
      );
    }
    this.#observers = new Observers(this.#log);
    this.#host = new Host({
      ...options,
      address: options.address ?? configurator.get("listen") ?? DEFAULT_DISPATCHER,
      nameserver: options.nameserver ?? false,
    });
    this.#links = new DispatcherLinks({
      links: options.links ?? {},
      label: options.label ?? LOCAL_HOST,
      transport: findTransport(options.transport),
      credentials: credentialsOfHost(options.security),
      maxMessageBytes: options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes,
      log: this.#log,
    });
    this.#router = new Router({
      table: this.#table,
      observers: this.#observers,
      label: options.label,
      isVerbose: configurator.get("verbose") ?? false,
      log: this.#log,
      relay: (parsed, delivery) => this.#links.relay(parsed, delivery),
    });
    this.#host.addStats("dispatcher", () => this.#stats());
    this.#host.provide(
      defineInterface(DISPATCHER_INTERFACE, {
        doc: "Passes events on between nodes.",
        methods: {
          greet: (greeting: unknown) => this.#greet(greeting),
          subscribe: (entries: unknown) => this.#subscribe(entries),
          unsubscribe: {
            params: { uri: "string", name: "string", member: "number" },
            run: (uri: string, name: string, member: number) => this.#unsubscribe(uri, name, member),
          },
          leave: { params: { member: "number" }, run: (member: number) => this.#leave(member) },
          publish: {
            params: { uri: "string", publisher: "string", number: "number", isForAll: "boolean", body: "array" },
            run: (...event: unknown[]) => this.#publish(readDelivery(event)),
          },
          relay: {
            params: {
              label: "string",
              node: "string",
              event: "string",
              publisher: "string",
              number: "number",
              isForAll: "boolean",
              body: "array",
            },
            run: (label: string, node: string, event: string, ...more: unknown[]) =>
              this.#relayed(label, { node, host: LOCAL_HOST, event }, more),
          },
          stream: { params: { uri: "string" }, idempotent: true, run: (uri: string) => this.#peersOf(uri) },
          get_stats: { idempotent: true, run: () => this.getStats() },
          get_table: { idempotent: true, run: () => this.table },
          get_nodes: { idempotent: true, run: () => this.nodes },
        },
      }),
    );
  }

  /** What the host's statistics tell (docs/monitoring.md). */
  #stats(): unknown {
    return {
      subs: this.#subscribes,
      pubs: this.#router.deliveries,
      nodes: this.#nodes.size,
      subscriptions: this.#table.size,
      table: this.#rows(MAX_TOLD),
    };
  }

  /** The address that nodes connect to, once started. */
  get address(): string {
    return this.#host.address;
  }

  /** All of them. */
  get addresses(): readonly string[] {
    return this.#host.addresses;
  }

  /** Random id of this run. */
  get incarnation(): string {
    return this.#host.incarnation;
  }

  /** Who is subscribed to what, event by event; of those that get an event in turn, the next one last. */
  get table(): readonly RouteInfo[] {
    return this.#rows(Infinity);
  }

  #rows(most: number): RouteInfo[] {
    const rows: RouteInfo[] = [];
    for (const { host, event, node, target } of this.#table) {
      if (rows.length >= most) break;
      const incarnation = target instanceof AttachedMember ? target.node.greeting.incarnation : "";
      rows.push({ host, event, node, incarnation });
    }
    return rows;
  }

  /** Nodes and collections that are connected. */
  get nodes(): readonly NodeInfo[] {
    return Array.from(this.#nodes.values(), infoOf);
  }

  /** Labels of other dispatchers, and whether they are there. */
  get links(): ReadonlyMap<string, boolean> {
    return this.#links.states;
  }

  /**
   * Binds its addresses, registers if it is told to, and connects to other dispatchers.
   *
   * @throws ConfigurationError for a wrong address or a port in use
   */
  async start(): Promise<this> {
    await this.#host.start();
    this.#links.open();
    return this;
  }

  /** Closes its addresses; nodes notice at once. Idempotent. */
  async close(): Promise<void> {
    for (const node of [...this.#nodes.values()]) node.gone("the dispatcher closes");
    await this.#links.close();
    await this.#host.close();
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What it has done since its start, as JSON: calls to subscribe, and deliveries tried. nodeset: `get_stats`. */
  getStats(): string {
    return pythonJson({ subs: this.#subscribes, pubs: this.#router.deliveries });
  }

  /**
   * Has a function told of what the dispatcher does, behind what it does itself and other observers.
   *
   * @param args - given to the function behind the record
   * @returns what {@link Dispatcher.removeObserver} takes
   */
  addObserver(action: RouteAction, observe: RouteObserver, ...args: unknown[]): AddedObserver {
    return this.#observers.add(action, observe, args);
  }

  /** Tells it no more; `false` when it was not told. */
  removeObserver(added: AddedObserver): boolean {
    return this.#observers.remove(added);
  }

  /** The entries that match an address, for observers of `get`. Turns those of its event by one. */
  lookup(uri: string): readonly RouteEntry[] {
    return this.#table.lookup(parseEventUri(uri));
  }

  #greet(told: unknown): GreetingAnswer {
    const greeting = readGreeting(told);
    const { origin } = currentCall();
    this.#nodes.get(origin.connection)?.gone("it has greeted again");
    // A connection that was lost on the other side may still seem to be one here.
    const { user } = origin.identity ?? {};
    const [again, ...sameAddress] = keysOf(greeting).map((key) => this.#known.get(key));
    if (again?.user === user) again?.dismiss("it has come again");
    for (const former of sameAddress) {
      // Perhaps the same node, started anew; perhaps one of another machine, whose own 127.0.0.1 has the same port.
      if (former?.user === user && !former?.isGone)
        void former?.challenge(`${greeting.name} has come from its address`);
    }
    const node = new AttachedNode(greeting, origin, {
      heartbeatMs: this.#heartbeatMs,
      limitMs: this.#limitMs,
      maxQueuedBytes: this.#options.maxQueuedBytes ?? DEFAULT_QUEUED_BYTES,
      onGone: (gone, reason) => {
        this.#gone(gone, origin.connection, reason);
      },
      onFailed: (text) => {
        this.#log.warn(text);
      },
    });
    this.#nodes.set(origin.connection, node);
    for (const key of keysOf(greeting)) this.#known.set(key, node);
    this.#tell({ type: "joined", node: infoOf(node) });
    return { incarnation: this.incarnation, label: this.#options.label ?? null, limitMs: this.#limitMs };
  }

  #gone(node: AttachedNode, connection: object, reason: string): void {
    if (this.#nodes.get(connection) === node) this.#nodes.delete(connection);
    for (const key of keysOf(node.greeting)) if (this.#known.get(key) === node) this.#known.delete(key);
    for (const member of node.members.values()) this.#removeAll(member);
    this.#log.info(`${node.greeting.name} is gone: ${reason}`);
    this.#tell({ type: "gone", node: infoOf(node), reason });
  }

  #subscribe(entries: unknown): null {
    if (!Array.isArray(entries)) throw malformed("Subscriptions come as a list");
    const node = this.#caller();
    for (const entry of entries as readonly unknown[]) {
      const [uri, name, number] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
      if (!isName(uri) || !isName(name) || !Number.isSafeInteger(number)) {
        throw malformed(`A subscription has an address, a name and a whole number; ${NAMES_ARE_SHORT}`);
      }
      const parsedUri = parseEventUri(uri);
      // An address without an event matches nobody.
      if (parsedUri.event === "") continue;
      if (
        node.subscriptions >= this.#maxSubscriptions &&
        !this.#table.holds(parsedUri, node.members.get(number as number))
      ) {
        throw tooMany(this.#maxSubscriptions);
      }
      const instance = node.member(number as number, name);
      if (!this.#table.add(parsedUri, instance)) continue;
      node.subscriptions++;
      this.#subscribes++;
      this.#observers.tell("add", { uri, parsedUri, instance });
    }
    return null;
  }

  #unsubscribe(uri: string, name: string, number: number): null {
    const parsedUri = parseEventUri(uri);
    const instance = this.#caller().members.get(number);
    if (instance && this.#table.remove(parsedUri, instance)) {
      instance.node.subscriptions--;
      // Numbers are the node's to choose: those without a subscription are not kept.
      if (!this.#table.has(instance)) instance.node.members.delete(number);
      this.#observers.tell("remove", { uri, parsedUri, instance });
    } else this.#log.debug(`${name} ends a subscription to ${uri} that it does not have`);
    return null;
  }

  #leave(number: number): null {
    const node = this.#caller();
    const member = node.members.get(number);
    if (!member) return null;
    this.#removeAll(member);
    node.members.delete(member.number);
    return null;
  }

  #removeAll(instance: AttachedMember): void {
    for (const { host, event, node } of this.#table.removeAll(instance)) {
      const parsedUri = { host, event, node };
      instance.node.subscriptions--;
      this.#observers.tell("remove", { uri: formatEventUri(parsedUri), parsedUri, instance });
    }
  }

  /** The node that calls. */
  #caller(): AttachedNode {
    const node = this.#nodes.get(currentCall().origin.connection);
    if (node) return node;
    throw rpcError("UNAVAILABLE", "The dispatcher does not know this node, or has forgotten it: greet first");
  }

  #publish(delivery: Delivery): true {
    const parsed = parseEventUri(delivery.uri);
    if (parsed.event !== "") this.#router.take(parsed, delivery);
    return true;
  }

  /** From another dispatcher: delivered as if it was published here, and handed on no more. */
  #relayed(label: string, parsed: EventUri, more: readonly unknown[]): true {
    const own = this.#options.label;
    if (own !== undefined && label !== own) {
      throw new BadRequestError(`This is the dispatcher ${own}, and the event is for ${label}`);
    }
    const delivery = readDelivery([formatEventUri(parsed), ...more]);
    // Numbers are by address, and this publisher's for that of here are others.
    this.#router.take(parsed, { ...delivery, publisher: `${delivery.publisher}@${label}` });
    return true;
  }

  #peersOf(uri: string): StreamPeer[] {
    return this.#table.lookup(parseEventUri(uri)).flatMap(({ target }) => {
      if (!(target instanceof AttachedMember)) return [];
      const { address, key } = target.node.greeting;
      return address === undefined ? [] : [{ name: target.name, address, member: target.number, key }];
    });
  }

  #tell(event: DispatcherEvent): void {
    this.#options.onEvent?.(event);
  }
}

function infoOf({ greeting, queuedBytes }: AttachedNode): NodeInfo {
  const { name, incarnation, address } = greeting;
  return { name, incarnation, address, queuedBytes };
}

function keysOf({ incarnation, address }: Greeting): string[] {
  const run = `run ${incarnation}`;
  return address === undefined ? [run] : [run, `at ${address}`];
}

function tooMany(most: number): RpcError {
  return rpcError("OVERLOADED", `The dispatcher takes ${most} subscriptions of one node (option maxSubscriptions)`);
}

function malformed(text: string): BadRequestError {
  return new BadRequestError(text);
}

const DEFAULT_QUEUED_BYTES = 16 * 1024 * 1024;

/** Rows of the table that statistics tell. */
const MAX_TOLD = 1_000;

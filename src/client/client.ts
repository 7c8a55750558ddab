import { ConfigurationError, rpcError } from "../errors.js";
import { valuesOf } from "../peer/arguments.js";
import { CallPromise, rejected } from "../peer/call-promise.js";
import { Dispatcher } from "../peer/dispatcher.js";
import { buildInterface, type Provided } from "../peer/exposed/definition.js";
import { PROCESS_INCARNATION } from "../peer/incarnation.js";
import type { Answer, Middleware, OutgoingCall } from "../peer/invoker.js";
import { isOfferedLocally, LOCAL_ADDRESS } from "../peer/local.js";
import { protocolAddress, readWire } from "../peer/protocol-option.js";
import { AUTHENTICATOR_INTERFACE, NAMESERVER_INTERFACE, type ServiceRecord } from "../peer/record.js";
import type { HeldReference } from "../peer/references/held-reference.js";
import type { Dynamic, InterfaceType, Remote } from "../peer/remote.js";
import { Sessions } from "../peer/sessions.js";
import { discardSources, holdSources } from "../peer/streams/source.js";
import { type Credentials, credentialsOf } from "../security/credentials.js";
import { keyText, readKey } from "../security/keys.js";
import { findTransport, parseAddress, type Transport } from "../transport/index.js";
import { DeadlineWheel } from "../util/deadline-wheel.js";
import { SILENT } from "../util/log.js";
import { DEFAULT_LIMITS } from "../wire/wire.js";
import { type CallPipeline, Component, proxy } from "./component.js";
import { ConnectionPool } from "./connection-pool.js";
import { Contracts } from "./contracts.js";
import { CLIENT_DEFAULTS } from "./defaults.js";
import type { ClientHook } from "./hooks.js";
import type { InstanceContext } from "./instance.js";
import { NameserverClient } from "./nameserver-client.js";
import type { NameserverProxy } from "./nameserver-proxy.js";
import { type ClientOptions, type ConnectOptions, type LocateOptions } from "./options.js";
import { type InvokerContext, ReconnectingInvoker } from "./reconnecting-invoker.js";
import { Resolver } from "./resolver.js";
import { RetryBudget } from "./retry-policy.js";
import { SubscriberSockets, type Subscribing } from "./subscriber-sockets.js";
import type { Target } from "./target.js";
import { Targets } from "./targets.js";

/** What an authenticator says of a user (docs/pycom-wire.md, section 9.4). */
export interface UserInfo {
  /** User name. */
  readonly name: string;
  /** Roles that are granted. */
  readonly roles: readonly string[];
  /** Whatever else the authenticator says. */
  readonly [more: string]: unknown;
}

/**
 * Turns remote services into local objects, and keeps the connections to them. PyCOM: `Context` and `ProxyContext`.
 *
 * Making one opens nothing; the first call does. Whoever makes a client closes it, with `await using` or
 * {@link Client.close}: an open connection keeps the process alive until it has been idle for `idleTimeoutMs`.
 */
export class Client {
  /** Run in order on every call before it leaves; may be changed at any time. */
  readonly prehooks: ClientHook<"pre">[];
  /** Run in order on every successful answer; may be changed at any time. */
  readonly posthooks: ClientHook<"post">[];
  readonly #middleware: Middleware[];
  readonly #wheel = new DeadlineWheel();
  readonly #options: ClientOptions;
  /** What services may call back. */
  readonly #dispatcher: Dispatcher;
  readonly #pool: ConnectionPool;
  readonly #nameserver: NameserverClient;
  readonly #targets: Targets;
  readonly #invokerContext: InvokerContext;
  readonly #transport: Transport;
  readonly #credentials: Credentials;
  #subscribing: Subscribing | undefined;
  #token: string | undefined;
  #closed = false;

  /** @throws ConfigurationError for a wrong option */
  constructor(options: ClientOptions = {}) {
    checkOptions(options);
    this.#options = options;
    this.prehooks = [...(options.prehooks ?? [])];
    this.posthooks = [...(options.posthooks ?? [])];
    this.#middleware = [...(options.middleware ?? [])];
    this.#dispatcher = new Dispatcher({ sessions: new Sessions(), log: options.log });
    const onEvent = options.onEvent ?? (() => undefined);
    const random = options.random ?? Math.random;
    const connectTimeoutMs = options.connectTimeoutMs ?? CLIENT_DEFAULTS.connectTimeoutMs;
    const transport = findTransport(options.transport);
    const credentials = credentialsOf(options.security);
    this.#transport = transport;
    this.#credentials = credentials;
    this.#pool = new ConnectionPool({
      transport,
      credentials,
      wheel: this.#wheel,
      maxMessageBytes: options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes,
      maxInFlight: options.maxInFlight ?? CLIENT_DEFAULTS.maxInFlight,
      maxInFlightBytes: options.maxInFlightBytes ?? CLIENT_DEFAULTS.maxInFlightBytes,
      idleTimeoutMs: options.idleTimeoutMs ?? CLIENT_DEFAULTS.idleTimeoutMs,
      dispatcher: this.#dispatcher,
      maxReferences: options.maxReferences,
      timeoutMs: options.timeoutMs,
      log: options.log ?? SILENT,
      onEvent,
    });
    this.#nameserver = new NameserverClient(nameserversOf(options), this.#pool, this.#wheel, {
      connectTimeoutMs,
      key: credentials.nameserverKey && keyText(credentials.nameserverKey),
    });
    const instanceContext: InstanceContext = {
      pool: this.#pool,
      contracts: new Contracts(),
      wheel: this.#wheel,
      connectTimeoutMs,
      schemes: transport.abilities.schemes,
      credentials,
    };
    this.#targets = new Targets(instanceContext, new Resolver(this.#nameserver, this.#wheel), random);
    this.#invokerContext = {
      wheel: this.#wheel,
      budget: new RetryBudget(
        options.retryRatio ?? CLIENT_DEFAULTS.retryRatio,
        options.retryReserve ?? CLIENT_DEFAULTS.retryReserve,
      ),
      timeoutMs: options.timeoutMs,
      waitForMs: options.waitForMs,
      retry: options.retry ?? true,
      random,
      onEvent,
      token: () => this.#token,
    };
  }

  /** Addresses of the nameservers, normalised. */
  get nameservers(): readonly string[] {
    return this.#nameserver.addresses;
  }

  /**
   * A proxy of whatever service provides an interface, found through the nameserver at the first call and again whenever
   * needed. Returns at once.
   *
   * @param service - only this service, or {@link LocateOptions}
   * @throws ConfigurationError when the interface is no name, or for an unknown wire
   */
  locate<Name extends string>(interfaceName: Name, service?: string | LocateOptions): Remote<InterfaceType<Name>>;
  locate<T>(interfaceName: string, service?: string | LocateOptions): Remote<T>;
  locate(interfaceName: string, service?: string | LocateOptions): Remote<Dynamic> {
    return proxy(this.component(interfaceName, service));
  }

  /**
   * As {@link Client.locate}, or with an address first as {@link Client.connect}, but the explicit form.
   *
   * @throws ConfigurationError as those
   */
  component(interfaceName: string, service?: string | LocateOptions): Component;
  component(address: string, interfaceName: string, options?: ConnectOptions): Component;
  component(first: string, service?: string | LocateOptions, options?: ConnectOptions): Component {
    // No interface has a scheme in its name.
    if (typeof first === "string" && first.includes("://")) {
      return this.connectComponent(first, typeof service === "string" ? service : undefined, options);
    }
    return this.#locateComponent(first, service);
  }

  #locateComponent(interfaceName: string, service?: string | LocateOptions): Component {
    requireName(interfaceName);
    const options: LocateOptions = typeof service === "string" ? { service } : (service ?? {});
    const target = this.#targets.located(
      { interface: interfaceName, service: options.service, tags: options.tags },
      options.balance ?? this.#options.balance,
      options.wire,
    );
    return this.#component(interfaceName, target);
  }

  /**
   * A proxy of an interface at an address, without a nameserver. Returns at once.
   *
   * @throws ConfigurationError for a wrong address, an unknown wire, an address that a protocol cannot use, or without an interface
   *   where the wire needs one
   */
  connect<Name extends string>(
    address: string,
    interfaceName?: Name,
    options?: ConnectOptions,
  ): Remote<InterfaceType<Name>>;
  connect<T>(address: string, interfaceName?: string, options?: ConnectOptions): Remote<T>;
  connect(address: string, interfaceName?: string, options: ConnectOptions = {}): Remote<Dynamic> {
    return proxy(this.connectComponent(address, interfaceName, options));
  }

  /** As {@link Client.connect}, but the explicit form. */
  connectComponent(address: string, interfaceName?: string, options: ConnectOptions = {}): Component {
    const wire = readWire(options.wire ?? "pycom");
    if (wire === "pycom" && interfaceName === undefined) {
      throw new ConfigurationError(`connect(${JSON.stringify(address)}, …) needs the interface on PyCOM's wire`);
    }
    const name = interfaceName ?? "";
    if (interfaceName !== undefined) requireName(interfaceName);
    const text =
      typeof wire === "object"
        ? protocolAddress(wire, address)
        : address === LOCAL_ADDRESS
          ? LOCAL_ADDRESS
          : parseAddress(address).text;
    if (typeof wire === "object" && options.serverKey !== undefined) {
      throw new ConfigurationError(`The option serverKey is for wires; the protocol ${wire.name} knows no such keys`);
    }
    const key =
      options.serverKey === undefined ? undefined : keyText(readKey(options.serverKey, "The option serverKey"));
    return this.#component(name, this.#targets.at({ address: text, wire, key }, name));
  }

  /**
   * A proxy of the nameserver. Its `locate` returns a proxy at once; other methods are plain remote calls.
   */
  nameserver(): NameserverProxy {
    const locate = (first: string | { interface: string; service?: string }, service?: string): Remote<Dynamic> =>
      typeof first === "string"
        ? this.locate(first, service)
        : this.locate(first.interface, { service: first.service });
    return proxy(this.nameserverComponent(), new Map([["locate", locate]])) as unknown as NameserverProxy;
  }

  /** The nameserver's component, for raw records: `invoke("locate", { interface })`. */
  nameserverComponent(): Component {
    const address = this.#nameserver.address;
    return this.#component(
      NAMESERVER_INTERFACE,
      this.#targets.at({ address, wire: "pycom", key: this.#nameserver.key }, NAMESERVER_INTERFACE),
      // As in PyCOM, neither token nor hooks go to a remote nameserver.
      address === LOCAL_ADDRESS ? undefined : { bare: true },
    );
  }

  /**
   * An interface of one run of one service, by the best way that both ends know. Never moves on to another run.
   *
   * @returns `undefined` when it can be reached in no way from here
   * @internal
   */
  runComponent(record: ServiceRecord, interfaceName: string): Component | undefined {
    const target = this.#targets.run(record);
    return target && this.#component(interfaceName, target);
  }

  /**
   * Everything that the nameserver knows of providers of an interface.
   *
   * @throws UnavailableError when no nameserver can be reached
   */
  find(interfaceName: string, options: LocateOptions = {}): Promise<ServiceRecord[]> {
    return this.#nameserver.find({ interface: interfaceName, service: options.service, tags: options.tags });
  }

  /**
   * Obtains a token from the authenticator and sends it with every call from now on. With a token of one's own it is
   * checked first (docs/pycom-wire.md, section 9.2).
   *
   * @param credentials - whatever the authenticator wants, such as `{ password }`
   * @throws AccessDeniedError when the authenticator refuses
   */
  authenticate(user: string, credentials: unknown): Promise<void>;
  authenticate(token: { readonly token: string }): Promise<void>;
  async authenticate(first: string | { readonly token: string }, credentials?: unknown): Promise<void> {
    const authenticator = this.component(AUTHENTICATOR_INTERFACE);
    if (typeof first === "string") {
      const result = await authenticator.invoke("authenticate", { user: first, credentials });
      const token = (result as { token?: unknown } | null)?.token;
      if (typeof token !== "string") throw rpcError("PROTOCOL", "The authenticator answered without a token");
      this.#token = token;
    } else {
      await authenticator.invoke("validate", { token: first.token });
      this.#token = first.token;
    }
  }

  /**
   * Who this client is, asked afresh; `null` without a token. PyCOM: `user_info`.
   *
   * @throws AccessDeniedError when the token is valid no more
   */
  async userInfo(): Promise<UserInfo | null> {
    if (this.#token === undefined) return null;
    return (await this.component(AUTHENTICATOR_INTERFACE).invoke("validate", { token: this.#token })) as UserInfo;
  }

  /**
   * Exposes an interface to the services that this client calls: `currentCall().peer` there is a proxy of it. An instance of
   * an `@Interface` class, the class itself, or a `defineInterface` value.
   *
   * @throws ConfigurationError when it is none, or its name is exposed already
   */
  provide(provided: Provided): this {
    const maxMessageBytes = this.#options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes;
    this.#dispatcher.expose(
      buildInterface(provided, {
        errors: undefined,
        contract: () => ({ incarnation: PROCESS_INCARNATION, maxMessageBytes }),
        journal: undefined,
      }),
    );
    return this;
  }

  /** What subscribers need of it. @internal */
  get subscribing(): Subscribing {
    this.#subscribing ??= {
      sockets: new SubscriberSockets({
        transport: this.#transport,
        credentials: this.#credentials,
        maxMessageBytes: this.#options.maxMessageBytes ?? DEFAULT_LIMITS.maxMessageBytes,
      }),
      random: this.#invokerContext.random,
      log: this.#options.log ?? SILENT,
      find: (query, options) => this.#nameserver.find(query, options),
    };
    return this.#subscribing;
  }

  /** Functions and objects of services that are held here, and those of this process that services hold. */
  get references(): readonly HeldReference[] {
    return [...this.#pool.references()];
  }

  /** Adds a middleware inside those that are there. */
  use(middleware: Middleware): this {
    this.#middleware.push(middleware);
    return this;
  }

  /** Closes all connections; calls in flight are rejected with `CLOSED` and their outcome. Idempotent. */
  close(): Promise<void> {
    this.#closed = true;
    this.#dispatcher.abort(rpcError("CLOSED", "The client was closed", { outcome: "executed" }));
    this.#subscribing?.sockets.close();
    this.#pool.close();
    return Promise.resolve();
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #component(interfaceName: string, target: Target, options: { readonly bare?: boolean } = {}): Component {
    const context = options.bare ? { ...this.#invokerContext, token: () => undefined } : this.#invokerContext;
    const invoker = new ReconnectingInvoker(target, context);
    return new Component(interfaceName, invoker, options.bare ? withoutHooks : this.#pipeline);
  }

  #hasHooks(): boolean {
    return this.prehooks.length + this.posthooks.length + this.#middleware.length > 0;
  }

  /** One for all components. */
  readonly #pipeline: CallPipeline = (component, call, shape) => {
    if (this.#closed) {
      discardSources(valuesOf(call.args));
      return rejected(rpcError("CLOSED", "The client was closed", { interface: call.interface, method: call.method }));
    }
    if (!this.#hasHooks()) return component.invoker.call(call, shape);
    return new CallPromise((resolve, reject) => {
      this.#hooked(component, call, component.invoker).then(shape).then(resolve, reject);
    });
  };

  /** Middleware stands around the hooks, the hooks around the call. */
  #hooked(component: Component, call: OutgoingCall, invoker: ReconnectingInvoker): Promise<Answer> {
    let hasBegun = false;
    const { args: original } = call;
    const repeat = (again: OutgoingCall): Promise<Answer> => this.#hooked(component, again, invoker);
    const innermost = async (outgoing: OutgoingCall): Promise<Answer> => {
      let changed = outgoing;
      for (const hook of this.prehooks) changed = await hook(component, changed);
      hasBegun = true;
      let answer = await invoker.invoke({ ...changed, repeat, original, named: call.named });
      for (const hook of this.posthooks) answer = await hook(component, answer);
      return answer;
    };
    const step = (index: number, outgoing: OutgoingCall): Promise<Answer> => {
      const middleware = this.#middleware[index];
      return middleware ? middleware(outgoing, (next) => step(index + 1, next)) : innermost(outgoing);
    };
    // What the call is given is ended with it, also when it does not get as far as being one.
    holdSources(valuesOf(call.args));
    return step(0, call).finally(() => {
      if (!hasBegun) discardSources(valuesOf(call.args));
    });
  }
}

/** Neither hooks nor middleware. */
const withoutHooks: CallPipeline = (component, call, shape) => component.invoker.call(call, shape);

function nameserversOf(options: ClientOptions): readonly string[] {
  const named = options.nameserver ?? process.env.LAMPLIGHTER_NAMESERVER;
  if (named === undefined || named === "") {
    return [isOfferedLocally(NAMESERVER_INTERFACE) ? LOCAL_ADDRESS : CLIENT_DEFAULTS.nameserver];
  }
  return typeof named === "string" ? [named] : named;
}

function requireName(interfaceName: unknown): void {
  if (typeof interfaceName === "string" && interfaceName !== "") return;
  const got = interfaceName === "" ? "an empty one" : typeof interfaceName;
  throw new ConfigurationError(`An interface is named by a string such as "com.foo.example", got ${got}`);
}

function checkOptions(options: ClientOptions): void {
  const positive = [
    "timeoutMs",
    "connectTimeoutMs",
    "maxMessageBytes",
    "maxInFlight",
    "maxInFlightBytes",
    "idleTimeoutMs",
    "maxReferences",
  ] as const;
  for (const name of positive) {
    const value = options[name];
    if (value !== undefined && !(typeof value === "number" && value > 0)) {
      throw new ConfigurationError(`The option ${name} must be a number above 0, got ${String(value)}`);
    }
  }
}

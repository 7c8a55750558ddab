import { rpcError } from "../errors.js";
import { unwrapResult } from "../peer/arguments.js";
import { type CallPromise, rejected } from "../peer/call-promise.js";
import { type Contract, fromIntrospection, INTROSPECT, type Introspection } from "../peer/contract.js";
import type { Answer, CallOptions, OutgoingCall } from "../peer/invoker.js";
import type { NamedCall } from "../peer/named-call.js";
import { createProxy, handleOf, type ProxyHandle } from "../peer/proxy.js";
import type { Remote, RemotePromise, TypedAs } from "../peer/remote.js";
import type { Extensions } from "../wire/message.js";
import type { ReconnectingInvoker } from "./reconnecting-invoker.js";

/** Everything that an answer carries. */
export interface FullAnswer {
  /** The raw result. */
  readonly result: unknown;
  /** Bytes beside the result; empty is not absent. */
  readonly attachment: Uint8Array | undefined;
  /** Session that answered, for stateful interfaces. */
  readonly sessionId: string | undefined;
  /** Members beside the result, keyed by dotted names. */
  readonly extensions: Extensions | undefined;
}

/** How a proxy or component is doing. */
export interface ComponentStatus {
  /** `idle`: no call was made yet, or the connection is gone and the next call makes a new one. */
  readonly state: "idle" | "connected" | "closed";
  /** Dotted name of the interface. */
  readonly interface: string;
  /** Service path of the instance in use, once there is one. */
  readonly service: string | undefined;
  /** Address of the instance in use, once there is one. */
  readonly address: string | undefined;
  /** Session, for stateful interfaces, once one is open. */
  readonly sessionId: string | undefined;
}

/**
 * Runs a call through the client's hooks and middleware to the invoker, and makes of the answer what the caller wants.
 */
export type CallPipeline = <T>(
  component: Component,
  call: OutgoingCall,
  shape: (answer: Answer) => T,
) => CallPromise<T>;

/**
 * Handle to one interface, with explicit verbs. PyCOM: `BaseComponent`. Made by `client.component`, `locate` and
 * {@link componentOf}; {@link proxy} makes a proxy of it. Both share one session.
 */
export class Component {
  readonly #interface: string;
  readonly #invoker: ReconnectingInvoker;
  readonly #pipeline: CallPipeline;
  #closed = false;
  #methods: readonly string[] = [];
  #contract: Contract | undefined;

  /** Made by the client. @internal */
  constructor(interfaceName: string, invoker: ReconnectingInvoker, pipeline: CallPipeline) {
    this.#interface = interfaceName;
    this.#invoker = invoker;
    this.#pipeline = pipeline;
  }

  /** Carries its calls out, without hooks. @internal */
  get invoker(): ReconnectingInvoker {
    return this.#invoker;
  }

  /** Carries its calls out, with hooks. @internal */
  get pipeline(): CallPipeline {
    return this.#pipeline;
  }

  /** Dotted name of the interface. */
  get name(): string {
    return this.#interface;
  }

  /** Names of the interface's methods, as far as a contract has been seen. */
  get methods(): readonly string[] {
    const contract = this.#invoker.instance?.ready(this.#interface)?.contract;
    if (contract && contract !== this.#contract) {
      this.#contract = contract;
      this.#methods = [...contract.methods.keys()];
    }
    return this.#methods;
  }

  /** How it is doing; looks, asks nobody. */
  get status(): ComponentStatus {
    const { instance } = this.#invoker;
    const connected = instance?.ready(this.#interface) !== undefined;
    return {
      state: this.#closed ? "closed" : connected ? "connected" : "idle",
      interface: this.#interface,
      service: instance?.record.service,
      address: instance?.address,
      sessionId: this.#invoker.sessionId,
    };
  }

  /**
   * Calls a method with arguments in the wire's shape, sent as they are, and returns the raw result.
   *
   * @param args - default `null`
   * @throws RpcError with code and outcome
   */
  async invoke(method: string, args: unknown = null, options: CallOptions = {}): Promise<unknown> {
    return await this.#run(method, { raw: args }, options, toResult);
  }

  /** As {@link Component.invoke}, with everything that the answer carries. */
  async invokeFull(method: string, args: unknown = null, options: CallOptions = {}): Promise<FullAnswer> {
    return await this.#run(method, { raw: args }, options, toFullAnswer);
  }

  /**
   * What the interface says of itself (docs/pycom-wire.md, section 11).
   *
   * @throws MethodNotFoundError when it has no introspection
   */
  async introspect(options: CallOptions = {}): Promise<Introspection> {
    return (await this.#run(INTROSPECT, { raw: null }, options, toResult)) as Introspection;
  }

  /** Calls with arguments as a proxy takes them, and returns the raw result with everything else. @internal */
  async callFull(method: string, values: readonly unknown[], options: CallOptions = {}): Promise<FullAnswer> {
    return await this.#run(method, { positional: values }, options, toFullAnswer);
  }

  /** Calls as a proxy does: the contract maps arguments and unwraps the result. @internal */
  call(method: string, values: readonly unknown[], options: CallOptions): CallPromise<unknown> {
    return this.#run(method, { positional: values }, options, toValue);
  }

  /** As {@link Component.call}, for a caller that goes on with the call even if this process is killed. @internal */
  callNamed(method: string, values: readonly unknown[], options: CallOptions, named: NamedCall): Promise<unknown> {
    return this.#run(method, { positional: values }, options, toValue, named);
  }

  /** Takes up a session that was opened elsewhere, such as by an earlier process. */
  async resumeSession(sessionId: string, options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    await this.#invoker.resume(sessionId, AbortSignal.timeout(options.timeoutMs ?? 30_000));
  }

  /** One line that says what this is and how it is. */
  describe(): string {
    const { state, address, sessionId } = this.status;
    const where = address ?? this.#invoker.label;
    const at = where === this.#interface ? "" : ` @ ${where}`;
    return `RemoteProxy<${this.#interface}${at} ${sessionId === undefined ? "" : `session=${sessionId} `}${state}>`;
  }

  /** Ends the use of this component; nothing is sent. Further calls fail with `CLOSED`. Idempotent. */
  close(): Promise<void> {
    this.#closed = true;
    this.#invoker.close();
    return Promise.resolve();
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run<T>(
    method: string,
    args: OutgoingCall["args"],
    options: CallOptions,
    shape: (answer: Answer) => T,
    named?: NamedCall,
  ): CallPromise<T> {
    if (typeof method !== "string" || method === "") {
      return rejected(rpcError("BAD_REQUEST", `A method's name must be a string, got ${typeof method}`));
    }
    const call: OutgoingCall = {
      interface: this.#interface,
      method,
      args,
      extensions: options.extensions,
      attachment: options.attachment,
      options,
      named,
    };
    return this.#pipeline(this, call, method === INTROSPECT ? (answer) => shape(this.#learn(answer)) : shape);
  }

  /** For completion and `Object.keys`, also where nothing but introspection was called. */
  #learn(answer: Answer): Answer {
    const { methods } = fromIntrospection(answer.result);
    if (methods.size > 0) this.#methods = [...methods.keys()];
    return answer;
  }
}

function toResult(answer: Answer): unknown {
  return answer.result;
}

function toFullAnswer({ result, attachment, sessionId, extensions }: Answer): FullAnswer {
  return { result, attachment, sessionId, extensions };
}

/** What a proxy returns. */
function toValue(answer: Answer): unknown {
  return unwrapResult(answer.result, answer.attachment, answer.contract);
}

/** The handle of a proxy over a component. */
class ComponentHandle implements ProxyHandle {
  readonly component: Component;
  readonly options: CallOptions;
  readonly locals: ReadonlyMap<string, unknown> | undefined;

  constructor(component: Component, options: CallOptions, locals: ReadonlyMap<string, unknown> | undefined) {
    this.component = component;
    this.options = options;
    this.locals = locals;
  }

  invoke(method: string, args: readonly unknown[]): RemotePromise<unknown> {
    return this.component.call(method, args, this.options);
  }

  describe(): string {
    return this.component.describe();
  }

  methods(): readonly string[] {
    return this.component.methods;
  }

  close(): Promise<void> {
    return this.component.close();
  }

  withOptions(options: CallOptions): ProxyHandle {
    return new ComponentHandle(this.component, { ...this.options, ...options }, this.locals);
  }
}

const NO_OPTIONS: CallOptions = {};

/** A proxy over a component; both share one session. The opposite of {@link componentOf}. */
export function proxy<T extends object>(component: Component & TypedAs<T>): Remote<T>;
/** The same, of a component that does not tell its methods. */
export function proxy<T>(component: Component, locals?: ReadonlyMap<string, unknown>): Remote<T>;
export function proxy<T>(component: Component, locals?: ReadonlyMap<string, unknown>): Remote<T> {
  return createProxy<T>(new ComponentHandle(component, NO_OPTIONS, locals));
}

/**
 * The component behind a proxy.
 *
 * @throws ConfigurationError for anything that is no proxy
 */
export function componentOf(remote: object): Component {
  return componentHandleOf(remote).component;
}

/**
 * The same proxy with other options for its calls: `withOptions(query, { timeoutMs: 500 }).create(42)`. Options that are
 * not named stay as they are; session and connection are shared.
 *
 * @throws ConfigurationError for anything that is no proxy
 */
export function withOptions<R extends object>(remote: R, options: CallOptions): R {
  const handle = handleOf(remote);
  if (!handle.withOptions) throw rpcError("CONFIGURATION", "The calls of this proxy take no options");
  return createProxy(handle.withOptions(options)) as unknown as R;
}

/**
 * What the interface behind a proxy says of itself.
 *
 * @throws MethodNotFoundError when it has no introspection
 */
export async function introspect(remote: object, options?: CallOptions): Promise<Introspection> {
  return componentOf(remote).introspect(options);
}

/** How a proxy is doing; looks, asks nobody. */
export function statusOf(remote: object): ComponentStatus {
  return componentOf(remote).status;
}

/** Ends the use of a proxy. Further calls fail with `CLOSED`; the connection stays for others. Idempotent. */
export function close(remote: object): Promise<void> {
  return handleOf(remote).close();
}

function componentHandleOf(remote: object): ComponentHandle {
  const handle = handleOf(remote);
  if ("component" in handle) return handle as ComponentHandle;
  throw rpcError("CONFIGURATION", "This proxy has no component behind it");
}

import { inspect } from "node:util";
import { ConfigurationError } from "../errors.js";
import { shared } from "../util/shared.js";
import type { CallOptions } from "./invoker.js";
import { ABSENT_NAMES } from "./proxy-names.js";
import type { Blocking, Dynamic, Remote, RemotePromise } from "./remote.js";

/**
 * What stands behind a proxy.
 *
 * @typeParam R - what a call returns: a promise of the result, or where the caller is blocked meanwhile the result itself
 */
export interface ProxyHandle<R = RemotePromise<unknown>> {
  /** Calls a remote method by its full name. */
  invoke(method: string, args: readonly unknown[]): R;
  /** One line that says what this is and how it is, such as `RemoteProxy<com.foo.example @ tcp://… connected>`. */
  describe(): string;
  /** Names of remote methods, once the contract is known; for completion. */
  methods(): readonly string[];
  /** Properties that this proxy answers itself, such as the `locate` of the nameserver's. */
  readonly locals?: ReadonlyMap<string, unknown> | undefined;
  /** Ends the use of the proxy. */
  close(): Promise<void>;
  /** The same where it takes no waiting, for `using`. */
  dispose?(): void;
  /** The same with other options for its calls; absent: its calls take none. */
  withOptions?(options: CallOptions): ProxyHandle<R>;
}

/** Where a proxy's handle is found by the functions over proxies. */
const handles = shared("handles", () => new WeakMap<object, ProxyHandle<unknown>>());

/**
 * Makes a proxy over a handle. It only translates property paths into calls; whatever else is decided lies behind the
 * handle. What the runtime and its tools read of any object unasked is answered locally, so that a proxy can be awaited,
 * returned, printed, serialised and compared without a call.
 */
export function createProxy<T = Dynamic>(handle: ProxyHandle<unknown>): Remote<T> {
  const root = new Proxy(Object.create(describedByHandle) as object, new RootTraps(handle));
  handles.set(root, handle);
  // The one cast of this kind: from here on the type parameter speaks for the remote side.
  return root as Remote<T>;
}

/**
 * The handle behind a proxy.
 *
 * @throws ConfigurationError for anything that is no proxy of this package
 */
export function handleOf(proxy: unknown): ProxyHandle<unknown> {
  const handle = typeof proxy === "object" && proxy !== null ? handles.get(proxy) : undefined;
  if (handle) return handle;
  throw new ConfigurationError("This is no proxy of a remote service; locate() and connect() make some");
}

/** Is this a proxy of this package? */
export function isProxy(value: object): boolean {
  return handles.has(value);
}

/**
 * Calls a remote method by name, including names that a proxy answers itself: `call(query, "then", 1)`.
 *
 * @throws ConfigurationError when the first argument is no proxy
 */
export function call(proxy: Blocking, method: string, ...args: unknown[]): unknown;
/** The same, of a proxy whose calls return promises. */
export function call(proxy: object, method: string, ...args: unknown[]): RemotePromise<unknown>;
export function call(proxy: object, method: string, ...args: unknown[]): unknown {
  return handleOf(proxy).invoke(method, args);
}

class RootTraps implements ProxyHandler<object> {
  protected readonly handle: ProxyHandle<unknown>;
  protected readonly path: string;
  /** Most proxies are idle, and many of them should cost little: what only some need is made when they do. */
  #children: Map<string, unknown> | undefined;
  #print: (() => string) | undefined;

  constructor(handle: ProxyHandle<unknown>, path = "") {
    this.handle = handle;
    this.path = path;
  }

  get(target: object, key: string | symbol): unknown {
    if (typeof key === "symbol") return this.#symbol(target, key);
    const child = this.#children?.get(key);
    if (child !== undefined) return child;
    if (ABSENT_NAMES.has(key)) return undefined;
    return this.local(target, key) ?? this.#child(key);
  }

  has(_target: object, key: string | symbol): boolean {
    return typeof key === "string" && this.names().includes(key);
  }

  ownKeys(target: object): (string | symbol)[] {
    const own = Reflect.ownKeys(target);
    return [...new Set([...own, ...this.names()])];
  }

  getOwnPropertyDescriptor(target: object, key: string | symbol): PropertyDescriptor | undefined {
    const own = Reflect.getOwnPropertyDescriptor(target, key);
    if (own || typeof key === "symbol" || !this.names().includes(key)) return own;
    return { value: this.get(target, key), enumerable: true, configurable: true, writable: false };
  }

  set(_target: object, key: string | symbol): boolean {
    throw new TypeError(
      `Cannot set ${String(key)}: ${this.print()} stands for a remote service, which has only methods`,
    );
  }

  defineProperty(_target: object, key: string | symbol): boolean {
    return this.set(_target, key);
  }

  deleteProperty(_target: object, key: string | symbol): boolean {
    return this.set(_target, key);
  }

  setPrototypeOf(): boolean {
    return false;
  }

  getPrototypeOf(target: object): object | null {
    return typeof target === "function" ? Reflect.getPrototypeOf(target) : null;
  }

  /** Members that have a meaning of their own here. */
  protected local(_target: object, key: string): unknown {
    switch (key) {
      case "toJSON":
      case "toString":
      case "valueOf":
      case "inspect":
        return this.printer();
      case "constructor":
        return Object;
      default:
        return this.path === "" ? this.handle.locals?.get(key) : undefined;
    }
  }

  protected printer(): () => string {
    this.#print ??= () => this.print();
    return this.#print;
  }

  protected print(): string {
    return this.handle.describe();
  }

  /** Next segments of the known methods below this path. */
  protected names(): string[] {
    const prefix = this.path === "" ? "" : `${this.path}.`;
    const names = new Set<string>();
    for (const method of this.handle.methods()) {
      if (!method.startsWith(prefix)) continue;
      const segment = method.slice(prefix.length).split(".")[0];
      if (segment) names.add(segment);
    }
    return [...names];
  }

  #symbol(target: object, key: symbol): unknown {
    switch (key) {
      case Symbol.toPrimitive:
        return this.printer();
      case Symbol.toStringTag:
        return "RemoteProxy";
      case Symbol.dispose:
        return this.path === "" ? this.handle.dispose?.bind(this.handle) : undefined;
      case Symbol.asyncDispose:
        return this.path === "" ? () => this.handle.close() : undefined;
      case inspect.custom:
        return Reflect.get(target, key);
      default:
        return undefined;
    }
  }

  #child(key: string): unknown {
    const path = this.path === "" ? key : `${this.path}.${key}`;
    const { handle } = this;
    // An arrow function has no property that would be fixed on the target and so show through the traps.
    const target = (...args: unknown[]): unknown => handle.invoke(path, args);
    describeForNode(target, handle, path);
    const child = new Proxy(target, new MethodTraps(handle, path));
    this.#children ??= new Map();
    if (this.#children.size < MAX_CHILDREN) this.#children.set(key, child);
    return child;
  }
}

/** Traps of a path below a proxy: a method, or the way to one. */
class MethodTraps extends RootTraps {
  protected override local(target: object, key: string): unknown {
    switch (key) {
      case "call":
      case "apply":
      case "bind":
        return Reflect.get(Function.prototype, key);
      case "name":
        return this.path;
      case "length":
        return 0;
      case "constructor":
        return Function;
      default:
        return super.local(target, key);
    }
  }

  protected override print(): string {
    return printMethod(this.handle, this.path);
  }
}

/** Child proxies that are kept per node, so that `p.a === p.a`; a program that makes names up meets an end. */
const MAX_CHILDREN = 10_000;

/** Node prints a proxy through its target, without asking the traps; `this` is the proxy all the same. */
const describedByHandle = Object.create(null, {
  [inspect.custom]: {
    value(this: object) {
      return handles.get(this)?.describe() ?? "RemoteProxy";
    },
  },
}) as object;

/** The same for a method. */
function describeForNode(target: object, handle: ProxyHandle<unknown>, path: string): void {
  Object.defineProperty(target, inspect.custom, { value: () => printMethod(handle, path), configurable: true });
}

function printMethod(handle: ProxyHandle<unknown>, path: string): string {
  return handle.describe().replace(/^RemoteProxy</, `RemoteMethod<${path} of `);
}

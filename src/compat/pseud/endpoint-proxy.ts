import { ConfigurationError } from "../../errors.js";
import type { CallPromise } from "../../peer/call-promise.js";
import type { CallOptions } from "../../peer/invoker.js";
import { createProxy, handleOf, isProxy, type ProxyHandle } from "../../peer/proxy.js";
import type { Dynamic, Remote } from "../../peer/remote.js";
import type { Addressee } from "./calls.js";
import type { Endpoint } from "./endpoint.js";
import type { PeerInfo } from "./events.js";
import type { Fallback } from "./jobs.js";

/** What stands behind the proxy of an endpoint, or of one peer of it. */
export class EndpointHandle implements ProxyHandle {
  readonly locals: ReadonlyMap<string, unknown> | undefined;
  /** The endpoint. */
  readonly endpoint: Endpoint;
  readonly #addressee: Addressee | undefined;
  readonly #options: CallOptions;

  /**
   * Makes one.
   *
   * @param addressee - who is called; `undefined`: nobody, as long as `sendTo` does not say
   * @param locals - the endpoint's own verbs; absent: this is not the endpoint itself
   */
  constructor(
    endpoint: Endpoint,
    addressee: Addressee | undefined,
    locals?: ReadonlyMap<string, unknown>,
    options: CallOptions = {},
  ) {
    this.endpoint = endpoint;
    this.#addressee = addressee;
    this.locals = locals;
    this.#options = options;
  }

  /** Calls that go to somebody by themselves; `undefined` for those of a server. */
  get remote(): Fallback["remote"] {
    return this.#addressee && ((name, args) => this.invoke(name, args));
  }

  invoke(method: string, args: readonly unknown[]): CallPromise<unknown> {
    return this.endpoint.calls.call(this.#addressee, method, args, this.#options);
  }

  describe(): string {
    const to = this.#addressee && this.#addressee.name !== "" ? ` to ${this.#addressee.name}` : "";
    return `RemoteProxy<${this.endpoint.describe()}${to}>`;
  }

  methods(): readonly string[] {
    return [];
  }

  close(): Promise<void> {
    return this.locals ? this.endpoint.stop() : Promise.resolve();
  }

  withOptions(options: CallOptions): ProxyHandle {
    return new EndpointHandle(this.endpoint, this.#addressee, this.locals, { ...this.#options, ...options });
  }
}

/** A proxy of one peer of an endpoint. */
export function peerOf(endpoint: Endpoint, addressee: Addressee): Remote<Dynamic> {
  return createProxy(new EndpointHandle(endpoint, addressee));
}

/** The endpoint behind a proxy; `undefined` for anything else. */
export function endpointHandleOf(value: unknown): EndpointHandle | undefined {
  if (typeof value !== "object" || value === null || !isProxy(value)) return undefined;
  const handle = handleOf(value);
  return handle instanceof EndpointHandle ? handle : undefined;
}

/** The peers of an endpoint that are known by now, in the order in which they came. */
export function peersOf(endpoint: object): readonly PeerInfo[] {
  return requireEndpoint(endpoint).peers;
}

/**
 * Ends the connection that an endpoint keeps to an address; calls that wait for answers there fail.
 *
 * @returns whether there was one
 */
export function disconnect(endpoint: object, address: string): boolean {
  return requireEndpoint(endpoint).disconnect(address);
}

function requireEndpoint(value: object): Endpoint {
  const handle = endpointHandleOf(value);
  if (handle?.locals) return handle.endpoint;
  throw new ConfigurationError("This is neither a Server nor a Client of pseud");
}

/**
 * Where jobs are looked for that are not found: another endpoint's own, then whatever it calls; or anything remote.
 *
 * @throws ConfigurationError for what is neither
 */
export function fallbackTo(target: object): Fallback {
  const own = endpointHandleOf(target);
  if (own?.locals) return { jobs: own.endpoint, remote: own.remote };
  const handle = handleOf(target);
  return { remote: (name, args) => handle.invoke(name, args) };
}

import type { Dynamic, Remote } from "../../peer/remote.js";
import type { JobFunction, JobOptions } from "./registry.js";

/** The own verbs of servers and clients; every other name is a remote one. */
export interface EndpointVerbs {
  /**
   * Takes connections at an address; may be called for several.
   *
   * @returns the real address, with the real port
   * @throws ConfigurationError for a wrong address or a port in use, and for an endpoint that was stopped
   */
  bind(address: string): Promise<string>;
  /**
   * Keeps a connection to an address from now on, and makes it again when it breaks; may be called for several. Does not wait
   * for it: calls do.
   *
   * @throws ConfigurationError for a wrong address, and for an endpoint that was stopped
   */
  connect(address: string): Promise<void>;
  /**
   * As in pseud. There is nothing to do: an endpoint that is bound or connected takes calls.
   *
   * @throws ConfigurationError when it is neither
   */
  start(): Promise<void>;
  /**
   * Refuses new calls, lets running jobs finish (`drainTimeoutMs`), closes all connections. An endpoint that was stopped cannot be
   * started again. Idempotent.
   */
  stop(): Promise<void>;
  /**
   * Lets peers call a function. One that has the same name and domain is replaced.
   *
   * @returns the function
   * @throws ConfigurationError when it has no name
   */
  register<F extends JobFunction>(run: F, options?: JobOptions): F;
  /**
   * Where to look for jobs that are not registered here: another endpoint of this process, or the proxy of anything remote.
   * `undefined` ends it.
   *
   * @throws ConfigurationError for anything else
   */
  proxyTo(target: object | undefined): void;
  /**
   * A proxy of one peer, by its user or id: `server.sendTo<Painter>("alice").draw("sheep")`. Nothing is sent yet.
   *
   * @typeParam T - what it lets itself be called; default: nothing is known of that at compile time
   */
  sendTo<T = Dynamic>(name: string | Uint8Array): Remote<T>;
}

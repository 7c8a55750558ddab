import {
  Client,
  type ClientOptions,
  Host,
  type HostOptions,
  NameserverHost,
  type NameserverHostOptions,
} from "../../src/index.js";
import type { Provided } from "../../src/peer/exposed/definition.js";

/** What a test opens through {@link useMesh} is closed after each test, in the opposite order. */
export interface Mesh {
  /** Starts a nameserver on a free port. */
  nameserver(options?: NameserverHostOptions): Promise<NameserverHost>;
  /** Starts a host on a free port; without a nameserver unless one is named. */
  host(provided: readonly Provided[], options?: HostOptions): Promise<Host>;
  /** Makes a client. */
  client(options?: ClientOptions): Client;
  /** Whatever else has to be closed. */
  own<T extends { close(): unknown }>(resource: T): T;
}

/** A nameserver, hosts and clients on real sockets, closed by a hook after each test. */
export function useMesh(): Mesh {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const resource of open.splice(0).reverse()) await resource.close();
  });
  const own = <T extends { close(): unknown }>(resource: T): T => {
    open.push(resource);
    return resource;
  };
  return {
    own,
    async nameserver(options = {}) {
      const nameserver = own(new NameserverHost({ address: "tcp://127.0.0.1:0", ...options }));
      await nameserver.start();
      return nameserver;
    },
    async host(provided, options = {}) {
      const host = own(new Host({ nameserver: false, ...options }));
      for (const one of provided) host.provide(one);
      await host.start();
      return host;
    },
    client: (options = {}) => own(new Client({ nameserver: "tcp://127.0.0.1:1", ...options })),
  };
}

/** The error that a promise rejects with; fails when it does not. */
export async function failureOf(promise: PromiseLike<unknown>): Promise<import("../../src/index.js").RpcError> {
  try {
    await promise;
  } catch (error) {
    return error as import("../../src/index.js").RpcError;
  }
  throw new Error("expected a rejection");
}

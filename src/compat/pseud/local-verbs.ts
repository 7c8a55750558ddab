import type { Endpoint } from "./endpoint.js";
import type { EndpointVerbs } from "./verbs.js";

/** The verbs of an endpoint, for its proxy. */
export function localVerbs(
  endpoint: Endpoint,
  own: Pick<EndpointVerbs, "proxyTo"> & { readonly sendTo: (name: string | Uint8Array) => object },
): ReadonlyMap<string, unknown> {
  const verbs: Record<keyof EndpointVerbs, unknown> = {
    bind: (address: string) => endpoint.bind(address),
    connect: (address: string) => {
      endpoint.connect(address);
      return Promise.resolve();
    },
    start: () => {
      endpoint.start();
      return Promise.resolve();
    },
    stop: () => endpoint.stop(),
    register: (...args: Parameters<Endpoint["register"]>) => endpoint.register(...args),
    proxyTo: own.proxyTo,
    sendTo: own.sendTo,
  };
  return new Map(Object.entries(verbs));
}

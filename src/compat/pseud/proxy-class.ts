import { endpointHandleOf } from "./endpoint-proxy.js";

/**
 * A class whose objects are proxies: what is no verb of theirs is a remote name.
 *
 * @param kind - of the endpoints behind them
 * @param make - makes an object
 */
export function proxyClass<O>(
  name: string,
  kind: "server" | "client",
  make: (options: O) => object,
): new (
  options: O,
) => object {
  // What a constructor returns that is an object takes the place of the one that was begun.
  const construct = function (options: O): object {
    return make(options);
  };
  Object.defineProperties(construct, {
    name: { value: name },
    [Symbol.hasInstance]: { value: (value: unknown) => endpointHandleOf(value)?.endpoint.kind === kind },
  });
  return construct as unknown as new (
    options: O,
  ) => object;
}

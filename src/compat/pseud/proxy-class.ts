import { endpointHandleOf } from "./endpoint-proxy.js";

/**
 * The class of endpoints of a kind: what is no verb of theirs is a remote name.
 *
 * @param make - makes an object
 */
export function proxyClass<O>(
  name: string,
  kind: "server" | "client",
  make: (options: O) => object,
): new (
  options: O,
) => object {
  return classOfProxies(name, (value) => endpointHandleOf(value)?.endpoint.kind === kind, make);
}

/**
 * A class whose objects are proxies.
 *
 * @param isInstance - is a value one of its objects?
 * @param make - makes an object
 */
export function classOfProxies<O>(
  name: string,
  isInstance: (value: unknown) => boolean,
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
    [Symbol.hasInstance]: { value: isInstance },
  });
  return construct as unknown as new (
    options: O,
  ) => object;
}

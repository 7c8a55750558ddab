import { rpcError } from "../../errors.js";
import { createProxy, type ProxyHandle } from "../proxy.js";
import type { RemotePromise } from "../remote.js";
import { callReference } from "./call-reference.js";
import { type Import, importOf, standsFor } from "./import.js";

/** What stands for a function of the other end: a function. `using` and `release()` let go of it. */
export function remoteFunction(reference: Import): (...args: unknown[]) => RemotePromise<unknown> {
  const call = (...args: unknown[]): RemotePromise<unknown> => callReference(reference, "", args);
  const release = (): void => {
    reference.release();
  };
  Object.defineProperty(call, Symbol.dispose, { value: release });
  Object.defineProperty(call, Symbol.asyncDispose, {
    value: () => {
      reference.release();
      return Promise.resolve();
    },
  });
  standsFor(call, reference);
  return call;
}

/** What stands for an object of the other end: a proxy. */
export function remoteObject(reference: Import): object {
  const proxy = createProxy(new ReferenceHandle(reference));
  standsFor(proxy, reference);
  return proxy;
}

/**
 * Lets go of a function or object that is a reference to something elsewhere; the same as leaving the scope of `using`.
 *
 * @throws RpcError with code `CONFIGURATION` for anything that is none
 */
export function release(reference: object): void {
  const held = importOf(reference);
  if (!held) throw rpcError("CONFIGURATION", "This is no reference to something elsewhere");
  held.release();
}

class ReferenceHandle implements ProxyHandle {
  readonly #reference: Import;

  constructor(reference: Import) {
    this.#reference = reference;
  }

  invoke(method: string, args: readonly unknown[]): RemotePromise<unknown> {
    return callReference(this.#reference, method, args);
  }

  describe(): string {
    return this.#reference.describe();
  }

  methods(): readonly string[] {
    return this.#reference.latest.shape.methods;
  }

  close(): Promise<void> {
    this.dispose();
    return Promise.resolve();
  }

  dispose(): void {
    this.#reference.release();
  }
}

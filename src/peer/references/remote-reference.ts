import { rpcError } from "../../errors.js";
import { shared } from "../../util/shared.js";
import { CallPromise } from "../call-promise.js";
import { createProxy, type ProxyHandle } from "../proxy.js";
import type { RemotePromise } from "../remote.js";

/** How references of one connection speak to the other end. */
export interface ReferenceControl {
  /** Calls a method of what the other end has exported, `""` for a function itself. */
  call(id: number, method: string, args: readonly unknown[]): CallPromise<unknown>;
  /** Lets go of it. */
  release(reference: Import): void;
  /** The other end, for people. */
  readonly label: string;
}

/** A reference that was received: what stands for something of the other end. */
export class Import {
  /** Its number at the other end. */
  readonly id: number;
  /** The connection that it belongs to. */
  readonly control: ReferenceControl;
  /** Names of its methods; none for a function. */
  readonly methods: readonly string[];
  /** How often it was received since it was released last. */
  count = 0;
  /** Is the connection gone? */
  isLost = false;
  #isReleased = false;

  constructor(id: number, control: ReferenceControl, methods: readonly string[]) {
    this.id = id;
    this.control = control;
    this.methods = methods;
  }

  /** Calls it. */
  call(method: string, args: readonly unknown[]): CallPromise<unknown> {
    if (!this.#isReleased && !this.isLost) return this.control.call(this.id, method, args);
    const why = this.#isReleased ? "was released" : `went with its connection to ${this.control.label}`;
    return new CallPromise((_resolve, reject) => {
      reject(rpcError("REFERENCE_LOST", `The reference ${why}; obtain it again`, { method }));
    });
  }

  /** Lets go of it. Idempotent. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (!this.isLost) this.control.release(this);
  }

  /** One line that says what this is and how it is. */
  describe(): string {
    const state = this.#isReleased ? "released" : this.isLost ? "lost" : "held";
    return `RemoteProxy<reference ${this.id} @ ${this.control.label} ${state}>`;
  }
}

/** The reference behind each function or proxy that stands for one. */
const imports = shared("references", () => new WeakMap<object, Import>());

/** Is this something that stands for a reference? */
export function isRemote(value: object): boolean {
  return imports.has(value);
}

/** The reference that a value stands for. */
export function importOf(value: object): Import | undefined {
  return imports.get(value);
}

/** What stands for a function of the other end: a function. `using` and `release()` let go of it. */
export function remoteFunction(reference: Import): (...args: unknown[]) => RemotePromise<unknown> {
  const call = (...args: unknown[]): RemotePromise<unknown> => reference.call("", args);
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
  imports.set(call, reference);
  return call;
}

/** What stands for an object of the other end: a proxy. */
export function remoteObject(reference: Import): object {
  const proxy = createProxy(new ReferenceHandle(reference));
  imports.set(proxy, reference);
  return proxy;
}

/**
 * Lets go of a function or object that is a reference to something elsewhere; the same as leaving the scope of `using`.
 *
 * @throws RpcError with code `CONFIGURATION` for anything that is none
 */
export function release(reference: object): void {
  const held = imports.get(reference);
  if (!held) throw rpcError("CONFIGURATION", "This is no reference to something elsewhere");
  held.release();
}

class ReferenceHandle implements ProxyHandle {
  readonly #reference: Import;

  constructor(reference: Import) {
    this.#reference = reference;
  }

  invoke(method: string, args: readonly unknown[]): RemotePromise<unknown> {
    return this.#reference.call(method, args);
  }

  describe(): string {
    return this.#reference.describe();
  }

  methods(): readonly string[] {
    return this.#reference.methods;
  }

  close(): Promise<void> {
    this.#reference.release();
    return Promise.resolve();
  }
}

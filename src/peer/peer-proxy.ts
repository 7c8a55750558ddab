import { rpcError } from "../errors.js";
import { CallPromise } from "./call-promise.js";
import { createProxy, type ProxyHandle } from "./proxy.js";
import type { Dynamic, Remote } from "./remote.js";

/** What a peer proxy needs of the connection. */
export interface PeerCaller {
  /** The other end, for people. */
  readonly label: string;
  /** Calls a method of what the other end exposes; arguments in order. */
  callPeer(interfaceName: string, method: string, args: readonly unknown[]): CallPromise<unknown>;
}

/** A proxy of what the other end of a connection exposes: the same connection, the other way. */
export function peerProxy(caller: PeerCaller, interfaceName: string): Remote<Dynamic> {
  return createProxy(new PeerHandle(caller, interfaceName));
}

class PeerHandle implements ProxyHandle {
  readonly #caller: PeerCaller;
  readonly #interface: string;
  #closed = false;

  constructor(caller: PeerCaller, interfaceName: string) {
    this.#caller = caller;
    this.#interface = interfaceName;
  }

  invoke(method: string, args: readonly unknown[]): CallPromise<unknown> {
    if (!this.#closed) return this.#caller.callPeer(this.#interface, method, args);
    return new CallPromise((_resolve, reject) => {
      reject(rpcError("CLOSED", `The proxy of ${this.#caller.label} was closed`, { method }));
    });
  }

  describe(): string {
    const name = this.#interface === "" ? "peer" : this.#interface;
    return `RemoteProxy<${name} @ ${this.#caller.label}${this.#closed ? " closed" : ""}>`;
  }

  methods(): readonly string[] {
    return [];
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

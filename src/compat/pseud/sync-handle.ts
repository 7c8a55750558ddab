import type { CallOptions } from "../../peer/invoker.js";
import { handleOf, isProxy, type ProxyHandle } from "../../peer/proxy.js";
import type { SyncCalls } from "./sync-calls.js";

/** What stands behind the proxy of a blocking client. */
export class SyncHandle implements ProxyHandle<unknown> {
  readonly locals: ReadonlyMap<string, unknown>;
  readonly #calls: SyncCalls;
  readonly #options: CallOptions;

  /** @param locals - the client's own verbs */
  constructor(calls: SyncCalls, locals: ReadonlyMap<string, unknown>, options: CallOptions = {}) {
    this.#calls = calls;
    this.locals = locals;
    this.#options = options;
  }

  invoke(method: string, args: readonly unknown[]): unknown {
    return this.#calls.call(method, args, this.#options);
  }

  describe(): string {
    return `RemoteProxy<${this.#calls.describe()}>`;
  }

  methods(): readonly string[] {
    return [];
  }

  close(): Promise<void> {
    this.dispose();
    return Promise.resolve();
  }

  dispose(): void {
    this.#calls.close();
  }

  withOptions(options: CallOptions): ProxyHandle<unknown> {
    return new SyncHandle(this.#calls, this.locals, { ...this.#options, ...options });
  }
}

/** Is this the proxy of a blocking client? */
export function isSyncClient(value: unknown): boolean {
  return typeof value === "object" && value !== null && isProxy(value) && handleOf(value) instanceof SyncHandle;
}

import { RpcError } from "../errors.js";
import type { Channel } from "../peer/channel.js";
import { type Contract, fromIntrospection, INTROSPECT } from "../peer/contract.js";
import { callOver } from "../peer/promise-call.js";
import type { Extensions } from "../wire/message.js";

/** What is known of an interface behind a channel: its contract, or `null` when it does not say. */
export type KnownContract = Contract | null;

/** Contracts, fetched once per connection and interface. A connection leads to one run of one process. */
export class Contracts {
  readonly #known = new WeakMap<Channel, Map<string, KnownContract>>();
  readonly #fetching = new WeakMap<Channel, Map<string, Promise<KnownContract>>>();

  /** What is known already; `undefined` when nothing was asked yet. */
  peek(channel: Channel, interfaceName: string): KnownContract | undefined {
    return this.#known.get(channel)?.get(interfaceName);
  }

  /**
   * Asks, unless it is known. An interface without introspection counts as undeclared.
   *
   * @throws RpcError when the question could not be put or was refused for another reason; nothing is remembered then
   */
  fetch(
    channel: Channel,
    interfaceName: string,
    options: { readonly deadlineAt: number; readonly extensions: Extensions | undefined },
  ): Promise<KnownContract> {
    const known = this.peek(channel, interfaceName);
    if (known !== undefined) return Promise.resolve(known);
    const running = entry(this.#fetching, channel);
    let fetching = running.get(interfaceName);
    if (!fetching) {
      fetching = this.#ask(channel, interfaceName, options).finally(() => running.delete(interfaceName));
      running.set(interfaceName, fetching);
    }
    return fetching;
  }

  async #ask(
    channel: Channel,
    interfaceName: string,
    options: { readonly deadlineAt: number; readonly extensions: Extensions | undefined },
  ): Promise<KnownContract> {
    let contract: KnownContract;
    try {
      const answer = await callOver(channel, {
        interface: interfaceName,
        method: INTROSPECT,
        args: null,
        ...options,
      });
      contract = fromIntrospection(answer.result);
    } catch (error) {
      // Introspection is optional in PyCOM: a service may say that it has none, or fail over it.
      const answered = RpcError.isRpcError(error) && UNDECLARED.has(error.code);
      if (!answered) throw error;
      contract = null;
    }
    entry(this.#known, channel).set(interfaceName, contract);
    return contract;
  }
}

/** Answers to `introspect` that say no more than that there is none. */
const UNDECLARED: ReadonlySet<string> = new Set(["METHOD_NOT_FOUND", "UNKNOWN"]);

function entry<V>(map: WeakMap<Channel, Map<string, V>>, channel: Channel): Map<string, V> {
  let inner = map.get(channel);
  if (!inner) {
    inner = new Map();
    map.set(channel, inner);
  }
  return inner;
}

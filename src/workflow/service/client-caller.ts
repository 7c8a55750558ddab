import type { Client } from "../../client/client.js";
import type { Component } from "../../client/component.js";
import { rpcError } from "../../errors.js";
import type { ServiceRecord } from "../../peer/record.js";
import { subscriber } from "../../pubsub/subscriber.js";
import type { StepCall, StepCaller } from "../engine/step-caller.js";

/** Calls services for runs, over a client. */
export class ClientCaller implements StepCaller {
  readonly #client: Client;
  /** By what is called; each keeps its connection. */
  readonly #components = new Map<string, Component>();

  /** @param client - opened and closed by somebody else */
  constructor(client: Client) {
    this.#client = client;
  }

  call(call: StepCall): Promise<unknown> {
    const { timeoutMs, idempotent, only } = call;
    const component = only ? this.#only(call.interface, only) : this.#located(call);
    // Services come and go, and runs have time.
    const options = { timeoutMs, waitForMs: timeoutMs, idempotent };
    return component.callNamed(call.method, call.args, options, call.named);
  }

  #only(interfaceName: string, record: ServiceRecord): Component {
    const component = this.#client.runComponent(record, interfaceName);
    if (component) return component;
    throw rpcError("UNAVAILABLE", `${record.service}, which got an earlier try, cannot be reached from here`, {
      interface: interfaceName,
      service: record.service,
    });
  }

  #located({ interface: name, service, tags }: StepCall): Component {
    const key = service === undefined && tags === undefined ? name : JSON.stringify([name, service, tags]);
    const known = this.#components.get(key);
    if (known) return known;
    const component = this.#client.component(name, { service, tags });
    // Definitions come and go, and each may name others.
    if (this.#components.size >= MAX_COMPONENTS) this.#components.clear();
    this.#components.set(key, component);
    return component;
  }
}

/**
 * The next value that is published under the name of an interface.
 *
 * @param topic - a prefix; default all
 * @throws RpcError when that cannot be found out; the signal's reason
 */
export async function nextPublished(
  client: Client,
  interfaceName: string,
  topic: string | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  await using values = subscriber(interfaceName, { client, topics: topic, retained: false, signal });
  for await (const value of values) return value;
  signal.throwIfAborted();
  throw rpcError("CLOSED", `What is published under ${interfaceName} has ended`, { interface: interfaceName });
}

const MAX_COMPONENTS = 1_000;

import type { BalanceStrategy } from "../../client/balancer.js";
import type { Client } from "../../client/client.js";
import type { Component } from "../../client/component.js";
import { RpcError, rpcError } from "../../errors.js";
import { type Contract, fromIntrospection, type MethodContract } from "../../peer/contract.js";
import { matchesAny, type NamePattern, namePatterns } from "../../security/name-pattern.js";
import { untilAborted } from "../../util/sleep.js";
import type { Extensions } from "../../wire/message.js";
import { HttpRefusal } from "../problem.js";

/** Which provider of an interface is meant. */
export interface CallTarget {
  /** Dotted name. */
  readonly interface: string;
  /** Exact name; absent: whichever. */
  readonly service: string | undefined;
  /** All of them must be there. */
  readonly tags: readonly string[];
}

/** A method that may be called. */
export interface Callable {
  /** Carries the call out. */
  readonly component: Component;
  /** What its service tells; absent where it tells nothing. */
  readonly contract: MethodContract | undefined;
}

/** Options of {@link Callables}. */
export interface CallablesOptions {
  /** What may be called. */
  readonly allow?: string | readonly string[] | undefined;
  /** How calls are spread over several providers. */
  readonly balance?: BalanceStrategy | undefined;
}

/** What can be called by HTTP, and what is known of it. */
export class Callables {
  readonly #client: Client;
  readonly #balance: BalanceStrategy;
  readonly #patterns: readonly NamePattern[] | undefined;
  /** Patterns that are whole names. */
  readonly #named: ReadonlySet<string>;
  readonly #known = new Map<string, Known>();

  /** `allow` are patterns of `INTERFACE` or `INTERFACE/METHOD`; absent: every one but those of the mesh itself. */
  constructor(client: Client, { allow, balance = "least-pending" }: CallablesOptions) {
    this.#client = client;
    this.#balance = balance;
    this.#patterns = namePatterns(allow);
    this.#named = new Set(typeof allow === "string" ? [allow] : allow);
  }

  /** May this method be called, as far as the options go? Of an interface without a method: may any? */
  isAllowed(interfaceName: string, method?: string): boolean {
    const whole = method === undefined ? interfaceName : `${interfaceName}/${method}`;
    if (this.#named.has(interfaceName) || this.#named.has(whole)) return true;
    if (isInternal(interfaceName)) return false;
    if (matchesAny(this.#patterns, interfaceName)) return true;
    return method === undefined
      ? [...this.#named].some((pattern) => pattern.startsWith(`${interfaceName}/`))
      : matchesAny(this.#patterns, whole);
  }

  /**
   * Looks a method up.
   *
   * @param extensions - the caller's own, for services that tell their contract only to who is known
   * @throws HttpRefusal when it may not be called
   * @throws RpcError when it is not there, or its service cannot be asked
   */
  async find(
    target: CallTarget,
    method: string,
    extensions: Extensions | undefined,
    signal: AbortSignal,
  ): Promise<Callable> {
    const name = target.interface;
    if (!this.isAllowed(name, method)) {
      throw new HttpRefusal(
        403,
        "ACCESS_DENIED",
        `${name}.${method} is not offered here; the option allow names what is`,
      );
    }
    const { component, contract } = await this.#ask(target, extensions, signal);
    const known = contract?.methods.get(method);
    if (contract?.data.publishes === true && SUBSCRIBING.has(method) && !this.#named.has(`${name}/${method}`)) {
      throw new HttpRefusal(403, "ACCESS_DENIED", `${name} is published: read it under /events/${name}`);
    }
    if (!known && !this.#named.has(`${name}/${method}`)) {
      throw rpcError("METHOD_NOT_FOUND", `${name} declares no method ${JSON.stringify(method)}`, {
        interface: name,
        method,
        outcome: "not-sent",
      });
    }
    return { component: isShareable(contract) ? component : this.#component(target), contract: known };
  }

  /** What an interface tells of itself; `undefined` when it tells nothing. */
  async contractOf(interfaceName: string, signal: AbortSignal): Promise<Contract | undefined> {
    return (await this.#ask({ interface: interfaceName, service: undefined, tags: [] }, undefined, signal)).contract;
  }

  async #ask(target: CallTarget, extensions: Extensions | undefined, signal: AbortSignal): Promise<Answered> {
    const key = JSON.stringify([target.interface, target.service ?? null, target.tags]);
    const now = performance.now();
    let known = this.#known.get(key);
    if (!known || known.until <= now) {
      const component = known?.component ?? this.#component(target);
      known = { component, until: now + FRESH_MS, contract: introspected(component) };
      this.#remember(key, known);
    }
    const { component } = known;
    try {
      return { component, contract: await untilAborted(known.contract, signal) };
    } catch (error) {
      if (this.#known.get(key) === known) this.#known.delete(key);
      const wantsToken = RpcError.isRpcError(error) && error.code === "ACCESS_DENIED" && extensions !== undefined;
      if (!wantsToken) throw error;
      return { component, contract: await untilAborted(introspected(component, extensions), signal) };
    }
  }

  #remember(key: string, known: Known): void {
    // The keys come from outside.
    const [oldest] = this.#known.size >= MAX_KNOWN && !this.#known.has(key) ? this.#known.keys() : [];
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, known);
  }

  #component({ interface: name, service, tags }: CallTarget): Component {
    return this.#client.component(name, { service, ...(tags.length > 0 && { tags }), balance: this.#balance });
  }
}

interface Known {
  readonly component: Component;
  readonly contract: Promise<Contract | undefined>;
  /** Until when nobody is asked again. */
  readonly until: number;
}

interface Answered {
  readonly component: Component;
  readonly contract: Contract | undefined;
}

async function introspected(component: Component, extensions?: Extensions): Promise<Contract | undefined> {
  try {
    return fromIntrospection(await component.introspect({ timeoutMs: INTROSPECT_MS, extensions }));
  } catch (error) {
    // An interface without introspection tells nothing.
    if (RpcError.isRpcError(error) && error.code === "METHOD_NOT_FOUND") return undefined;
    throw error;
  }
}

/** A session belongs to one caller: where there may be one, each call has a component of its own. */
function isShareable(contract: Contract | undefined): boolean {
  return contract?.host?.stateful === false;
}

/**
 * By these subscribers begin what they then take up by other ways, which nobody can by HTTP: publishers would wait for it, and have no
 * room for those who can.
 */
const SUBSCRIBING: ReadonlySet<string> = new Set(["subscribe", "credit"]);

function isInternal(interfaceName: string): boolean {
  return interfaceName.startsWith("org.pycom.") || interfaceName.startsWith("lamplighter.");
}

/** How long a contract needs no question, in milliseconds. */
const FRESH_MS = 2_000;
const INTROSPECT_MS = 10_000;
const MAX_KNOWN = 1_000;

import { type RpcError, rpcError } from "../errors.js";
import type { AccessPolicy } from "../security/policy.js";
import type { Logger } from "../util/log.js";
import { thrownText } from "../util/thrown-text.js";
import { runInCall, type ServerCall } from "./call-context.js";
import { INTROSPECT } from "./contract.js";
import type { ExposedInterface, ExposedMethod } from "./exposed/exposed-interface.js";

/** Asks the policies of methods, interfaces and host about calls, before anything of a call but its names is looked at. */
export class AccessControl {
  readonly #host: AccessPolicy | undefined;
  readonly #log: Logger;

  /** @param host - of calls about which neither method nor interface says anything; absent: everybody may make them */
  constructor(host: AccessPolicy | undefined, log: Logger) {
    this.#host = host;
    this.#log = log;
  }

  /**
   * The policy that decides about a method; `undefined` where everybody may call it.
   *
   * @param exposed - `undefined` for an interface that there is not
   * @param method - the same for a method
   */
  policyOf(exposed: ExposedInterface | undefined, method: ExposedMethod | undefined): AccessPolicy | undefined {
    if (!exposed) return this.#host;
    const nearest = method?.policy ?? exposed.policy;
    return nearest ?? (exposed.governedAs === undefined ? undefined : this.#host);
  }

  /**
   * Lets a call pass. Answers at once where nobody has to be waited for.
   *
   * @param policy - what {@link AccessControl.policyOf} gave
   * @throws AccessDeniedError when the policy refuses it, or a token that came with it is not valid; so does the promise
   */
  pass(policy: AccessPolicy, call: ServerCall, exposed: ExposedInterface | undefined): true | Promise<true> {
    const permitted =
      call.method === INTROSPECT && exposed
        ? this.#permitsIntrospection(policy, call, exposed)
        : this.#permits(policy, call, exposed, call.method);
    if (permitted instanceof Promise) return permitted.then((settled) => this.#passed(settled, call, exposed));
    return this.#passed(permitted, call, exposed);
  }

  #passed(permitted: boolean, call: ServerCall, exposed: ExposedInterface | undefined): true {
    if (permitted) return true;
    const { caller, origin, method } = call;
    const who = `${caller?.name ?? "Somebody unknown"} (${origin.label ?? "in this process"})`;
    this.#log.warn(`${who} was refused ${printable(exposed?.name ?? call.interface)}.${printable(method)}`);
    throw denied();
  }

  #permits(
    policy: AccessPolicy,
    call: ServerCall,
    exposed: ExposedInterface | undefined,
    method: string,
  ): boolean | Promise<boolean> {
    return policy.permits({
      interface: exposed?.governedAs ?? exposed?.name ?? call.interface,
      method,
      caller: () => (call.hasUncheckedToken ? runInCall(call, () => call.authenticate()) : call.caller),
      failed: (error) => {
        this.#log.error(`A policy failed, and so the call is refused: ${thrownText(error)}`);
      },
    });
  }

  /** Who may call any method of an interface may ask what it offers: callers do so before they call. */
  async #permitsIntrospection(policy: AccessPolicy, call: ServerCall, exposed: ExposedInterface): Promise<boolean> {
    if (await this.#permits(policy, call, exposed, INTROSPECT)) return true;
    for (const [name, method] of exposed.methods.entries()) {
      const nearest = this.policyOf(exposed, method);
      if (name !== INTROSPECT && nearest && (await this.#permits(nearest, call, exposed, name))) return true;
    }
    return false;
  }
}

/** The same for every call that is refused, so that nobody learns from it what there is. */
function denied(): RpcError {
  return rpcError("ACCESS_DENIED", "The service does not allow this call", { outcome: "not-executed" });
}

/** Names from outside may hold anything. */
function printable(name: string): string {
  return /^[\w./-]{0,200}$/.test(name) ? name : JSON.stringify(name.slice(0, 200));
}

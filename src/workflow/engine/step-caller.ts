import type { NamedCall } from "../../peer/named-call.js";
import type { ServiceRecord } from "../../peer/record.js";

/** A call that a step makes. */
export interface StepCall {
  readonly interface: string;
  readonly service: string | undefined;
  readonly tags: readonly string[] | undefined;
  readonly method: string;
  /** As a proxy takes them. */
  readonly args: readonly unknown[];
  /** Milliseconds. */
  readonly timeoutMs: number;
  /** Overrides what the contract says. */
  readonly idempotent: boolean | undefined;
  /** Its names, and what is known of a try that an earlier process made. */
  readonly named: NamedCall;
  /** Who got that try, where only they can tell what became of it. */
  readonly only?: ServiceRecord | undefined;
}

/** How an engine calls services. */
export interface StepCaller {
  /**
   * @returns what a proxy would give
   * @throws RpcError with code and outcome
   */
  call(call: StepCall): Promise<unknown>;
}

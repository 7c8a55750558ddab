import type { AccessPolicy } from "../../security/policy.js";
import type { ServerCall } from "../call-context.js";
import type { Contract, MethodContract } from "../contract.js";

/** A method that can be called from outside. */
export interface ExposedMethod {
  /** What it says of itself. */
  readonly contract: MethodContract;
  /** How many parameters its function has without declaring any; it gets one value all the same. Absent: all is well. */
  readonly undeclared?: number | undefined;
  /** Is it to be executed at most once, and how? Absent: it does not matter. */
  readonly once?: OnceMode | undefined;
  /** Who may call it; absent: its interface says. */
  readonly policy?: AccessPolicy | undefined;
  /**
   * Checks the arguments, runs the method, shapes the result.
   *
   * @returns the result in the wire's shape, a {@link Reply}, or a promise of either
   */
  invoke(call: ServerCall): unknown;
  /** Makes what travels of what its function returns, where that takes no waiting. */
  shape?(value: unknown): unknown;
}

/**
 * How a method is kept from being executed twice: its beginning and its answer are written down, or it writes effect and
 * answer down in one transaction.
 */
export type OnceMode = true | "transaction";

/** Methods by remote name: a `Map`, or what finds them in another way. */
export interface MethodTable {
  /** The method of a name. */
  get(name: string): ExposedMethod | undefined;
  /** Is there one? */
  has(name: string): boolean;
  /** Names, as far as they are known. */
  keys(): Iterable<string>;
  /** All of them, as far as they are known. */
  values(): Iterable<ExposedMethod>;
  /** The same with their names. */
  entries(): Iterable<readonly [string, ExposedMethod]>;
}

/** An interface that can be called from outside. Only what stands in its map is callable. */
export interface ExposedInterface {
  /** Dotted name. */
  readonly name: string;
  /** Do calls get a session? */
  readonly stateful: boolean;
  /** `required`: callers must show a valid token. `never`: they need not, whatever the host says. */
  readonly authentication: "required" | "never" | undefined;
  /** Name under which policies know it; `undefined`: whoever was given it may use it. */
  readonly governedAs: string | undefined;
  /** Who may call what of it; absent: the host says. */
  readonly policy: AccessPolicy | undefined;
  /** Methods by remote name. */
  readonly methods: MethodTable;
  /** What introspection says. */
  readonly contract: Contract;
}

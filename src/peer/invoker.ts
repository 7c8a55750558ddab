import type { Extensions } from "../wire/message.js";
import type { MethodContract } from "./contract.js";
import type { NamedCall } from "./named-call.js";

/** Arguments in the wire's shape, sent as they are. */
export interface RawArguments {
  /** `null` for none. */
  readonly raw: unknown;
}

/** What a proxy was called with. */
export interface PositionalArguments {
  /** In order; keyword arguments may stand last. */
  readonly positional: readonly unknown[];
}

/** One call on its way out. Hooks and middleware may change the mutable members. */
export interface OutgoingCall {
  /** Dotted name of the interface. */
  readonly interface: string;
  /** Remote name of the method. */
  readonly method: string;
  /**
   * The arguments in the wire's shape (`invoke`), or the list a proxy was called with, which the contract maps once an
   * instance is known.
   */
  args: RawArguments | PositionalArguments;
  /** Members beside the call, keyed by dotted names. */
  extensions: Extensions | undefined;
  /** Raw bytes beside the arguments; must not change until the call has settled. */
  attachment: Uint8Array | undefined;
  /** How, for how long, and how often; see {@link CallOptions}. */
  readonly options: CallOptions;
  /** Makes the call once more as it was made first, with its hooks. @internal */
  readonly repeat?: ((again: OutgoingCall) => Promise<Answer>) | undefined;
  /** The arguments before hooks changed them; absent: none did. @internal */
  readonly original?: OutgoingCall["args"] | undefined;
  /** Names its tries, so that another process can go on with it. @internal */
  readonly named?: NamedCall | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /** Milliseconds until the call fails with `TIMEOUT`; default 30,000, towards PyCOM's own services 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call with `CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Raw bytes to send beside the arguments; they must not change until the call has settled. Bytes only: a stream is given as
   * the argument itself.
   */
  readonly attachment?: Uint8Array | undefined;
  /** Members to send beside the call, keyed by dotted names. */
  readonly extensions?: Extensions | undefined;
  /** `false`: one try only, whatever the failure. Default: retried where it is safe. */
  readonly retry?: boolean | undefined;
  /**
   * `true`: settle with `undefined` as soon as the call is sent; nobody answers, and nobody tells of a failure at the service.
   * Default false.
   */
  readonly oneWay?: boolean | undefined;
  /** Overrides what the contract says: may this call be executed twice without harm? */
  readonly idempotent?: boolean | undefined;
  /**
   * How long to wait for a provider that is not there yet, in milliseconds, within the call's deadline. Default 0, unless
   * this proxy has reached a provider before: then until the deadline.
   */
  readonly waitForMs?: number | undefined;
}

/** What came back of a call. */
export interface Answer {
  /** In the wire's shape. Hooks may change it. */
  result: unknown;
  /** Raw bytes beside the result. */
  attachment: Uint8Array | undefined;
  /** Session that answered, for stateful interfaces. */
  readonly sessionId: string | undefined;
  /** Members beside the result, keyed by dotted names. */
  readonly extensions: Extensions | undefined;
  /** What the instance that answered says of the method, if it is known. */
  readonly contract: MethodContract | undefined;
}

/** Anything that can carry out a call. Invokers wrap invokers. */
export interface Invoker {
  /** @throws RpcError, always with an outcome */
  invoke(call: OutgoingCall): Promise<Answer>;
}

/** Stands around every call of a client; calls `next` once, or answers by itself. */
export type Middleware = (call: OutgoingCall, next: (call: OutgoingCall) => Promise<Answer>) => Promise<Answer>;

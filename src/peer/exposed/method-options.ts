import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Policy } from "../../security/policy.js";
import type { ServerCall } from "../call-context.js";
import type { ArgumentType } from "../contract.js";
import type { OnceMode } from "./exposed-interface.js";

/** An answer on its way out, as posthooks see it. */
export interface ServiceResponse {
  /** In the wire's shape. */
  result: unknown;
  /** Bytes beside the result. */
  attachment: Uint8Array | undefined;
}

/** Runs before a method; may change the call's `args`, `extensions` and `attachment`, and returns it. */
export type MethodPrehook = (
  interfaceName: string,
  method: string,
  call: ServerCall,
) => ServerCall | Promise<ServerCall>;

/** Runs after a method that succeeded; may change the response, and returns it. */
export type MethodPosthook = (
  interfaceName: string,
  method: string,
  response: ServiceResponse,
) => ServiceResponse | Promise<ServiceResponse>;

/** What is checked of one argument: a JSON type, or a Standard Schema. `undefined` checks nothing. */
export type ParameterCheck = ArgumentType | StandardSchemaV1 | undefined;

/** Names that travel as attachments. */
export interface AttachmentOptions {
  /** A required parameter that gets the request's attachment. */
  readonly incoming?: string | null | undefined;
  /** A declared result that is sent as the answer's attachment. */
  readonly outgoing?: string | null | undefined;
  /**
   * `true`: attachments of any size, in flat memory. The method gets its incoming attachment as a `ReadableStream<Uint8Array>`,
   * whatever the caller gave, or `null`; it may return a `ReadableStream` of bytes for the outgoing one, any async iterable of
   * bytes, or bytes, and callers get a `ReadableStream<Uint8Array>`. Default false: both are bytes.
   *
   * The incoming stream ends with the call: when the method has answered, and the streams that it answered with are over. On
   * PyCOM's wire attachments are whole, and so as large as `maxMessageBytes` at most.
   */
  readonly stream?: boolean | undefined;
}

/** Options of a method (docs/pycom-wire.md, section 10.2). */
export interface MethodOptions {
  /** Remote name; default: the function's. May contain dots. */
  readonly name?: string | undefined;
  /**
   * Declared arguments in order, as names or as names with checks; a name that ends in `?` is optional. Callers then give
   * arguments by position or by name. Default: none, the method gets the one value that was sent.
   */
  readonly params?: readonly string[] | Readonly<Record<string, ParameterCheck>> | undefined;
  /** Declared results: one name wraps the value, several want a tuple or an object. Default: the value as it is. */
  readonly results?: string | readonly string[] | undefined;
  /** Argument and result that travel as attachments. */
  readonly attachments?: AttachmentOptions | undefined;
  /**
   * May be executed twice without harm: clients then repeat a call that was not answered. `"by-call-id"`: because it recognises the
   * repetition by `currentCall().callId`; callers whose wire does not name calls are not told of it. Default false.
   */
  readonly idempotent?: boolean | "by-call-id" | undefined;
  /**
   * Is executed at most once for each call, even if the host is killed in the middle: what began and how it was answered
   * stands in the host's journal (option `journal`), and callers who try again get that answer, or learn that the outcome is
   * `unknown`. `"transaction"`: the method writes effect and answer in one transaction of the journal
   * ({@link ServerCall.transaction}), and is executed exactly once for each call that is tried until it is answered.
   *
   * For methods of interfaces that a host provides. Callers on PyCOM's wire never try such calls again.
   */
  readonly once?: OnceMode | false | undefined;
  /** Description for introspection. */
  readonly doc?: string | undefined;
  /** Who may call it, in place of what interface and host say of it; see {@link InterfaceOptions.policy}. */
  readonly policy?: Policy | undefined;
  /** Validates the whole arguments, by a Standard Schema. */
  readonly input?: StandardSchemaV1 | undefined;
  /** Validates the returned value, by a Standard Schema. */
  readonly output?: StandardSchemaV1 | undefined;
  /** Run in order before the arguments are fetched. */
  readonly prehooks?: readonly MethodPrehook[] | undefined;
  /** Run in order after the result is shaped. */
  readonly posthooks?: readonly MethodPosthook[] | undefined;
}

/** Options of an interface (docs/pycom-wire.md, section 10.1). */
export interface InterfaceOptions {
  /** Do calls get a session? Default false. */
  readonly stateful?: boolean | undefined;
  /** `required`: callers must show a valid token; `never`: they need not, whatever the host's policy is. */
  readonly authentication?: "required" | "never" | undefined;
  /**
   * Who may call what (docs/security.md), in place of what the host says: of the policies of method, interface and host the nearest
   * decides alone. Default none: the host's decides, and without one everybody may.
   */
  readonly policy?: Policy | undefined;
  /** Description for introspection. */
  readonly doc?: string | undefined;
  /** Data for introspection; any JSON. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** Offer `introspect`? Default true. */
  readonly introspection?: boolean | undefined;
}

/** A function that can be a method. What it gets is what the declaration says. */
export type MethodFunction = (...args: never[]) => unknown;

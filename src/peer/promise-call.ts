import { RpcError, type RpcErrorOptions, rpcError } from "../errors.js";
import { callName, type ErrorMessage, type Extensions, type ResultMessage } from "../wire/message.js";
import type { Channel } from "./channel.js";
import type { GivenUp, PendingCall } from "./pending-calls.js";
import { discardSources } from "./streams/source.js";

/** One call over a channel, as its caller describes it. */
export interface ChannelCall {
  /** Dotted name of the interface. */
  readonly interface: string;
  /** Remote name of the method. */
  readonly method: string;
  /** What is called, instead of an interface: the number of a reference at its owner. */
  readonly reference?: number | undefined;
  /** Are the arguments a list in order? */
  readonly isPositional?: boolean | undefined;
  /** In the wire's shape. */
  readonly args: unknown;
  /** In milliseconds of the channel's clock. */
  readonly deadlineAt: number;
  /** Session to attach. */
  readonly sessionId?: string | undefined;
  /** Members beside the call. */
  readonly extensions?: Extensions | undefined;
  /** Bytes beside the arguments. */
  readonly attachment?: Uint8Array | undefined;
  /** Largest request that the peer takes, in bytes. */
  readonly maxBytes?: number | undefined;
  /** Ends the call with `CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes one call over a channel, once, whatever becomes of it.
 *
 * @throws RpcError always with an outcome; `not-sent` when the call did not leave
 */
export function callOver(channel: Channel, call: ChannelCall): Promise<ResultMessage> {
  return new Promise((resolve, reject) => {
    channel.send(new PromiseCall(channel, call, resolve, reject));
  });
}

/** One try of one call, as a promise. */
export class PromiseCall implements PendingCall {
  readonly kind = "call" as const;
  id = 0;
  bytes = 0;
  timeoutMs = 0;
  isOneShot = false;
  onAbort: (() => void) | undefined;
  readonly interface: string;
  readonly method: string;
  readonly args: unknown;
  readonly reference: number | undefined;
  readonly isPositional: boolean | undefined;
  readonly deadlineAt: number;
  readonly sessionId: string | undefined;
  readonly extensions: Extensions | undefined;
  readonly attachment: Uint8Array | undefined;
  readonly maxBytes: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly sentAt: number;
  readonly #channel: Pick<Channel, "address" | "now">;
  readonly #resolve: (message: ResultMessage) => void;
  readonly #reject: (error: RpcError) => void;

  constructor(
    channel: Pick<Channel, "address" | "now">,
    call: ChannelCall,
    resolve: (message: ResultMessage) => void,
    reject: (error: RpcError) => void,
  ) {
    this.interface = call.interface;
    this.method = call.method;
    this.args = call.args;
    this.reference = call.reference;
    this.isPositional = call.isPositional;
    this.deadlineAt = call.deadlineAt;
    this.sessionId = call.sessionId;
    this.extensions = call.extensions;
    this.attachment = call.attachment;
    this.maxBytes = call.maxBytes;
    this.signal = call.signal;
    this.#channel = channel;
    this.sentAt = channel.now();
    this.#resolve = resolve;
    this.#reject = reject;
  }

  answered(message: ResultMessage): void {
    this.#resolve(message);
  }

  refused(message: ErrorMessage): void {
    this.#reject(refusedError(this, this.#channel.address, message));
  }

  failed(error: RpcError): void {
    discardSources(this.args);
    this.#reject(error);
  }

  givenUp(why: GivenUp, reason: unknown): void {
    this.#reject(givenUpError(this, this.#channel.address, why, reason, this.#channel.now() - this.sentAt));
  }
}

/** The error of a call that the peer answered with one. */
export function refusedError(call: PendingCall, address: string, message: ErrorMessage): RpcError {
  return rpcError(message.code, message.text ?? message.remote.message, {
    ...where(call, address),
    outcome: message.outcome,
    number: message.number,
    remote: message.remote,
    cause: message.remote.cause,
  });
}

/**
 * The error of a call that was given up.
 *
 * @param elapsedMs - since it was sent
 */
export function givenUpError(
  call: PendingCall,
  address: string,
  why: GivenUp,
  reason: unknown,
  elapsedMs: number,
): RpcError {
  const label = labelOf(call);
  const options: RpcErrorOptions = { ...where(call, address), outcome: "unknown", cause: reason };
  switch (why) {
    case "unsent": {
      const text = `${label} was not sent: ${(reason as Error).message}`;
      return rpcError("UNAVAILABLE", text, { ...options, outcome: "not-sent" });
    }
    case "expired": {
      const waited = Math.round(elapsedMs);
      return rpcError(
        "TIMEOUT",
        `${label} was sent to ${address} and not answered within ${waited} ms. ${MAYBE}`,
        options,
      );
    }
    case "cancelled":
      if (hasRunOut(reason)) {
        const text = `${label} was sent to ${address}, then the deadline of the call that it was made for passed. ${MAYBE}`;
        return rpcError("TIMEOUT", text, options);
      }
      return rpcError("CANCELLED", `${label} was cancelled after it was sent to ${address}. ${MAYBE}`, options);
    case "closed":
      return rpcError("CLOSED", `${label} was sent to ${address}, then the client was closed. ${MAYBE}`, options);
    case "lost":
      return rpcError(
        "UNAVAILABLE",
        `${label} was sent to ${address}, then the connection was lost. ${MAYBE}`,
        options,
      );
  }
}

/** Did a signal fire because a deadline has passed: that of the call which is being served? */
export function hasRunOut(reason: unknown): boolean {
  return RpcError.isRpcError(reason) && reason.code === "TIMEOUT";
}

/** A call in words. */
function labelOf(call: PendingCall): string {
  const { method, reference } = call;
  if (reference === undefined) return callName(call);
  return method === "" ? "The call of a function" : `The call of the method ${method} of a reference`;
}

function where(call: PendingCall, address: string): RpcErrorOptions {
  return { interface: call.interface, method: call.method, service: address };
}

const MAYBE = "It may have been executed";

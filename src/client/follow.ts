import type { RpcError } from "../errors.js";
import { CallPromise, fromResult, type PipelineBase, type PipelineStep } from "../peer/call-promise.js";
import type { Channel } from "../peer/channel.js";
import type { GivenUp, PendingCall } from "../peer/pending-calls.js";
import { givenUpError, refusedError } from "../peer/promise-call.js";
import { rememberCall } from "../peer/references/call-reference.js";
import { type Import, importOf } from "../peer/references/import.js";
import type { ErrorMessage, ResultMessage } from "../wire/message.js";

/** A call that others may go on from before its result is there. */
export interface Followed extends PendingCall {
  /** Its result, over all its tries. */
  readonly promise: CallPromise<unknown> | undefined;
  /** Where it was sent; `undefined` while it was not. */
  readonly channel: Channel | undefined;
}

/**
 * A call that goes on from the result of another one, in the same message. When that other one turns out to be tried again,
 * or not to have been sent, this one waits for its result and goes on from there.
 */
export class FollowCall implements PendingCall, Followed, PipelineBase {
  readonly kind = "call" as const;
  id = 0;
  bytes = 0;
  timeoutMs = 0;
  isOneShot = false;
  onAbort: (() => void) | undefined;
  readonly promise: CallPromise<unknown>;
  readonly channel: Channel;
  readonly interface: string;
  readonly method: string;
  readonly promised: number;
  readonly isGet: boolean;
  readonly isPositional: boolean;
  readonly args: unknown;
  readonly sessionId = undefined;
  readonly extensions = undefined;
  readonly attachment = undefined;
  readonly maxBytes: number | undefined;
  readonly deadlineAt: number;
  readonly sentAt: number;
  readonly signal: AbortSignal | undefined;
  readonly #base: Followed;
  readonly #step: PipelineStep;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(base: Followed, channel: Channel, step: PipelineStep) {
    this.#base = base;
    this.#step = step;
    this.channel = channel;
    this.interface = base.interface;
    this.method = step.path.join(".");
    this.promised = base.id;
    this.isGet = step.args === undefined;
    this.isPositional = !this.isGet;
    this.args = step.args ?? null;
    this.maxBytes = base.maxBytes;
    this.deadlineAt = base.deadlineAt;
    this.sentAt = channel.now();
    this.signal = base.signal;
    this.promise = new CallPromise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.base = this;
  }

  follow(step: PipelineStep): CallPromise<unknown> | undefined {
    return follow(this, step);
  }

  answered(message: ResultMessage, hasReferences?: boolean): void {
    if (hasReferences === true) this.#remember(message.result);
    this.#resolve(message.result);
  }

  refused(message: ErrorMessage): void {
    const error = refusedError(this, this.channel.address, message);
    if (error.code === "CANCELLED" && error.outcome === "not-executed") this.#waitForBase(error);
    else this.#reject(error);
  }

  failed(error: RpcError): void {
    this.#waitForBase(error);
  }

  givenUp(why: GivenUp, reason: unknown): void {
    const error = givenUpError(this, this.channel.address, why, reason, this.channel.now() - this.sentAt);
    if (error.outcome === "not-sent") this.#waitForBase(error);
    else this.#reject(error);
  }

  /** What it was called of is known when the call before it is answered, which it is by now. */
  #remember(result: unknown): void {
    const { path, args } = this.#step;
    if (!args) return;
    this.#base.promise?.then(
      (value) => {
        const owner = ownerOf(value, path);
        if (owner) rememberCall(owner.reference, owner.method, args, result);
      },
      () => undefined,
    );
  }

  /** It was not executed: whatever becomes of the call before it decides. */
  #waitForBase(error: RpcError): void {
    const { promise } = this.#base;
    if (!promise) this.#reject(error);
    else if (!this.isOneShot) fromResult(promise, this.#step).then(this.#resolve, this.#reject);
    else {
      // Streams that were begun are not sent a second time; what the call before it failed with is still the better news.
      promise.then(() => {
        this.#reject(error);
      }, this.#reject);
    }
  }
}

/** The reference on the way from a result, and what of it was called. */
function ownerOf(result: unknown, path: readonly string[]): { reference: Import; method: string } | undefined {
  let value = result;
  for (const [index, name] of path.entries()) {
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return undefined;
    const reference = importOf(value);
    if (reference) return { reference, method: path.slice(index).join(".") };
    value = (value as Record<string, unknown>)[name];
  }
  return undefined;
}

/** Takes a step from a call that is still here; `undefined` when it is not. */
export function follow(base: Followed, step: PipelineStep): CallPromise<unknown> | undefined {
  const { channel } = base;
  if (!channel?.canFollow(base)) return undefined;
  const call = new FollowCall(base, channel, step);
  channel.send(call);
  return call.promise;
}

import { type RpcError, rpcError } from "../../errors.js";
import { type GivenUp, type PendingCall, PendingCalls } from "../../peer/pending-calls.js";
import { hasRunOut, PromiseCall } from "../../peer/promise-call.js";
import type { DeadlineWheel } from "../../util/deadline-wheel.js";

/**
 * Calls that are not sent yet, for the connection is about to become another one: each with its deadline and signal. Whatever
 * becomes of them meanwhile, they were not sent.
 */
export class WaitingCalls {
  readonly #label: string;
  readonly #wheel: DeadlineWheel;
  readonly #calls: PendingCalls;
  /** In the order in which they came. */
  readonly #ids: number[] = [];

  /** @param label - the other end, for errors */
  constructor(label: string, wheel: DeadlineWheel) {
    this.#label = label;
    this.#wheel = wheel;
    this.#calls = new PendingCalls(wheel);
  }

  /** How many wait. */
  get size(): number {
    return this.#calls.size;
  }

  /** Octets of their values. */
  get bytes(): number {
    return this.#calls.bytes;
  }

  /**
   * Lets a call wait.
   *
   * @param bytes - octets of its values
   * @param send - sends it; called once at most
   */
  add(call: PendingCall, bytes: number, send: () => void): void {
    const place = { address: this.#label, now: () => this.#wheel.now() };
    const waiting = new WaitingCall(place, call, send);
    waiting.id = this.#calls.nextId();
    waiting.bytes = bytes;
    this.#ids.push(waiting.id);
    this.#calls.add(waiting);
  }

  /** Sends those that still wait. */
  sendAll(): void {
    for (const id of this.#ids.splice(0)) this.#calls.settle(id, { kind: "result", id, result: undefined });
  }

  /** The connection has ended. */
  giveUpAll(reason: RpcError): void {
    this.#ids.length = 0;
    this.#calls.giveUpAll("unsent", reason);
  }
}

class WaitingCall extends PromiseCall {
  readonly #call: PendingCall;
  readonly #place: { readonly address: string; now(): number };

  constructor(place: { readonly address: string; now(): number }, call: PendingCall, send: () => void) {
    super(place, call, send, ignore);
    this.#call = call;
    this.#place = place;
  }

  override givenUp(why: GivenUp, reason: unknown): void {
    const { method } = this.#call;
    const { address } = this.#place;
    const where = { method, service: address, cause: reason };
    if (why === "unsent") {
      const { code, message } = reason as RpcError;
      this.#call.failed(rpcError(code, `${method} was not sent: ${message}`, { ...where, outcome: "not-sent" }));
    } else if (why === "cancelled" && !hasRunOut(reason)) {
      this.#call.failed(rpcError("CANCELLED", `${method} was cancelled before it was sent`, where));
    } else {
      const waited = Math.round(this.#place.now() - this.sentAt);
      const text = `${method} was not sent within ${waited} ms: the connection to ${address} is about to be encrypted, or to be something else`;
      this.#call.failed(rpcError("TIMEOUT", text, where));
    }
  }
}

function ignore(): void {
  // What becomes of it is told to the call itself.
}

import { type RpcError, type RpcErrorOptions, rpcError } from "../errors.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import type { ResultMessage } from "../wire/message.js";
import type { ChannelCall } from "./channel.js";
import type { Settlement } from "./pending-calls.js";

/** Turns what became of one call into its promise. */
export class CallSettlement implements Settlement {
  readonly #address: string;
  readonly #wheel: DeadlineWheel;
  readonly #call: ChannelCall;
  readonly #sentAt: number;
  readonly #resolve: (message: ResultMessage) => void;
  readonly #reject: (error: RpcError) => void;

  constructor(
    address: string,
    wheel: DeadlineWheel,
    call: ChannelCall,
    resolve: (message: ResultMessage) => void,
    reject: (error: RpcError) => void,
  ) {
    this.#address = address;
    this.#wheel = wheel;
    this.#call = call;
    this.#sentAt = wheel.now();
    this.#resolve = resolve;
    this.#reject = reject;
  }

  answered(message: ResultMessage): void {
    this.#resolve(message);
  }

  refused(message: Parameters<Settlement["refused"]>[0]): void {
    this.#reject(
      rpcError(message.code, message.remote.message, {
        ...this.#where(),
        outcome: message.outcome,
        number: message.number,
        remote: message.remote,
      }),
    );
  }

  failed(why: Parameters<Settlement["failed"]>[0], reason: unknown): void {
    const label = `${this.#call.interface}.${this.#call.method}`;
    const address = this.#address;
    const options: RpcErrorOptions = { ...this.#where(), outcome: "unknown", cause: reason };
    switch (why) {
      case "unsent":
        this.#reject(
          rpcError("UNAVAILABLE", `${label} was not sent: ${(reason as Error).message}`, {
            ...options,
            outcome: "not-sent",
          }),
        );
        break;
      case "expired": {
        const waited = Math.round(this.#wheel.now() - this.#sentAt);
        this.#reject(
          rpcError(
            "TIMEOUT",
            `${label} was sent to ${address} and not answered within ${waited} ms. ${MAYBE}`,
            options,
          ),
        );
        break;
      }
      case "cancelled":
        this.#reject(
          rpcError("CANCELLED", `${label} was cancelled after it was sent to ${address}. ${MAYBE}`, options),
        );
        break;
      case "closed":
        this.#reject(
          rpcError("CLOSED", `${label} was sent to ${address}, then the client was closed. ${MAYBE}`, options),
        );
        break;
      case "lost":
        this.#reject(
          rpcError("UNAVAILABLE", `${label} was sent to ${address}, then the connection was lost. ${MAYBE}`, options),
        );
        break;
    }
  }

  #where(): RpcErrorOptions {
    return { interface: this.#call.interface, method: this.#call.method, service: this.#address };
  }
}

const MAYBE = "It may have been executed";

import { RpcError } from "../../errors.js";
import type { GivenUp, PendingCall } from "../../peer/pending-calls.js";
import type { Box } from "../../wire/amp/index.js";
import type { ErrorMessage, ResultMessage } from "../../wire/message.js";
import { messageOf } from "./error-of.js";

/** One try of a call as the boxes have it: by the name of its command, and answered with a box, of which its caller gets the values. */
export class DecodedCall implements PendingCall {
  readonly kind = "call" as const;
  id = 0;
  bytes: number;
  isOneShot = false;
  timeoutMs: number;
  onAbort: (() => void) | undefined = undefined;
  readonly interface = "";
  readonly method: string;
  readonly args = undefined;
  readonly sessionId = undefined;
  readonly extensions = undefined;
  readonly attachment = undefined;
  readonly maxBytes = undefined;
  readonly deadlineAt: number;
  readonly signal: AbortSignal | undefined;
  readonly sentAt: number;
  readonly #call: PendingCall;
  readonly #address: string;
  readonly #decode: (box: Box) => unknown;

  /**
   * @param command - its name
   * @param bytes - size of its request
   * @param address - where it goes, for errors
   */
  constructor(call: PendingCall, command: string, bytes: number, address: string, decode: (box: Box) => unknown) {
    this.method = command;
    this.bytes = bytes;
    this.deadlineAt = call.deadlineAt;
    this.signal = call.signal;
    this.sentAt = call.sentAt;
    this.timeoutMs = call.deadlineAt - call.sentAt;
    this.#call = call;
    this.#address = address;
    this.#decode = decode;
    call.bytes = bytes;
    call.timeoutMs = this.timeoutMs;
  }

  answered(message: ResultMessage): void {
    // Of a call that wants no answer, this says that it was sent.
    if (message.result === undefined) {
      this.#call.answered(message);
      return;
    }
    let result: unknown;
    try {
      result = this.#decode(message.result as Box);
    } catch (error) {
      this.#call.failed(RpcError.from(error, "PROTOCOL", { outcome: "executed" }));
      return;
    }
    this.#call.answered({ ...message, result });
  }

  refused(message: ErrorMessage): void {
    const { name: code = "", message: description } = message.remote;
    const text =
      message.code === "METHOD_NOT_FOUND"
        ? `${this.#address} has no command ${JSON.stringify(this.method)}`
        : messageOf({ code, description }, { method: this.method, service: this.#address });
    this.#call.refused({ ...message, text });
  }

  failed(error: RpcError): void {
    this.#call.failed(error);
  }

  givenUp(why: GivenUp, reason: unknown): void {
    this.#call.givenUp(why, reason);
  }
}

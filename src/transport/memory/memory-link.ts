import { RpcError, rpcError } from "../../errors.js";
import { type Frames, sizeOf } from "../../wire/message.js";
import { parseAddress } from "../address.js";
import type { Link, LinkHandlers, LinkOptions, SocketType } from "../link.js";
import { findListener, tooLarge } from "./memory-listener.js";
import type { Pipe } from "./pipe.js";

/** The connecting end of a connection inside this process. */
export class MemoryLink implements Link {
  readonly #address: string;
  readonly #handlers: LinkHandlers;
  readonly #maxMessageBytes: number;
  readonly #socketType: SocketType;
  #pipe: Pipe | undefined;
  #isClosed = false;

  /** @throws ConfigurationError for a wrong address */
  constructor(address: string, handlers: LinkHandlers, options: LinkOptions) {
    this.#address = parseAddress(address).text;
    this.#handlers = handlers;
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#socketType = options.socketType ?? "DEALER";
    setImmediate(() => {
      this.#open();
    });
  }

  send(frames: Frames, unsent: (reason: RpcError) => void): void {
    if (this.#isClosed || !this.#pipe?.send(frames)) unsent(this.#gone("is not connected"));
  }

  close(reason?: RpcError): void {
    this.#end(reason ?? rpcError("CLOSED", `The connection to ${this.#address} was closed`));
  }

  #open(): void {
    if (this.#isClosed) return;
    const listener = findListener(this.#address);
    if (!listener) {
      this.#end(this.#gone("is not bound in this process"));
      return;
    }
    const accepted = listener.accept({
      socketType: this.#socketType,
      message: (frames) => {
        this.#receive(frames);
      },
      ended: (reason) => {
        this.#end(reason ?? this.#gone("closed the connection"));
      },
    });
    if (RpcError.isRpcError(accepted)) {
      const service = this.#address;
      this.#end(rpcError("UNAVAILABLE", `${service}: ${accepted.message}`, { service, cause: accepted }));
      return;
    }
    this.#pipe = accepted;
    this.#handlers.opened();
  }

  #receive(frames: Frames): void {
    if (this.#isClosed) return;
    const size = sizeOf(frames);
    if (size <= this.#maxMessageBytes) this.#handlers.message(frames);
    else this.#end(tooLarge(size, this.#maxMessageBytes));
  }

  #end(reason: RpcError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pipe?.end();
    // It leads to everything behind the listener, and whoever holds this link need not hold that.
    this.#pipe = undefined;
    this.#handlers.closed(reason);
  }

  #gone(what: string): RpcError {
    return rpcError("UNAVAILABLE", `${this.#address} ${what}`, { service: this.#address });
  }
}

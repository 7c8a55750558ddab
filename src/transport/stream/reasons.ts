import { type ErrorCode, type RpcError, rpcError } from "../../errors.js";
import { connectFailure } from "../connect-failure.js";
import { brokenHandshake, tlsFailure } from "./tls-failure.js";

/** Why a stream ends, in words. */
export class StreamReasons {
  readonly #name: string;
  readonly #service: string | undefined;

  /**
   * @param name - what people know the other end by
   * @param service - the address that was connected to
   */
  constructor(name: string, service: string | undefined) {
    this.#name = name;
    this.#service = service;
  }

  /** This end has closed it. */
  closed(): RpcError {
    return this.#make("CLOSED", `The connection with ${this.#name} was closed`);
  }

  /** The other end has ended it in order. */
  ended(): RpcError {
    return this.#make("UNAVAILABLE", `${this.#name} closed the connection`);
  }

  /** The other end has ended it, or it broke, and nobody says how. */
  lost(): RpcError {
    return this.#make("UNAVAILABLE", `${this.#name} lost the connection`);
  }

  /** The other end does not read. */
  unread(bytes: number): RpcError {
    return this.#make("OVERLOADED", `${this.#name} has not read for long: ${bytes} bytes wait for it`);
  }

  /** The other end went before TLS was there. */
  brokenHandshake(): RpcError {
    return this.failedHandshake(brokenHandshake(this.#name));
  }

  /** The other end does not go on with its handshake. */
  slowHandshake(ms: number): RpcError {
    return this.#make("UNAVAILABLE", `${this.#name} did not finish the handshake of TLS within ${ms} ms`);
  }

  /** A handshake failed as this says. */
  failedHandshake({ code, message, cause }: RpcError): RpcError {
    return this.#make(code, message, cause);
  }

  /** The socket had an error in clear text. */
  socketError(error: NodeJS.ErrnoException, isConnecting: boolean): RpcError {
    const text = connectFailure(error.code ?? "") ?? `the connection broke (${error.code ?? error.message})`;
    const whole = isConnecting ? `Cannot connect to ${this.#name}: ${text}` : `${this.#name} ${text}`;
    return this.#make("UNAVAILABLE", whole, error);
  }

  /** The socket had an error under TLS, or while it began. */
  tlsError(error: NodeJS.ErrnoException): RpcError {
    const { code, message } = tlsFailure(this.#name, error);
    return this.#make(code, message, error);
  }

  #make(code: ErrorCode, message: string, cause?: unknown): RpcError {
    return rpcError(code, message, { service: this.#service, cause });
  }
}

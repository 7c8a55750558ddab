import { connect, type Socket } from "node:net";
import { type RpcError, refineError, rpcError } from "../../errors.js";
import type { Frames } from "../../wire/message.js";
import type { Address } from "../address.js";
import { connectFailure } from "../connect-failure.js";
import type { Link, LinkHandlers, LinkOptions } from "../link.js";
import { connectOptions } from "../socket-address.js";
import { ZmtpConnection } from "./connection.js";
import { admittingMechanism, provingMechanism } from "./mechanisms.js";
import { parseSocketAddress } from "./socket-address.js";

/** The connecting end of a ZMTP connection. */
export class ZmtpLink implements Link {
  readonly #address: Address;
  readonly #handlers: LinkHandlers;
  readonly #connection: ZmtpConnection;
  #state: "connecting" | "shaking" | "open" | "closed" = "connecting";

  /** @throws ConfigurationError for a wrong address or wrong keys */
  constructor(address: string, handlers: LinkHandlers, options: LinkOptions) {
    this.#address = parseSocketAddress(address);
    this.#handlers = handlers;
    const { security, admission, routingId, socketType = "DEALER" } = options;
    const own = { socketType, routingId };
    const proving = admission ? undefined : provingMechanism(security, own);
    const socket: Socket = connect(connectOptions(this.#address));
    socket.once("connect", () => {
      if (this.#state === "connecting") this.#state = "shaking";
    });
    this.#connection = new ZmtpConnection(
      socket,
      {
        role: admission ? "server" : "client",
        socketType,
        maxMessageBytes: options.maxMessageBytes,
        maxQueuedBytes: Infinity,
        mechanism: (wanted) =>
          proving ?? admittingMechanism(wanted, admission, own, { remoteAddress: socket.remoteAddress ?? "" }),
      },
      {
        ready: (end) => {
          this.#state = "open";
          if (options.probe) this.#connection.send([PROBE]);
          handlers.opened(end);
        },
        message: (frames) => {
          handlers.message(frames);
        },
        closed: (reason) => {
          this.#closed(reason);
        },
      },
    );
  }

  send(frames: Frames, unsent: (reason: RpcError) => void): void {
    if (this.#state === "open") this.#connection.send(frames);
    else unsent(this.#gone("is not connected"));
  }

  close(reason?: RpcError): void {
    this.#connection.destroy(reason ?? rpcError("CLOSED", `The connection to ${this.#address.text} was closed`));
  }

  #closed(reason: RpcError | undefined): void {
    const state = this.#state;
    this.#state = "closed";
    this.#handlers.closed(this.#describe(state, reason));
  }

  #describe(state: "connecting" | "shaking" | "open" | "closed", reason: RpcError | undefined): RpcError {
    const service = this.#address.text;
    if (!reason)
      return this.#gone(state === "open" ? "closed the connection" : "closed the connection during the handshake");
    const { code } = (reason.cause ?? {}) as NodeJS.ErrnoException;
    if (code !== undefined) {
      const text = connectFailure(code) ?? reason.message;
      return rpcError(
        "UNAVAILABLE",
        state === "open" ? `${service} ${text}` : `Cannot connect to ${service}: ${text}`,
        {
          service,
          cause: reason.cause,
        },
      );
    }
    if (reason.code === "CLOSED" || reason.service !== undefined) return reason;
    // A peer that speaks something else may be replaced by one that does not: another try is right.
    return reason.code === "PROTOCOL"
      ? rpcError("UNAVAILABLE", `${service}: ${reason.message}`, { service, cause: reason })
      : refineError(reason, { message: `${service}: ${reason.message}`, service });
  }

  #gone(what: string): RpcError {
    return rpcError("UNAVAILABLE", `${this.#address.text} ${what}`, { service: this.#address.text });
  }
}

/** Makes a ROUTER know us before we say anything (ZMQ_PROBE_ROUTER). */
const PROBE = new Uint8Array(0);

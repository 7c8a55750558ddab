import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Dealer } from "zeromq";
import { type RpcError, rpcError } from "../../errors.js";
import type { Frames } from "../../wire/message.js";
import type { Address } from "../address.js";
import type { Link, LinkHandlers, LinkOptions } from "../link.js";
import { openSockets } from "../open-sockets.js";
import { zeromqContext } from "./context.js";
import { zeromq } from "./load.js";

/**
 * A link on a DEALER socket that connects once and never again.
 *
 * `immediate` makes a send fail while there is no connection, instead of queueing a call that would run after its caller
 * was told that it failed. High-water marks are off: what is in flight is limited by the connection above, where a call
 * can be refused with an error. ZMTP heartbeats find a stopped process or a cut cable.
 */
export class DealerLink implements Link {
  readonly #handlers: LinkHandlers;
  readonly #address: Address;
  readonly #socket: Dealer;
  #state: "connecting" | "open" | "closing" | "closed" = "connecting";

  constructor(address: Address, handlers: LinkHandlers, options: LinkOptions) {
    this.#address = address;
    this.#handlers = handlers;
    this.#socket = new (zeromq().Dealer)({
      context: zeromqContext(),
      immediate: true,
      linger: 0,
      sendTimeout: 0,
      sendHighWaterMark: 0,
      receiveHighWaterMark: 0,
      reconnectInterval: -1,
      heartbeatInterval: HEARTBEAT_MS,
      heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
      maxMessageSize: options.maxMessageBytes,
      ipv6: this.#address.scheme === "tcp" && isIP(this.#address.host) === 6,
    });
    openSockets.add(this.#socket);
    this.#observe();
    void this.#connect();
  }

  send(frames: Frames, unsent: (reason: RpcError) => void): void {
    if (this.#state !== "open") {
      unsent(this.#gone("is not connected"));
      return;
    }
    try {
      // The parameter's type wants a mutable array, which the binding does not need.
      this.#socket.send(frames as Uint8Array[]).then(undefined, () => {
        unsent(this.#gone("lost the connection before the message left"));
      });
    } catch {
      unsent(this.#gone("cannot take a message now"));
    }
  }

  close(reason?: RpcError): void {
    this.#finish(reason ?? rpcError("CLOSED", `The connection to ${this.#address.text} was closed`));
  }

  async #connect(): Promise<void> {
    try {
      const target = await resolveHost(this.#address);
      if (this.#state !== "connecting") return;
      this.#socket.connect(target);
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? "";
      const text = reason === "ENOTFOUND" ? "the host name is not known" : (error as Error).message;
      this.#finish(
        rpcError("UNAVAILABLE", `Cannot connect to ${this.#address.text}: ${text}`, {
          service: this.#address.text,
          cause: error,
        }),
      );
    }
  }

  #observe(): void {
    const events = this.#socket.events;
    events.on("handshake", () => {
      if (this.#state !== "connecting") return;
      this.#state = "open";
      void this.#read();
      this.#handlers.opened();
    });
    events.on("close", () => {
      if (this.#state === "connecting") this.#finish(this.#gone("refused the connection, or cannot be reached"));
    });
    events.on("disconnect", () => {
      if (this.#state === "open") void this.#drain();
      else this.#finish(this.#gone("closed the connection during the handshake"));
    });
    for (const type of ["handshake:error:protocol", "handshake:error:auth", "handshake:error:other"] as const) {
      events.on(type, () => {
        this.#finish(this.#gone("does not speak ZeroMQ, or refused the handshake"));
      });
    }
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const frames: Frames = await this.#socket.receive();
        this.#handlers.message(frames);
      }
    } catch {
      // The socket was closed under the reader: that is how this loop ends.
    }
  }

  /** What the peer sent before it went is still in the socket; it is delivered before the end is told. */
  async #drain(): Promise<void> {
    this.#state = "closing";
    do {
      await new Promise(setImmediate);
    } while (!this.#socket.closed && this.#socket.readable);
    await new Promise(setImmediate);
    this.#finish(this.#gone("closed the connection"));
  }

  #finish(reason: RpcError): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    openSockets.delete(this.#socket);
    // Time for a last word; calls do not queue up in the socket, so there is nothing else that could leave late.
    this.#socket.linger = LINGER_MS;
    this.#socket.close();
    this.#handlers.closed(reason);
  }

  #gone(what: string): RpcError {
    return rpcError("UNAVAILABLE", `${this.#address.text} ${what}`, { service: this.#address.text });
  }
}

const LINGER_MS = 100;
/** A silent peer is given up after both together; in milliseconds. */
const HEARTBEAT_MS = 2_000;
const HEARTBEAT_TIMEOUT_MS = 3_000;

/** libzmq looks names up in silence and never says that one does not exist; so they are looked up here. */
async function resolveHost(address: Address): Promise<string> {
  if (address.scheme !== "tcp" || isIP(address.host) !== 0) return address.text;
  const { address: ip } = await lookup(address.host, { family: 4 });
  return `tcp://${ip}:${address.port}`;
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { ConfigurationError, rpcError } from "../errors.js";
import { SILENT } from "../util/log.js";
import type { Verifier } from "./events/verifier.js";
import { checkWebOptions, WEB_DEFAULTS, type WebGatewayOptions } from "./options.js";
import type { GatewayParts } from "./parts.js";
import type { ListeningServer } from "./web-server.js";

/** Answers requests of `node:http`; `next` is called for those that it does not know, as express and others have it. */
export type WebListener = (request: IncomingMessage, response: ServerResponse, next?: () => void) => void;

/**
 * Services over HTTP (docs/http.md): `POST /call/INTERFACE/METHOD` with JSON in and out, `/subscribe` and `/publish`, `/health` and
 * `/openapi.json`. As a server of its own:
 *
 * ```ts
 * await using gateway = new WebGateway({ nameserver: "tcp://127.0.0.1:2012" });
 * await gateway.listen("127.0.0.1:8080"); // http://127.0.0.1:8080
 * ```
 *
 * or inside of one: `createServer(gateway.listener)`, `app.use("/api", gateway.listener)`.
 *
 * Making one opens and loads nothing. Whoever makes a gateway closes it.
 */
export class WebGateway {
  /** For `node:http`, express, and whatever takes the like. Bound to this gateway. */
  readonly listener: WebListener;
  readonly #options: WebGatewayOptions;
  #loading: Promise<GatewayParts> | undefined;
  #opened: GatewayParts | undefined;
  #verifier: Verifier | undefined;
  #starting: Promise<ListeningServer> | undefined;
  #server: ListeningServer | undefined;
  #closing: Promise<void> | undefined;

  /** @throws ConfigurationError for a wrong option */
  constructor(options: WebGatewayOptions = {}) {
    checkWebOptions(options);
    this.#options = options;
    this.#verifier = options.verifier;
    this.listener = (request, response, next) => {
      this.#parts().then(
        (parts) => parts.router.serve(request, response, next),
        (error: unknown) => {
          (options.log ?? SILENT).error(`The gateway cannot answer: ${String(error)}`);
          response.destroy();
        },
      );
    };
  }

  /** Where the ready-made server listens, such as `http://127.0.0.1:8080`; `undefined` when it does not. */
  get address(): string | undefined {
    return this.#server?.url;
  }

  /** Answers without end that are open: events, and results of methods that stream. */
  get openStreams(): number {
    return this.#opened?.streams.size ?? 0;
  }

  /** Whom requests for events are shown to from now on, instead of the option `verifier`; `undefined`: nobody. */
  setVerifier(verifier: Verifier | undefined): this {
    this.#verifier = verifier;
    return this;
  }

  /**
   * Starts the ready-made server.
   *
   * @param address - `HOST:PORT`, either may be left out; default `127.0.0.1:8080`. Port 0 takes a free one. What others than this machine
   *   can reach has to be named, and is warned of
   * @returns where it listens, such as `http://127.0.0.1:8080`
   * @throws ConfigurationError for a wrong address, or one that cannot be bound, or when it listens already
   * @throws RpcError with code `CLOSED` after {@link WebGateway.close}
   */
  async listen(address: string = WEB_DEFAULTS.address): Promise<string> {
    if (this.#closing) throw rpcError("CLOSED", "The gateway was closed");
    if (this.#starting) throw new ConfigurationError("The gateway listens already");
    this.#starting = this.#parts().then((parts) => parts.listen(address));
    try {
      this.#server = await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    return this.#server.url;
  }

  /**
   * Takes no more requests, ends streams, and waits for what is being answered, up to `drainMs`. Closes the client if it is the
   * gateway's own. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #parts(): Promise<GatewayParts> {
    this.#loading ??= import("./parts.js").then(({ GatewayParts: Parts }) => {
      this.#opened = new Parts(this.#options, () => this.#verifier);
      return this.#opened;
    });
    return this.#loading;
  }

  async #close(): Promise<void> {
    if (!this.#loading) return;
    const parts = await this.#loading;
    const server = await this.#starting?.catch(() => undefined);
    this.#server = undefined;
    await parts.close(server);
  }
}

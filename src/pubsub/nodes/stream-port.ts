import { Client } from "../../client/client.js";
import { withOptions } from "../../client/component.js";
import { BadRequestError } from "../../errors.js";
import { Host } from "../../nameserver/host.js";
import { defineInterface } from "../../peer/exposed/definition.js";
import { call } from "../../peer/proxy.js";
import { credentialsOfHost, hostSecurityOf } from "../../security/host-security.js";
import { openKeys } from "../../security/key-folder.js";
import { keyText } from "../../security/keys.js";
import { STREAM_INTERFACE, type StreamPeer } from "./interfaces.js";
import type { ConnectionToDispatcherOptions } from "./node-options.js";

/** Options of {@link StreamPort}. */
export interface StreamPortOptions extends ConnectionToDispatcherOptions {
  /** What to bind. */
  readonly address: string;
  /** The node of a number. */
  find(member: number): { stream(data: unknown, formatter: string): unknown } | undefined;
}

/** Where nodes reach each other without the dispatcher. */
export class StreamPort {
  readonly #options: StreamPortOptions;
  readonly #host: Host;
  #client: Client | undefined;
  #opening: Promise<unknown> | undefined;

  /** @throws ConfigurationError for a wrong address, or keys that are none */
  constructor(options: StreamPortOptions) {
    this.#options = options;
    const { address, security, transport, maxMessageBytes, log } = options;
    this.#host = new Host({ address, nameserver: false, security, transport, maxMessageBytes, log, errors: "message" });
    const run = (member: number, data: unknown, formatter: string): unknown => {
      const found = options.find(member);
      if (found) return found.stream(data, formatter);
      throw new BadRequestError("There is no such node here");
    };
    const stream = { params: { member: "number", data: undefined, formatter: "string" }, run } as const;
    this.#host.provide(defineInterface(STREAM_INTERFACE, { methods: { stream } }));
  }

  /** The real address; empty before {@link StreamPort.open}. */
  get address(): string {
    return this.#host.address;
  }

  /** The public key that it has there, in Z85; `undefined` for none. */
  get key(): string | undefined {
    const { pair } = openKeys(hostSecurityOf(this.#options.security)?.keys);
    return pair && keyText(pair.publicKey);
  }

  /** @throws ConfigurationError for a port in use */
  async open(): Promise<void> {
    this.#opening = this.#host.start();
    await this.#opening;
  }

  /** Sends something to a node; gives what that answers. Never sent twice. */
  push({ address, member, key }: StreamPeer, data: unknown, formatter: string): PromiseLike<unknown> {
    const { security, transport, timeoutMs, connectTimeoutMs, maxMessageBytes } = this.#options;
    this.#client ??= new Client({
      security: credentialsOfHost(security),
      transport,
      timeoutMs,
      connectTimeoutMs,
      maxMessageBytes,
      retry: false,
    });
    const peer = this.#client.connect(address, STREAM_INTERFACE, { wire: "lamp", serverKey: key });
    return call(withOptions(peer, { retry: false }), "stream", member, data, formatter);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#client?.close();
    // What is being bound cannot be closed yet; whoever has opened it hears when it cannot be bound.
    await this.#opening?.catch(() => undefined);
    await this.#host.close();
  }
}

import { rpcError } from "../../errors.js";
import { ConnectionQuota, type OctetStream } from "../../transport/index.js";
import { type Logger, SILENT, unfailing } from "../../util/log.js";
import { sleep } from "../../util/sleep.js";
import { thrownText } from "../../util/thrown-text.js";
import { MAX_TIMER_MS } from "../../util/timers.js";
import { checkListenOptions } from "./check-options.js";
import { AmpEnd } from "./end.js";
import { listenForEnds } from "./end-streams.js";
import type { ListenAmpOptions } from "./options.js";
import { remoteOf } from "./peer-proxy.js";
import { AmpRegistration } from "./registration.js";
import type { AmpRemote } from "./remote.js";
import { type LocatorMaker, locatorsOf, type Responders } from "./responders.js";

/** A bound address at which commands are answered; made by {@link listen}. */
export interface AmpServer {
  /** The real address, with the real port; `unix://PATH` where that was given. */
  readonly address: string;
  /** Who is connected now. */
  readonly peers: readonly AmpRemote[];
  /** Takes no more connections and calls, lets those that run finish, and closes. Idempotent; settles when all is gone. */
  close(): Promise<void>;
  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Answers commands at an address:
 *
 * ```ts
 * const server = await listen("tcp://127.0.0.1:8000", [respond(Upper, ({ text }) => ({ text: text.toUpperCase() }))]);
 * ```
 *
 * @param address - `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix://PATH`; port 0 takes a free one
 * @param responders - what can be called; of a class each connection gets an instance of its own
 * @throws ConfigurationError for a wrong address or option, or a port in use
 * @throws AccessDeniedError when the service's name belongs to another address that is alive
 */
export async function listen(
  address: string,
  responders: Responders,
  options: ListenAmpOptions = {},
): Promise<AmpServer> {
  checkListenOptions(options, address);
  const server = new Server(responders, options);
  await server.bind(address);
  try {
    await server.register();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class Server implements AmpServer {
  readonly #options: ListenAmpOptions;
  readonly #locator: LocatorMaker;
  readonly #registration: AmpRegistration | undefined;
  readonly #log: Logger;
  readonly #ends = new Map<AmpEnd, AmpRemote>();
  #bound = "";
  #isUnix = false;
  #accepted = 0;
  #stop: () => Promise<void> = () => Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(responders: Responders, options: ListenAmpOptions) {
    this.#options = options;
    this.#log = unfailing(options.log ?? SILENT);
    this.#locator = locatorsOf(responders);
    this.#registration = options.register && new AmpRegistration(options.register, this.#log);
  }

  get address(): string {
    // As it was given: both schemes mean the same.
    return this.#isUnix ? this.#bound.replace(/^ipc:/, "unix:") : this.#bound;
  }

  get peers(): readonly AmpRemote[] {
    return [...this.#ends.values()];
  }

  async bind(address: string): Promise<void> {
    const { tls, maxQueuedBytes, connections } = this.#options;
    const quota = new ConnectionQuota(connections);
    const settings = { tls, maxQueuedBytes, quota, log: this.#log };
    const listener = await listenForEnds(address, (stream) => this.#accept(stream), settings);
    this.#bound = listener.address;
    this.#isUnix = address.startsWith("unix:");
    this.#stop = () => listener.close();
  }

  async register(): Promise<void> {
    await this.#registration?.start(this.#bound);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Where a class of responders throws, the connection is not taken. */
  #accept(stream: OctetStream): AmpEnd {
    const { onConnection } = this.#options;
    const { remoteAddress } = stream.peer;
    const from = remoteAddress === "" ? "a process of this machine" : remoteAddress;
    const end = new AmpEnd({
      ...this.#options,
      label: `${from}, connection ${++this.#accepted}`,
      log: this.#log,
      locator: this.#locator,
    });
    const remote = remoteOf(end);
    this.#ends.set(end, remote);
    void end.closed.then(() => {
      this.#ends.delete(end);
    });
    end.opened
      .then(() => onConnection?.(remote))
      .catch((error: unknown) => {
        this.#log.error(`onConnection failed, so that the connection of ${end.label} was closed: ${thrownText(error)}`);
        end.destroy(rpcError("CLOSED", "The connection was closed here, as onConnection failed"));
      });
    return end;
  }

  async #close(): Promise<void> {
    await this.#registration?.unregister();
    const stopped = this.#stop();
    const ends = [...this.#ends.keys()];
    const giveUp = new AbortController();
    await Promise.race([
      Promise.all(ends.map((end) => end.drain())),
      sleep(Math.min(this.#options.drainTimeoutMs ?? DRAIN_MS, MAX_TIMER_MS), giveUp.signal),
    ]);
    giveUp.abort();
    const reason = rpcError("CLOSED", "The server closes");
    await Promise.all(
      ends.map((end) => {
        end.end(reason);
        return end.closed;
      }),
    );
    await stopped;
    await this.#registration?.close();
  }
}

/** How long running calls may take to finish, in milliseconds. */
const DRAIN_MS = 10_000;

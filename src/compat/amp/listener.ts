import { rpcError } from "../../errors.js";
import type { ConnectedPeer } from "../../peer/connected-peer.js";
import type { ProtocolListener, ProtocolListenOptions } from "../../peer/protocol.js";
import { sleep } from "../../util/sleep.js";
import { Caller } from "./caller.js";
import type { CommandBook } from "./command-book.js";
import type { AmpEnd } from "./end.js";
import { listenForEnds } from "./end-streams.js";
import type { AmpProtocolOptions } from "./options.js";

/** An address at which a host answers peers of AMP. */
export class AmpListener implements ProtocolListener {
  static #count = 0;
  readonly #book: CommandBook;
  readonly #settings: AmpProtocolOptions;
  readonly #options: ProtocolListenOptions;
  readonly #callers = new Map<string, Caller>();
  #address = "";
  #stop: () => Promise<void> = () => Promise.resolve();

  constructor(book: CommandBook, settings: AmpProtocolOptions, options: ProtocolListenOptions) {
    this.#book = book;
    this.#settings = settings;
    this.#options = options;
  }

  get address(): string {
    return this.#address;
  }

  /** @throws ConfigurationError for a wrong address, a port in use, or certificates that cannot be used */
  async bind(address: string): Promise<this> {
    const { quota, log } = this.#options;
    const { tls, maxQueuedBytes } = this.#settings;
    const listener = await listenForEnds(address, () => this.#accept(), { tls, maxQueuedBytes, quota, log });
    this.#address = listener.address;
    this.#stop = () => listener.close();
    return this;
  }

  *peers(): Iterable<ConnectedPeer> {
    for (const [id, { end, identity }] of this.#callers) {
      yield { id, remoteAddress: end.remoteAddress, identity, wire: "amp", incarnation: undefined };
    }
  }

  find(id: string): Caller | undefined {
    return this.#callers.get(id);
  }

  async close(lingerMs: number): Promise<void> {
    const stopped = this.#stop();
    const reason = rpcError("CLOSED", "The host closes");
    const ends = [...this.#callers.values()].map(({ end }) => end);
    for (const end of ends) end.end(reason);
    const giveUp = new AbortController();
    await Promise.race([Promise.all(ends.map(({ closed }) => closed)), sleep(lingerMs, giveUp.signal)]);
    giveUp.abort();
    for (const end of ends) end.destroy(reason);
    await stopped;
  }

  #accept(): AmpEnd {
    const label = `amp-${++AmpListener.#count}`;
    const caller = new Caller({
      ...this.#options,
      label,
      book: this.#book,
      settings: this.#settings,
      callee: this.#options.dispatcher,
      onClosed: () => {
        this.#callers.delete(label);
      },
    });
    this.#callers.set(label, caller);
    return caller.end;
  }
}

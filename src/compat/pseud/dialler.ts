import type { RpcError } from "../../errors.js";
import type { Link, LinkHandlers, LinkOptions, RemoteEnd, Transport } from "../../transport/index.js";
import type { Frames } from "../../wire/message.js";

/** What a {@link Dialler} tells its owner, of one connection after the other. */
export interface DialHandlers {
  /** A connection is made. */
  opened(link: Link, end: RemoteEnd | undefined): void;
  /** A message came over it. */
  message(frames: Frames): void;
  /**
   * It has ended, or could not be made; there will be another.
   *
   * @param isOpen - was it made?
   */
  closed(reason: RpcError, isOpen: boolean): void;
}

/** Keeps a connection to an address: makes it, and makes it again when it has ended. */
export class Dialler {
  /** Where to. */
  readonly address: string;
  readonly #transport: Transport;
  readonly #options: LinkOptions;
  readonly #handlers: DialHandlers;
  readonly #random: () => number;
  #link: Link | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #refusal: RpcError | undefined;
  #failure: RpcError | undefined;
  #closed = false;

  /**
   * Begins.
   *
   * @throws ConfigurationError for a wrong address, or options that the transport cannot fulfil
   */
  constructor(
    address: string,
    transport: Transport,
    options: LinkOptions,
    handlers: DialHandlers,
    random: () => number = Math.random,
  ) {
    this.address = address;
    this.#transport = transport;
    this.#options = options;
    this.#handlers = handlers;
    this.#random = random;
    this.#dial();
  }

  /** Why there is no connection; `undefined` while there is one, or before the first was tried. */
  get failure(): RpcError | undefined {
    return this.#failure;
  }

  /** Why whoever is there did not let this end in; `undefined` when that is not so. */
  get refusal(): RpcError | undefined {
    return this.#refusal;
  }

  /** Ends the connection, and makes no other. Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#link?.close();
  }

  #dial(): void {
    let isOpen = false;
    const handlers: LinkHandlers = {
      opened: (end) => {
        isOpen = true;
        this.#failures = 0;
        this.#refusal = undefined;
        this.#failure = undefined;
        this.#handlers.opened(link, end);
      },
      message: (frames) => {
        this.#handlers.message(frames);
      },
      closed: (reason) => {
        this.#link = undefined;
        this.#failure = reason;
        this.#refusal = reason.code === "ACCESS_DENIED" ? reason : undefined;
        this.#handlers.closed(reason, isOpen);
        this.#failures++;
        this.#pause();
      },
    };
    const link = this.#transport.connect(this.address, handlers, this.#options);
    this.#link = link;
  }

  /** Longer with each failure, and not the same for all: half of it is chance. */
  #pause(): void {
    if (this.#closed) return;
    const growingMs = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** (this.#failures - 1));
    // Who is not let in would be kept out for longer if it tried again and again.
    const pauseMs = this.#refusal ? REFUSED_PAUSE_MS : growingMs;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#dial();
      },
      pauseMs * (0.5 + this.#random() / 2),
    );
  }
}

const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;
const REFUSED_PAUSE_MS = 10_000;

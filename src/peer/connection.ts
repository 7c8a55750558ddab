import { randomBytes } from "node:crypto";
import { type RpcError, rpcError } from "../errors.js";
import type { Link, LinkHandlers, LinkOptions, LinkSecurity, Transport } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import { type Logger, SILENT } from "../util/log.js";
import { callName } from "../wire/message.js";
import type { Wire } from "../wire/wire.js";
import { outsideOfCalls } from "./call-context.js";
import type { AttachmentLimits } from "./call-origin.js";
import type { Channel, ChannelIdentity } from "./channel.js";
import type { Dispatcher } from "./dispatcher.js";
import { PROCESS_INCARNATION } from "./incarnation.js";
import { PeerEnd } from "./peer-end.js";
import type { PendingCall } from "./pending-calls.js";
import { DEFAULT_MAX_REFERENCES } from "./references/exports.js";
import type { HeldReference } from "./references/held-reference.js";

/** Options of {@link Connection}. */
export interface ConnectionOptions {
  /** Moves the frames. */
  readonly transport: Transport;
  /** Turns calls into frames. */
  readonly wire: Wire;
  /** Keeps the deadlines. */
  readonly wheel: DeadlineWheel;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** Calls that may wait for an answer at the same time. One more is refused with `OVERLOADED`, `not-sent`. */
  readonly maxInFlight: number;
  /** Bytes of their requests together; a single call may always go. */
  readonly maxInFlightBytes: number;
  /** How this end proves who it is; default not at all. */
  readonly security?: LinkSecurity | undefined;
  /** What the other end may call, on wires where both ends call; default nothing. */
  readonly dispatcher?: Dispatcher | undefined;
  /** References that each end may hold of the other's; default 10,000. */
  readonly maxReferences?: number | undefined;
  /** Deadline of calls of references, in milliseconds; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Told of answers that fit no call. */
  readonly log?: Logger | undefined;
  /** Called once, when the connection is gone. */
  readonly onClosed?: ((connection: Connection) => void) | undefined;
}

/**
 * The end that connected: a link, and the peer's end of it.
 *
 * When the link breaks, every call in flight is rejected at once with `unknown`; calls that had not left are `not-sent`.
 */
export class Connection implements Channel {
  readonly address: string;
  readonly takesKeywords: boolean;
  readonly #onClosed: ((connection: Connection) => void) | undefined;
  readonly #wheel: DeadlineWheel;
  readonly #link: Link;
  readonly #end: PeerEnd;
  /** Sends signs of life: whether the other end would see this one go, nobody tells. */
  #pulse: NodeJS.Timeout | undefined;
  readonly #name: string | undefined;
  readonly #opened: Promise<void>;
  #settleOpened!: { resolve: () => void; reject: (reason: RpcError) => void };
  #open = false;
  #closed: RpcError | undefined;

  /**
   * Starts connecting.
   *
   * @throws ConfigurationError for a wrong address
   */
  constructor(address: string, options: ConnectionOptions) {
    this.address = address;
    this.#onClosed = options.onClosed;
    this.#wheel = options.wheel;
    const { callsBack, converses, batches, repeats, takesKeywords } = options.wire.abilities ?? {};
    this.takesKeywords = takesKeywords ?? false;
    this.#name = repeats ? randomBytes(12).toString("base64url") : undefined;
    this.#opened = new Promise<void>((resolve, reject) => {
      this.#settleOpened = { resolve, reject };
    });
    this.#opened.catch(() => undefined);
    this.#end = new PeerEnd({
      ...options,
      dispatcher: callsBack ? options.dispatcher : undefined,
      maxReferences: options.maxReferences ?? DEFAULT_MAX_REFERENCES,
      label: address,
      log: options.log ?? SILENT,
      incarnation: PROCESS_INCARNATION,
      name: this.#name,
      send: (frames, first, last) => {
        this.#link.send(frames, (reason) => {
          this.#end.unsent(first, last, reason);
        });
      },
      close: (reason) => {
        this.#link.close(reason);
      },
    });
    // Where messages travel together, the last of them may be as large as any.
    const together = batches ? 2 : 1;
    const linkOptions: LinkOptions = {
      maxMessageBytes: options.maxMessageBytes * together,
      security: options.security,
    };
    const handlers: LinkHandlers = {
      opened: () => {
        this.#open = true;
        this.#end.greet();
        if (converses) this.#beat();
        this.#settleOpened.resolve();
      },
      message: (frames) => {
        this.#end.receive(frames);
      },
      closed: (reason) => {
        this.#lost(reason);
      },
    };
    // A connection may be made for a call that is being served; what comes over it later is no part of that.
    this.#link = outsideOfCalls(() => options.transport.connect(address, handlers, linkOptions));
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get closedReason(): RpcError | undefined {
    return this.#closed;
  }

  get pending(): number {
    return this.#end.pending;
  }

  get isIdle(): boolean {
    return this.#end.isIdle;
  }

  get identity(): ChannelIdentity | undefined {
    return this.#name === undefined ? undefined : { name: this.#name, incarnation: this.#end.hello?.incarnation };
  }

  get attachments(): AttachmentLimits {
    return this.#end.attachments;
  }

  get calls(): number {
    return this.#end.calls;
  }

  references(): Iterable<HeldReference> {
    return this.#end.references();
  }

  now(): number {
    return this.#wheel.now();
  }

  whenOpen(): Promise<void> {
    return this.#opened;
  }

  send(call: PendingCall): void {
    const { signal } = call;
    const closed = this.#closed;
    if (!closed && signal?.aborted !== true) {
      this.#end.call(call);
      return;
    }
    const where = { interface: call.interface, method: call.method, service: this.address };
    call.failed(
      closed
        ? rpcError(closed.code, closed.message, { ...where, cause: closed })
        : rpcError("CANCELLED", `${callName(call)} was cancelled before it was sent`, {
            ...where,
            cause: signal?.reason,
          }),
    );
  }

  canFollow(call: PendingCall): boolean {
    return this.#open && this.#end.canFollow(call);
  }

  close(reason?: RpcError): void {
    if (this.#open) this.#end.leave(reason ?? rpcError("CLOSED", "The client closes"));
    this.#link.close(reason);
  }

  #beat(): void {
    this.#pulse = setInterval(() => {
      if (!this.#end.isIdle) this.#end.ping();
    }, PULSE_MS).unref();
  }

  #lost(reason: RpcError): void {
    this.#open = false;
    clearInterval(this.#pulse);
    this.#closed = reason;
    this.#settleOpened.reject(reason);
    this.#end.lost(reason);
    this.#onClosed?.(this);
  }
}

/** How often a sign of life is sent while anything is under way, in milliseconds. */
const PULSE_MS = 2_000;

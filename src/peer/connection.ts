import { RpcError, rpcError } from "../errors.js";
import type { Link, Transport } from "../transport/index.js";
import type { DeadlineWheel } from "../util/deadline-wheel.js";
import { type Logger, SILENT } from "../util/log.js";
import type { CallTiming, Frames, ResultMessage } from "../wire/message.js";
import { type Codec, MalformedMessageError, type Wire } from "../wire/wire.js";
import { CallSettlement } from "./call-settlement.js";
import type { Channel, ChannelCall } from "./channel.js";
import { PendingCalls } from "./pending-calls.js";

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
  /** Told of answers that fit no call. */
  readonly log?: Logger | undefined;
  /** Called once, when the connection is gone. */
  readonly onClosed?: ((connection: Connection) => void) | undefined;
}

/**
 * The calling end of a link: call ids, calls in flight, deadlines.
 *
 * When the link breaks, every call in flight is rejected at once with `unknown`; calls that had not left are `not-sent`.
 */
export class Connection implements Channel {
  readonly address: string;
  /** The clock of {@link ChannelCall.deadlineAt}. */
  readonly wheel: DeadlineWheel;
  readonly #options: ConnectionOptions;
  readonly #link: Link;
  readonly #codec: Codec;
  readonly #pending: PendingCalls;
  readonly #opened: Promise<void>;
  #settleOpened!: { resolve: () => void; reject: (reason: RpcError) => void };
  #open = false;
  #closed: RpcError | undefined;
  #nextId = 1;

  /**
   * Starts connecting.
   *
   * @throws ConfigurationError for a wrong address
   */
  constructor(address: string, options: ConnectionOptions) {
    this.address = address;
    this.wheel = options.wheel;
    this.#options = options;
    this.#codec = options.wire.open({ maxMessageBytes: options.maxMessageBytes });
    this.#pending = new PendingCalls(options.wheel);
    this.#opened = new Promise<void>((resolve, reject) => {
      this.#settleOpened = { resolve, reject };
    });
    this.#opened.catch(() => undefined);
    this.#link = options.transport.connect(
      address,
      {
        opened: () => {
          this.#open = true;
          this.#settleOpened.resolve();
        },
        message: (frames) => {
          this.#receive(frames);
        },
        closed: (reason) => {
          this.#lost(reason);
        },
      },
      { maxMessageBytes: options.maxMessageBytes },
    );
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get closedReason(): RpcError | undefined {
    return this.#closed;
  }

  get pending(): number {
    return this.#pending.size;
  }

  get calls(): number {
    return this.#nextId - 1;
  }

  whenOpen(): Promise<void> {
    return this.#opened;
  }

  call(call: ChannelCall): Promise<ResultMessage> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const settlement = new CallSettlement(this.address, this.wheel, call, resolve, reject);
      const refusal = this.#refusal(call);
      if (refusal) {
        reject(refusal);
        return;
      }
      try {
        const frames = this.#codec.encode({
          kind: "call",
          id,
          interface: call.interface,
          method: call.method,
          args: call.args,
          sessionId: call.sessionId,
          extensions: call.extensions,
          attachment: call.attachment,
          timing: this.#timing(call.deadlineAt),
        });
        let bytes = 0;
        for (const frame of frames) bytes += frame.byteLength;
        if (call.maxBytes !== undefined && bytes > call.maxBytes) throw tooLarge(call, bytes, call.maxBytes);
        this.#pending.add(id, settlement, call.deadlineAt, bytes, call.signal);
        this.#link.send(frames, (reason) => {
          this.#pending.fail(id, "unsent", reason);
        });
      } catch (error) {
        reject(RpcError.from(error));
      }
    });
  }

  close(reason?: RpcError): void {
    this.#link.close(reason);
  }

  #refusal(call: ChannelCall): RpcError | undefined {
    const where = { interface: call.interface, method: call.method, service: this.address };
    if (call.signal?.aborted) {
      return rpcError("CANCELLED", `${call.interface}.${call.method} was cancelled before it was sent`, {
        ...where,
        cause: call.signal.reason,
      });
    }
    if (this.#closed) return rpcError(this.#closed.code, this.#closed.message, { ...where, cause: this.#closed });
    const { maxInFlight, maxInFlightBytes } = this.#options;
    const size = call.attachment?.byteLength ?? 0;
    const full = this.#pending.size >= maxInFlight;
    if (full || (this.#pending.size > 0 && this.#pending.bytes + size > maxInFlightBytes)) {
      return rpcError(
        "OVERLOADED",
        `${full ? `${maxInFlight} calls` : `${maxInFlightBytes} bytes`} are in flight to ${this.address} already ` +
          `(option ${full ? "maxInFlight" : "maxInFlightBytes"})`,
        where,
      );
    }
    return undefined;
  }

  #receive(frames: Frames): void {
    try {
      const message = this.#codec.decode(frames);
      if (message.kind === "call") this.#ignored("a call, and this end serves none");
      else if (typeof message.id !== "number" || !this.#pending.settle(message.id, message)) {
        this.#ignored("an answer to no call that waits");
      }
    } catch (error) {
      // An unreadable answer that names its call settles that call; nothing else is disturbed.
      const answer = error instanceof MalformedMessageError ? error.answer : undefined;
      const settled = answer !== undefined && typeof answer.id === "number" && this.#pending.settle(answer.id, answer);
      if (!settled) this.#ignored((error as Error).message);
    }
  }

  #timing(deadlineAt: number): CallTiming {
    const sentAt = this.wheel.now();
    return { timeoutMs: deadlineAt - sentAt, sentAt };
  }

  #ignored(what: string): void {
    (this.#options.log ?? SILENT).debug(`${this.address} sent what is ignored: ${what}`);
  }

  #lost(reason: RpcError): void {
    this.#open = false;
    this.#closed = reason;
    this.#settleOpened.reject(reason);
    this.#pending.failAll(reason.code === "CLOSED" ? "closed" : "lost", reason);
    this.#options.onClosed?.(this);
  }
}

/** The peer has told how much it takes; more would only break the connection. */
function tooLarge(call: ChannelCall, bytes: number, maxBytes: number): RpcError {
  return rpcError(
    "TOO_LARGE",
    `The call of ${call.interface}.${call.method} has ${bytes} bytes, the service takes ${maxBytes} at most`,
    { interface: call.interface, method: call.method },
  );
}

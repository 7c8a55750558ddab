import { ConfigurationError, RpcError, rpcError } from "../../errors.js";
import { servingCall } from "../../peer/call-context.js";
import { reviveRegistered } from "../../peer/error-classes.js";
import type { CallOptions } from "../../peer/invoker.js";
import { callMessage } from "../../peer/pending-calls.js";
import { hasRunOut, PromiseCall } from "../../peer/promise-call.js";
import { unreadable } from "../../peer/unreadable.js";
import { type LinkSecurity, parseAddress } from "../../transport/index.js";
import type { Frames, Message } from "../../wire/message.js";
import { PseudCodec, type PseudCodecOptions } from "../../wire/pseud/codec.js";
import { MalformedMessageError } from "../../wire/wire.js";
import type { Broken } from "./sync-channel.js";
import { SyncThread } from "./sync-thread.js";

/** What {@link SyncCalls} goes by. */
export interface SyncCallsOptions {
  /** What the server is to be known by; empty: whoever is there. */
  readonly serverId: string;
  /** Proves to the connection who this end is; default not at all. */
  readonly security: LinkSecurity | undefined;
  /** Answers a server that asks for a log-in above that: the body of a HELLO. */
  readonly hello: Uint8Array | undefined;
  /** Deadline, in milliseconds. */
  readonly timeoutMs: number;
  /** Largest message either way, in bytes. */
  readonly maxMessageBytes: number;
  /** How values travel. */
  readonly codec: PseudCodecOptions;
}

/**
 * Calls that block the thread they are made in. Values are written and read here: nothing but octets crosses to the thread that
 * keeps the connection, so that classes, translations and errors are those of an asynchronous client.
 */
export class SyncCalls {
  readonly #options: SyncCallsOptions;
  readonly #codec: PseudCodec;
  #address = "";
  #thread: SyncThread | undefined;
  #isClosed = false;

  /** @throws ConfigurationError for a deadline that is none */
  constructor(options: SyncCallsOptions) {
    requireMs(options.timeoutMs);
    this.#options = options;
    this.#codec = new PseudCodec(options.codec, { maxMessageBytes: options.maxMessageBytes });
  }

  /** One line that says what this is and how it is. */
  describe(): string {
    const { serverId } = this.#options;
    const where = this.#address === "" ? "" : ` @ ${this.#address}`;
    const to = serverId === "" ? "" : ` to ${serverId}`;
    return `pseud blocking client${where} ${this.#state()}${to}`;
  }

  /** See {@link SyncClientVerbs.connect}. */
  connect(address: string): void {
    if (this.#isClosed)
      throw new ConfigurationError("This client was closed, and cannot be used again: make another one");
    if (this.#thread) {
      throw new ConfigurationError(
        `This client is connected to ${this.#address} already: make another one for ${address}`,
      );
    }
    const { scheme, text } = parseAddress(address);
    if (scheme !== "tcp" && scheme !== "ipc") {
      throw new ConfigurationError(
        `A blocking client has no ${scheme}:// addresses, only tcp:// and ipc://: its connection is in a thread of its own`,
      );
    }
    const { serverId, security, hello, maxMessageBytes } = this.#options;
    this.#thread = new SyncThread({ address: text, serverId, security, hello, maxMessageBytes });
    this.#address = text;
  }

  /** See {@link SyncClientVerbs.start}. */
  start(): void {
    if (!this.#thread || this.#isClosed) throw this.#objection();
  }

  /** See {@link SyncClientVerbs.close}. */
  close(): void {
    this.#isClosed = true;
    this.#thread?.close();
  }

  /**
   * Calls a job of the server; arguments in order, keywords may stand last.
   *
   * @throws RpcError, always with an outcome; or the error of a registered class that the job threw
   */
  call(method: string, args: readonly unknown[], options: CallOptions): unknown {
    const { signal, attachment } = options;
    const parent = servingCall();
    const timeoutMs = requireMs(options.timeoutMs ?? this.#options.timeoutMs);
    const deadlineAt = Math.min(performance.now() + timeoutMs, parent?.deadlineAt ?? Infinity);
    let result: unknown;
    const call = new PromiseCall(
      { address: this.#address, now: () => performance.now() },
      { interface: "", method, args, isPositional: true, deadlineAt, signal, attachment },
      (message) => {
        result = message.result;
      },
      (error) => {
        throw reviveRegistered(error) as Error;
      },
    );
    const thread = this.#thread;
    const aborted = [signal, parent?.signal].find((one) => one?.aborted);
    if (!thread || this.#isClosed || thread.ended !== undefined) call.failed(this.#objection());
    else if (aborted) call.failed(cancelled(method, aborted));
    else this.#exchange(thread, call);
    return result;
  }

  /** Settles a call. */
  #exchange(thread: SyncThread, call: PromiseCall): void {
    call.id = thread.nextNumber();
    const settlement = thread.exchange(call.id, this.#encode(call), call.deadlineAt);
    switch (settlement.kind) {
      case "answer": {
        const answer = this.#decode(settlement.frames);
        if (answer.kind === "result") call.answered(answer);
        else if (answer.kind === "error") call.refused(answer);
        return;
      }
      case "lost":
        call.givenUp("lost", this.#brokenBy(settlement));
        return;
      case "unsent":
        call.failed(this.#brokenBy(settlement));
        return;
      case "expired":
        if (settlement.isSent) call.givenUp("expired", undefined);
        else call.failed(this.#notSent(call, settlement.trouble));
    }
  }

  #encode(call: PromiseCall): Frames {
    try {
      return this.#codec.encode(callMessage(call));
    } catch (error) {
      call.failed(unreadable(error));
      throw error;
    }
  }

  /** What an answer says; one that cannot be read says that. */
  #decode(frames: Frames): Message {
    try {
      return this.#codec.decode(frames);
    } catch (error) {
      if (error instanceof MalformedMessageError && error.answer) return error.answer;
      throw error;
    }
  }

  #state(): string {
    if (this.#isClosed) return "closed";
    if (!this.#thread) return "new";
    return this.#thread.isConnected ? "connected" : "not connected";
  }

  /** Why nothing can be called. */
  #objection(): RpcError {
    const options = { outcome: "not-sent", service: this.#address } as const;
    if (this.#isClosed) return rpcError("CLOSED", "The client was closed", options);
    const ended = this.#thread?.ended;
    if (ended !== undefined) return rpcError("UNAVAILABLE", `The thread of the connection failed: ${ended}`, options);
    return rpcError("CONFIGURATION", "Nothing is connected yet: call connect() first", { outcome: "not-sent" });
  }

  #brokenBy({ code, text }: Broken): RpcError {
    return rpcError(code, text, { service: this.#address });
  }

  #notSent({ method, deadlineAt, sentAt }: PromiseCall, trouble: string | undefined): RpcError {
    const { serverId } = this.#options;
    const why = trouble ?? (serverId === "" ? "no server was connected" : `${serverId} was not connected`);
    return rpcError("TIMEOUT", `${method} was not sent within ${Math.round(deadlineAt - sentAt)} ms: ${why}`, {
      method,
      service: this.#address,
      outcome: "not-sent",
    });
  }
}

function cancelled(method: string, { reason }: AbortSignal): RpcError {
  const options = { method, outcome: "not-sent", cause: reason as unknown } as const;
  return hasRunOut(reason)
    ? rpcError("TIMEOUT", `${method} was not sent: the deadline of the call that it was made for passed`, options)
    : rpcError("CANCELLED", `${method} was cancelled before it was sent`, options);
}

/** @throws ConfigurationError for what is no time, for which one would sleep for ever */
function requireMs(timeoutMs: number): number {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
  throw new ConfigurationError(`timeoutMs has to be a number of milliseconds, not ${String(timeoutMs)}`);
}

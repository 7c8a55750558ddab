import { RpcError, rpcError } from "../../errors.js";
import type { Channel } from "../../peer/channel.js";
import type { PendingCall } from "../../peer/pending-calls.js";
import { givenArguments, requirePlainCall } from "../../peer/plain-call.js";
import type { ProtocolConnectOptions } from "../../peer/protocol.js";
import type { Box } from "../../wire/amp/index.js";
import { attachmentsOf, boxBytes } from "./box-size.js";
import { Caller } from "./caller.js";
import type { CommandBook } from "./command-book.js";
import { DecodedCall } from "./decoded-call.js";
import type { AmpEnd } from "./end.js";
import { connectEnd } from "./end-streams.js";
import type { AmpProtocolOptions } from "./options.js";
import { type RequestPlace, requestBox, responseValues } from "./request.js";

/** A connection of a client to a peer of AMP, for the length of its life. */
export class AmpChannel implements Channel {
  readonly address: string;
  readonly takesKeywords = true;
  readonly identity = undefined;
  readonly attachments: Channel["attachments"];
  readonly #options: ProtocolConnectOptions;
  readonly #book: CommandBook;
  readonly #end: AmpEnd;
  readonly #opened: Promise<void>;
  #closed: RpcError | undefined;
  #patience: NodeJS.Timeout | undefined;

  /** @throws ConfigurationError for a wrong address, or certificates that cannot be used */
  constructor(address: string, book: CommandBook, settings: AmpProtocolOptions, options: ProtocolConnectOptions) {
    const { maxMessageBytes, dispatcher, onClosed } = options;
    this.address = address;
    this.attachments = attachmentsOf(maxMessageBytes);
    this.#options = options;
    this.#book = book;
    const caller = new Caller({
      ...options,
      label: address,
      book,
      settings,
      callee: dispatcher,
      limits: undefined,
      onClosed: () => {
        clearTimeout(this.#patience);
        onClosed(this);
      },
      onEnding: () => {
        this.#retire();
      },
    });
    const { end } = caller;
    this.#end = end;
    this.#opened = connectEnd(end, address, settings);
  }

  get isOpen(): boolean {
    return this.#closed === undefined && this.#end.isOpen;
  }

  get closedReason(): RpcError | undefined {
    return this.#closed ?? this.#end.closedReason;
  }

  get pending(): number {
    return this.#end.pending;
  }

  get isIdle(): boolean {
    return this.#end.pending === 0 && this.#end.running === 0;
  }

  get calls(): number {
    return this.#end.asked;
  }

  references(): [] {
    return [];
  }

  now(): number {
    return this.#options.wheel.now();
  }

  whenOpen(): Promise<void> {
    return this.#opened;
  }

  send(call: PendingCall): void {
    const { interface: name, method, isOneWay } = call;
    const place: RequestPlace = {
      where: { interface: name, method, service: this.address },
      dialect: this.#end.dialect,
      context: this.#end,
    };
    if (this.#closed) {
      const { code, message } = this.#closed;
      call.failed(rpcError(code, message, { ...place.where, outcome: "not-sent", cause: this.#closed }));
      return;
    }
    const command = this.#book.find(name, method);
    let box: Box;
    let bytes: number;
    try {
      requirePlainCall(call, "amp");
      box = requestBox(command, givenArguments(call), place);
      bytes = boxBytes(box);
      this.#requireRoom(bytes, place);
    } catch (error) {
      call.failed(RpcError.from(error, "BAD_REQUEST", { ...place.where, outcome: "not-sent" }));
      return;
    }
    const decoded = new DecodedCall(call, command?.name ?? method, bytes, this.address, (values) =>
      responseValues(command, values, place),
    );
    this.#end.send(decoded, box, !isOneWay && command?.requiresAnswer !== false);
    call.id = decoded.id;
  }

  canFollow(): boolean {
    return false;
  }

  close(reason: RpcError = rpcError("CLOSED", "The client closes")): void {
    const isRetired = this.#patience !== undefined;
    if (this.#closed && !isRetired) return;
    this.#closed ??= reason;
    const end = this.#end;
    if (!end.isOpen || reason.code !== "CLOSED") {
      end.destroy(reason);
      return;
    }
    // What was sent last leaves before the connection ends, but nobody waits for answers.
    end.end(reason);
    end.stopReceivingBoxes(reason);
  }

  /** What is called from now on goes over another connection; what is under way has a moment until the other end closes this one. */
  #retire(): void {
    if (this.#closed) return;
    const reason = rpcError(
      "UNAVAILABLE",
      `${this.address} closes the connection after an error that it has not foreseen`,
    );
    this.#closed = reason;
    this.#patience = setTimeout(() => {
      this.#end.end(reason);
    }, RETIRED_MS).unref();
  }

  #requireRoom(bytes: number, { where }: RequestPlace): void {
    const { maxMessageBytes, maxInFlightBytes } = this.#options;
    if (bytes > maxMessageBytes) {
      throw rpcError("TOO_LARGE", `The request has ${bytes} octets, the limit is ${maxMessageBytes}`, where);
    }
    if (this.#end.pending === 0 || this.#end.pendingBytes + bytes <= maxInFlightBytes) return;
    throw rpcError(
      "OVERLOADED",
      `${maxInFlightBytes} octets of requests wait for answers of ${this.address} already (option maxInFlightBytes)`,
      where,
    );
  }
}

/** So long a peer may take to close a connection of which it has said, by its error, that it does. */
const RETIRED_MS = 1_000;

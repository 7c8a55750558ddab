import { ProtocolError, type RpcError, rpcError } from "../../errors.js";
import { SlotTable } from "../../util/slot-table.js";
import type { StreamMessage } from "../../wire/message.js";
import { OutgoingStream, type StreamContext, type StreamOutput } from "./outgoing-stream.js";
import { IncomingStream, RemoteStream, type StreamControl, streamLost, toReadableStream } from "./remote-stream.js";
import type { StreamSource } from "./source.js";
import { MAX_STREAMS } from "./window.js";

/** The streams of one connection, both ways. */
export class Streams {
  readonly #outgoing = new SlotTable<OutgoingStream>();
  readonly #incoming = new Map<number, IncomingStream>();
  readonly #output: StreamOutput;
  readonly #control: StreamControl;
  readonly #forgetOutgoing = (stream: OutgoingStream): void => {
    this.#outgoing.take(stream.id);
  };
  readonly #forgetIncoming = (stream: IncomingStream): void => {
    this.#incoming.delete(stream.id);
  };

  constructor(output: StreamOutput, control: StreamControl) {
    this.#output = output;
    this.#control = control;
  }

  /** Streams that are open, both ways. */
  get size(): number {
    return this.#outgoing.size + this.#incoming.size;
  }

  /**
   * Prepares a source to be sent; nothing is taken from it before {@link OutgoingStream.start}.
   *
   * @throws RpcError with code `OVERLOADED` when the other end would take no more
   */
  open(source: StreamSource, context: StreamContext): OutgoingStream {
    if (this.#outgoing.size >= MAX_STREAMS) {
      throw rpcError("OVERLOADED", `${MAX_STREAMS} streams are open on this connection; end some of them first`);
    }
    const stream = new OutgoingStream(this.#outgoing.next(), source, this.#output, context, this.#forgetOutgoing);
    this.#outgoing.add(stream);
    return stream;
  }

  /**
   * What stands for a stream of the other end.
   *
   * @throws ProtocolError when the number is in use, or there are too many
   */
  accept(id: number, isReadable: boolean): { readonly stream: IncomingStream; readonly value: unknown } {
    if (this.#incoming.has(id)) throw new ProtocolError(`The stream ${id} is open already`);
    if (this.#incoming.size >= MAX_STREAMS) throw new ProtocolError(`More than ${MAX_STREAMS} streams are open`);
    const stream = new IncomingStream(id, this.#control, this.#forgetIncoming);
    this.#incoming.set(id, stream);
    return { stream, value: isReadable ? toReadableStream(stream) : new RemoteStream(stream) };
  }

  /** Does somebody here take the items of a stream? */
  isIncoming(id: number): boolean {
    return this.#incoming.has(id);
  }

  /** Takes what the other end says of a stream. What is over here is read over: the ends may cross. */
  handle(message: StreamMessage, toError: (message: StreamMessage & { readonly kind: "end" }) => unknown): void {
    switch (message.kind) {
      case "item":
        this.#incoming.get(message.stream)?.receive(message.value, message.bytes ?? 0);
        break;
      case "end":
        this.#incoming.get(message.stream)?.end(toError(message));
        break;
      case "credit":
        this.#outgoing.get(message.stream)?.grant(message.items);
        break;
      case "stop":
        this.#outgoing.get(message.stream)?.stop();
        break;
    }
  }

  /** The connection is gone. */
  lost(reason: RpcError): void {
    for (const stream of this.#outgoing.values()) stream.stop(reason);
    const error = streamLost(reason);
    for (const stream of [...this.#incoming.values()]) stream.end(error);
  }
}

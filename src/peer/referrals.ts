import { ProtocolError, type RpcError, rpcError } from "../errors.js";
import type { EndMessage, Message, ReleaseMessage, StreamMessage } from "../wire/message.js";
import type { Referral, Referrer } from "../wire/wire.js";
import { ServerCall } from "./call-context.js";
import type { CallPromise } from "./call-promise.js";
import { reviveRegistered } from "./error-classes.js";
import { failureOf } from "./failures.js";
import { type Export, Exports } from "./references/exports.js";
import { isReferable } from "./references/expose-reference.js";
import { type HeldReference, heldReferences } from "./references/held-reference.js";
import { importOf } from "./references/import.js";
import { Imports } from "./references/imports.js";
import { ArgumentContext, CallContext, OUTSIDE } from "./streams/contexts.js";
import type { OutgoingStream, StreamContext } from "./streams/outgoing-stream.js";
import type { IncomingStream } from "./streams/remote-stream.js";
import { isStreamSource } from "./streams/source.js";
import { Streams } from "./streams/streams.js";

/** What {@link Referrals} needs of its end of the connection. */
export interface ReferralPort {
  /** The other end, for people. */
  readonly label: string;
  /** References that each end may hold of the other's. */
  readonly maxReferences: number;
  /**
   * Sends a message.
   *
   * @returns its size in bytes
   * @throws RpcError when it cannot travel
   */
  send(message: Message): number;
  /** How long calls of references may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Calls a reference of the other end. */
  callReference(reference: number, method: string, args: readonly unknown[], deadlineAt: number): CallPromise<unknown>;
}

/**
 * What travels of values that do not: streams and references, of one connection, both ways. What a message refers to comes
 * to life when the message is sure to be sent, and is taken back when it is not.
 */
export class Referrals implements Referrer {
  readonly #port: ReferralPort;
  readonly #streams: Streams;
  readonly #exports: Exports;
  readonly #imports: Imports;
  // Of the message that is being written.
  #origin: unknown;
  #onEnded: (() => void) | undefined;
  #context: StreamContext | undefined;
  #opened: OutgoingStream[] = [];
  #exported: Export[] = [];
  /** Streams among the arguments of calls of this end, by the call's number. */
  readonly #ofCalls = new Map<number, readonly OutgoingStream[]>();
  // Of the message that was read last.
  #accepted: IncomingStream[] = [];
  #hasImported = false;

  constructor(port: ReferralPort) {
    this.#port = port;
    this.#streams = new Streams(
      {
        item: (stream, value) => port.send({ kind: "item", stream, value }),
        end: (stream, error) => {
          this.#sendEnd(stream, error);
        },
      },
      {
        credit: (stream, items) => port.send({ kind: "credit", stream, items }),
        stop: (stream) => port.send({ kind: "stop", stream }),
      },
    );
    this.#exports = new Exports(port.maxReferences);
    this.#imports = new Imports(
      {
        label: port.label,
        timeoutMs: port.timeoutMs,
        call: (id, method, args, deadlineAt) => port.callReference(id, method, args, deadlineAt),
        release: ({ id, count }) => port.send({ kind: "release", reference: id, count }),
      },
      port.maxReferences,
    );
  }

  /** Does anything live on this connection besides calls? */
  get size(): number {
    return this.#streams.size + this.#exports.size + this.#imports.size;
  }

  /** What each end holds of the other's. */
  references(): Iterable<HeldReference> {
    return heldReferences(this.#port.label, this.#exports, this.#imports);
  }

  /** What of ours the other end holds. */
  get exports(): Exports {
    return this.#exports;
  }

  /**
   * A message is about to be written.
   *
   * @param origin - the call that it answers, as part of which goes on what it refers to; or its own number, if it is a call
   * @param onEnded - called when all its streams are over; never when it has none
   */
  begin(origin: unknown, onEnded?: () => void): void {
    this.#origin = origin;
    this.#onEnded = onEnded;
    this.#context = undefined;
  }

  /**
   * It is sure to be sent.
   *
   * @returns whether it holds streams, so that it cannot be sent a second time
   */
  commit(): boolean {
    if (this.#exported.length > 0) this.#exported = [];
    if (this.#opened.length === 0) return false;
    const opened = this.#opened.splice(0);
    if (typeof this.#origin === "number") this.#ofCalls.set(this.#origin, opened);
    this.#context?.started(opened.length);
    for (const stream of opened) stream.start();
    return true;
  }

  /** A call of this end was given up, and so the streams among its arguments are. */
  givenUp(call: number): void {
    const reason = rpcError("CANCELLED", "The caller has given the call up");
    for (const stream of this.#ofCalls.get(call) ?? []) stream.breakOff(reason);
  }

  /** It could not be written. */
  rollback(): void {
    for (const { id } of this.#exported.splice(0)) this.#exports.release(id, 1);
    for (const stream of this.#opened.splice(0)) stream.stop();
  }

  /** Streams that came with the message that was read last; asked once. */
  takeAccepted(): readonly IncomingStream[] {
    if (this.#accepted.length === 0) return NONE;
    const accepted = this.#accepted;
    this.#accepted = [];
    return accepted;
  }

  /** Have references come since it was asked last? */
  takeImported(): boolean {
    const hasImported = this.#hasImported;
    this.#hasImported = false;
    return hasImported;
  }

  refers(value: object): boolean {
    return isStreamSource(value) || isReferable(value);
  }

  refer(value: object): Referral | undefined {
    if (isStreamSource(value)) {
      this.#context ??= this.#contextOf(this.#origin);
      const stream = this.#streams.open(value, this.#context);
      this.#opened.push(stream);
      return { kind: "stream", content: [stream.id, value instanceof ReadableStream ? 1 : 0] };
    }
    const held = importOf(value)?.latest;
    if (held && this.#imports.owns(held)) return { kind: "reference", content: [held.id, HOME] };
    if (held?.isLost) {
      const text = `A reference that went with its connection to ${held.control.label} cannot be handed on`;
      throw rpcError("REFERENCE_LOST", text, { outcome: "not-sent" });
    }
    const exported = this.#exports.add(value);
    if (!exported) return undefined;
    this.#exported.push(exported);
    return { kind: "reference", content: contentOf(exported) };
  }

  revive(kind: Referral["kind"], content: readonly unknown[]): unknown {
    const [id, what, methods, idempotent = []] = content;
    if (typeof id !== "number") throw new ProtocolError(`A ${kind} is malformed`);
    if (kind === "stream") {
      const { stream, value } = this.#streams.accept(id, what === 1);
      this.#accepted.push(stream);
      return value;
    }
    if (kind !== "reference") throw new ProtocolError(`A ${kind} has no place here`);
    if (what === 0 || (what === 1 && Array.isArray(methods) && Array.isArray(idempotent))) {
      this.#hasImported = true;
      const shape = what === 0 ? undefined : { methods: texts(methods), idempotent: texts(idempotent) };
      return this.#imports.accept(id, shape);
    }
    const home = what === HOME ? this.#exports.get(id) : undefined;
    if (!home) throw new ProtocolError(`The reference ${id} is none of this end's`);
    return home.target;
  }

  /** Takes what the other end says of streams and references. */
  handle(message: StreamMessage | ReleaseMessage): void {
    const accepted = this.takeAccepted();
    if (message.kind === "item" && !this.#streams.isIncoming(message.stream)) {
      for (const stream of accepted) stream.stop();
    }
    if (message.kind === "release") this.#exports.release(message.reference, message.count);
    else this.#streams.handle(message, (end) => this.#readError(end));
  }

  /** The connection is gone. */
  lost(reason: RpcError): void {
    this.#streams.lost(reason);
    this.#imports.lost();
    this.#exports.clear();
  }

  #contextOf(origin: unknown): StreamContext {
    if (origin instanceof ServerCall) return new CallContext(origin, this.#onEnded);
    if (typeof origin !== "number") return OUTSIDE;
    return new ArgumentContext(() => {
      this.#ofCalls.delete(origin);
    });
  }

  #sendEnd(stream: number, error: unknown): void {
    if (error === undefined) {
      this.#port.send({ kind: "end", stream });
      return;
    }
    const told = failureOf(error);
    try {
      this.#port.send({ kind: "end", stream, error: told });
    } catch {
      // What the error carries cannot travel; its text can.
      this.#port.send({ kind: "end", stream, error: { ...told, remote: { message: told.remote.message } } });
    }
  }

  #readError({ error }: EndMessage): unknown {
    if (!error) return undefined;
    const { code, number, remote } = error;
    const options = { number, remote, outcome: "executed", service: this.#port.label, cause: remote.cause } as const;
    return reviveRegistered(rpcError(code, remote.message, options));
  }
}

/** What the other end needs to know of something of ours. */
function contentOf({ id, target, exposed: { methods } }: Export): unknown[] {
  if (typeof target === "function") return [id, 0];
  const names = [...methods.keys()];
  const idempotent = names.filter((name) => methods.get(name)?.contract.idempotent === true);
  return idempotent.length === 0 ? [id, 1, names] : [id, 1, names, idempotent];
}

function texts(list: unknown): string[] {
  return (list as unknown[]).filter((item) => typeof item === "string");
}

const NONE: readonly IncomingStream[] = [];
/** In a reference's content: it is one of the receiver's own. */
const HOME = 2;

import { BadRequestError, ProtocolError, RpcError, rpcError } from "../../errors.js";
import { unreadableAnswer, unreadableCall } from "../malformed.js";
import { type AnswerMessage, type CallId, type CallMessage, type Frames, type Message, sizeOf } from "../message.js";
import { Writer } from "../messagepack/writer.js";
import { NamedArguments } from "../named-arguments.js";
import { type Codec, MalformedMessageError, type WireLimits } from "../wire.js";
import { CallUids, isCallOf } from "./call-uids.js";
import { decodeBody, textIn } from "./decode-value.js";
import { encodeBody, encodeValue } from "./encode-value.js";
import { decodeErrorBody, encodeErrorBody } from "./error-body.js";
import type { ErrorNames } from "./error-names.js";
import { isMessage, MessageType, messageFrames, typeOf } from "./format.js";
import type { TranslationTable } from "./translation-table.js";

/** What a {@link PseudCodec} goes by. */
export interface PseudCodecOptions {
  /** Types of the application's own. */
  readonly translations: TranslationTable;
  /** What Python is to call our errors. */
  readonly errorNames: ErrorNames;
  /** How long a call may run before its caller breaks at the answer, in milliseconds. */
  readonly latestAnswerMs: number;
}

/**
 * One connection's codec (docs/pseud-wire.md): WORK ⇄ call, OK and ERROR ⇄ answer. What belongs to logging in is no business
 * of calls: an UNAUTHORIZED that comes here refuses the call of its uid, and the rest is dropped.
 *
 * The number of an incoming call is its uid, with the name that it calls: Python says nothing but the name of one that it does
 * not find.
 */
export class PseudCodec implements Codec {
  readonly #options: PseudCodecOptions;
  readonly #limits: WireLimits;
  readonly #uids = new CallUids();

  constructor(options: PseudCodecOptions, limits: WireLimits) {
    this.#options = options;
    this.#limits = limits;
  }

  encode(message: Message): Frames {
    switch (message.kind) {
      case "call":
        return this.#encodeCall(message);
      case "result":
      case "error":
        return this.#encodeAnswer(message);
      default:
        throw new ProtocolError(`Pseud's wire has no ${message.kind}`);
    }
  }

  decode(frames: Frames): Message {
    if (!isMessage(frames)) {
      throw new MalformedMessageError("A message is not made of the five frames of pseud's version v1");
    }
    const [, , uid = NOTHING, , body = NOTHING] = frames;
    switch (typeOf(frames)) {
      case MessageType.work:
        return this.#decodeCall(uid, body, sizeOf(frames));
      case MessageType.ok:
        return this.#decodeResult(uid, body);
      case MessageType.error:
        return this.#decodeError(uid, body);
      case MessageType.unauthorized:
        return this.#decodeRefusal(uid, body);
      case MessageType.heartbeat:
        return { kind: "pong", token: 0 };
      case MessageType.hello:
      case MessageType.authenticated:
        throw new MalformedMessageError("A log-in that nobody asked for");
      default:
        throw new MalformedMessageError(`A message of pseud has the unknown type ${typeOf(frames)}`);
    }
  }

  #encodeCall(call: CallMessage): Frames {
    const { method } = call;
    const where = { interface: call.interface, method };
    if (call.attachment) {
      throw new BadRequestError(
        `The call of ${method} has an attachment, and pseud's wire has none: give the bytes as an argument`,
        where,
      );
    }
    const { positional, keywords } = argumentsOf(call);
    const { translations } = this.#options;
    const writer = new Writer();
    writer.array(3);
    encodeValue(writer, method, translations, "The name", 1);
    encodeValue(writer, positional, translations, "args", 1);
    encodeValue(writer, keywords, translations, "named", 1);
    const uid = typeof call.id === "number" ? this.#uids.make(call.id, method) : (call.id[0] ?? NOTHING);
    return this.#checked(messageFrames(MessageType.work, uid, writer.take()), `The call of ${method}`);
  }

  #encodeAnswer(answer: AnswerMessage): Frames {
    const [uid = NOTHING, name] = answer.id as Frames;
    const { translations, errorNames } = this.#options;
    if (answer.kind === "error") {
      const called = name && Buffer.from(name).toString("utf8");
      return messageFrames(MessageType.error, uid, encodeErrorBody(errorNames.itemsOf(answer, called)));
    }
    if (answer.attachment) {
      throw new BadRequestError("The result has an attachment, and pseud's wire has none");
    }
    const body = encodeBody(answer.result, translations, "result");
    return this.#checked(messageFrames(MessageType.ok, uid, body), "The answer");
  }

  #decodeCall(uid: Uint8Array, body: Uint8Array, size: number): CallMessage {
    let id: CallId = [uid];
    const { maxMessageBytes } = this.#limits;
    if (size > maxMessageBytes) {
      throw refused(id, rpcError("TOO_LARGE", `The call has ${size} bytes, the limit is ${maxMessageBytes}`));
    }
    let items: unknown;
    try {
      items = decodeBody(body, this.#options.translations);
    } catch (error) {
      throw refused(id, new BadRequestError(`The call cannot be read: ${(error as Error).message}`));
    }
    const [first, args, keywords] = Array.isArray(items) ? (items as unknown[]) : [];
    const method = textIn(first);
    if (!Array.isArray(items) || items.length !== 3 || method === undefined) {
      throw refused(id, new BadRequestError("A call is made of a name, arguments and keyword arguments"));
    }
    id = [uid, Buffer.from(method)];
    if (!Array.isArray(args)) throw refused(id, new BadRequestError("The arguments of a call are an array"));
    const named = keywordsIn(keywords);
    if (!named) throw refused(id, new BadRequestError("The keyword arguments of a call are a map of texts"));
    return {
      kind: "call",
      id,
      interface: "",
      method,
      args: Object.keys(named).length === 0 ? args : [...(args as unknown[]), new NamedArguments(named)],
      isPositional: true,
      timeoutMs: this.#options.latestAnswerMs,
    };
  }

  #decodeResult(uid: Uint8Array, body: Uint8Array): Message {
    const id = this.#numberOf(uid);
    try {
      return { kind: "result", id, result: decodeBody(body, this.#options.translations) };
    } catch (error) {
      throw unreadable(id, error);
    }
  }

  #decodeError(uid: Uint8Array, body: Uint8Array): Message {
    const id = this.#numberOf(uid);
    try {
      return { kind: "error", id, ...decodeErrorBody(body, (name) => isCallOf(uid, name)) };
    } catch (error) {
      throw unreadable(id, error);
    }
  }

  #decodeRefusal(uid: Uint8Array, body: Uint8Array): Message {
    const id = this.#numberOf(uid);
    const text = Buffer.from(body).toString("utf8");
    const message = `The server wants a log-in (option security), or did not take it: ${text}`;
    return { kind: "error", id, code: "ACCESS_DENIED", number: 5, outcome: "not-executed", remote: { message } };
  }

  #numberOf(uid: Uint8Array): number {
    const number = this.#uids.numberIn(uid);
    if (number === undefined) throw new MalformedMessageError("An answer does not say which call it belongs to");
    return number;
  }

  #checked(frames: Frames, what: string): Frames {
    const size = sizeOf(frames);
    const { maxMessageBytes } = this.#limits;
    if (size <= maxMessageBytes) return frames;
    const text = `${what} has ${size} bytes, the limit is ${maxMessageBytes} (option maxMessageBytes, on both sides)`;
    throw rpcError("TOO_LARGE", text);
  }
}

const NOTHING = Buffer.alloc(0);

/** Arguments in order with keywords last, or as they were given in the wire's own shape. */
function argumentsOf({ args, isPositional }: CallMessage): {
  readonly positional: readonly unknown[];
  readonly keywords: Readonly<Record<string, unknown>>;
} {
  if (!isPositional && isPlainObject(args)) return { positional: [], keywords: args };
  const values: readonly unknown[] = Array.isArray(args) ? args : args === null || args === undefined ? [] : [args];
  const last = values.at(-1);
  return NamedArguments.is(last)
    ? { positional: values.slice(0, -1), keywords: last.values }
    : { positional: values, keywords: NO_KEYWORDS };
}

const NO_KEYWORDS = {};

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Keyword arguments, whose names are texts; those of peers of Python 2 came as octets. */
function keywordsIn(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!(value instanceof Map)) return isPlainObject(value) ? value : undefined;
  const entries = Array.from(value as Map<unknown, unknown>, ([key, member]) => [textIn(key), member] as const);
  return entries.every(([key]) => key !== undefined)
    ? (Object.fromEntries(entries) as Record<string, unknown>)
    : undefined;
}

function refused(id: CallId, { code, number, message }: RpcError): MalformedMessageError {
  return unreadableCall(id, code, number, message);
}

function unreadable(id: number, error: unknown): MalformedMessageError {
  return unreadableAnswer(id, `The answer cannot be read: ${(error as Error).message}`);
}

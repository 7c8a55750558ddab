import { ProtocolError } from "../../errors.js";
import type { CallMessage, EarlierTry, ErrorMessage, Extensions, HelloMessage, Message } from "../message.js";
import { toldCode, toldOutcome } from "../told.js";
import { decodeValue, type ValueSource } from "./decode-value.js";
import { Kind } from "./format.js";
import type { MethodName, MethodNames } from "./methods.js";

/**
 * Reads one record (docs/lamp-wire.md, "Records").
 *
 * @param sentAt - the clock of the batch
 * @returns `undefined` for a kind that a later version may have added
 * @throws ProtocolError for bytes that are no record
 */
export function decodeRecord(source: ValueSource, names: MethodNames, sentAt: number): Message | undefined {
  const { reader } = source;
  const head = reader.octet();
  if ((head & 0xf0) !== 0x90 || head === 0x90) throw new ProtocolError("A record is no array, or an empty one");
  const length = head & 0x0f;
  const kind = reader.octet();
  const least = LENGTHS[kind];
  if (least !== undefined && length < least)
    throw new ProtocolError(`A record of kind ${kind} has only ${length} parts`);
  let read = least ?? 1;
  let message: Message | undefined;
  switch (kind) {
    case Kind.call: {
      const id = integer(source);
      const name = methodName(source, names);
      const args = decodeValue(source);
      const timeoutMs = timeout(source);
      const more = length > read ? members(decodeValue(source)) : NOTHING;
      if (length > read) read++;
      if (more.positional === true && !Array.isArray(args)) throw new ProtocolError("Arguments in order are no list");
      message = {
        kind: "call",
        id,
        interface: name.interface,
        method: name.method,
        reference: name.reference,
        promised: name.promised,
        isGet: name.isGet,
        isPositional: more.positional === true,
        isOneWay: more.oneWay === true,
        args,
        sessionId: optionalText(more.session),
        extensions: optionalMembers(more.extensions),
        attachment: optionalBytes(more.attachment),
        timeoutMs,
        sentAt,
        again: earlierTry(more.again),
      } satisfies CallMessage;
      break;
    }
    case Kind.result: {
      const id = integer(source);
      const result = decodeValue(source);
      const more = length > read ? members(decodeValue(source)) : NOTHING;
      if (length > read) read++;
      message = {
        kind: "result",
        id,
        result,
        sessionId: optionalText(more.session),
        extensions: optionalMembers(more.extensions),
        attachment: optionalBytes(more.attachment),
      };
      break;
    }
    case Kind.error: {
      const id = integer(source);
      const error = members(decodeValue(source));
      const more = length > read ? members(decodeValue(source)) : NOTHING;
      if (length > read) read++;
      message = toError(id, error, more);
      break;
    }
    case Kind.hello:
      message = toHello(members(decodeValue(source)));
      break;
    case Kind.cancel:
      message = { kind: "cancel", id: integer(source) };
      break;
    case Kind.ping:
    case Kind.pong:
      message = { kind: kind === Kind.ping ? "ping" : "pong", token: integer(source) };
      break;
    case Kind.item: {
      const { at } = reader;
      const { outOfBand } = source;
      const stream = integer(source);
      const value = decodeValue(source);
      message = { kind: "item", stream, value, bytes: reader.at - at + source.outOfBand - outOfBand };
      break;
    }
    case Kind.end: {
      const stream = integer(source);
      const error = length > read ? members(decodeValue(source)) : undefined;
      if (length > read) read++;
      message = { kind: "end", stream, error: error && toError(0, error, NOTHING) };
      break;
    }
    case Kind.credit:
      message = { kind: "credit", stream: integer(source), items: integer(source) };
      break;
    case Kind.release:
      message = { kind: "release", reference: integer(source), count: integer(source) };
      break;
    case Kind.stop:
      message = { kind: "stop", stream: integer(source) };
      break;
    case Kind.goodbye:
      message = { kind: "goodbye", code: toldCode(decodeValue(source)) ?? "UNKNOWN", text: text(decodeValue(source)) };
      break;
    default:
  }
  // What a later version has added to a record is read over.
  for (; read < length; read++) decodeValue(source);
  return message;
}

/** Parts that a record of each kind has at least, itself included. */
const LENGTHS: Partial<Record<number, number>> = {
  [Kind.hello]: 2,
  [Kind.call]: 5,
  [Kind.result]: 3,
  [Kind.error]: 3,
  [Kind.cancel]: 2,
  [Kind.item]: 3,
  [Kind.end]: 2,
  [Kind.credit]: 3,
  [Kind.release]: 3,
  [Kind.stop]: 2,
  [Kind.ping]: 2,
  [Kind.pong]: 2,
  [Kind.goodbye]: 3,
};

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/** What a call names: a method of an interface, of a reference, or of another call's result. */
interface Callee extends MethodName {
  readonly reference?: number;
  readonly promised?: number;
  readonly isGet?: boolean;
}

function methodName(source: ValueSource, names: MethodNames): Callee {
  const told = decodeValue(source);
  if (typeof told === "number") return names.get(told);
  if (!Array.isArray(told)) throw new ProtocolError("A call names no method");
  const first: unknown = told[0];
  if (Array.isArray(first)) {
    const method = text(told[1]);
    return { interface: "", method, promised: Number(first[0]), isGet: told[2] === true };
  }
  if (told.length === 2) {
    const [reference, method] = told as unknown[];
    return { interface: "", method: text(method), reference: Number(reference) };
  }
  const [number, interfaceName, method] = told as unknown[];
  const name = { interface: text(interfaceName), method: text(method) };
  if (number !== null) names.add(Number(number), name);
  return name;
}

function timeout(source: ValueSource): number | undefined {
  const told = decodeValue(source);
  if (told === null) return undefined;
  if (typeof told === "number" && told >= 0) return told;
  throw new ProtocolError("The deadline of a call is no number of milliseconds");
}

function earlierTry(value: unknown): EarlierTry | undefined {
  if (value === undefined || value === null) return undefined;
  const { call, incarnation, journal, age, idempotent, first, taken } = members(value);
  const name = text(call);
  if (!CALL_NAME.test(name)) throw new ProtocolError("An earlier try is named by a connection, a colon and a number");
  return {
    call: name,
    incarnation: optionalText(incarnation),
    journal: optionalText(journal),
    ageMs: typeof age === "number" && age >= 0 ? age : Infinity,
    idempotent: idempotent === true,
    isFirst: first === true,
    taken: takenNumber(name, first === true ? (taken ?? 0) : taken),
  };
}

/** Until which number nobody asks for calls of that name any more; `undefined` for a call that its caller has not named. */
function takenNumber(call: string, taken: unknown): number | undefined {
  if (taken === undefined || taken === null) return undefined;
  const colon = call.lastIndexOf(":");
  const isSafe = call.length - colon <= SAFE_DIGITS || Number.isSafeInteger(Number(call.slice(colon + 1)));
  if (colon < LEAST_NAME || !isSafe) {
    throw new ProtocolError("Who names calls names them by at least 12 letters, a colon and a number");
  }
  return whole(taken);
}

/** Names of connections are short, so that remembering them costs little. */
const CALL_NAME = /^[\w-]{1,64}:[1-9]\d{0,15}$/;
/** What is shorter could be guessed. */
const LEAST_NAME = 12;
/** Numbers of so many digits are exact. */
const SAFE_DIGITS = 15;

function toHello(told: Record<string, unknown>): HelloMessage {
  const { versions, incarnation, connection, maxMessageBytes } = told;
  const [lowest, highest] = Array.isArray(versions) ? (versions as unknown[]) : [];
  if (typeof lowest !== "number" || typeof highest !== "number") throw new ProtocolError("A hello names no versions");
  return {
    kind: "hello",
    versions: [lowest, highest],
    incarnation: text(incarnation),
    connection: optionalText(connection),
    maxMessageBytes: typeof maxMessageBytes === "number" ? maxMessageBytes : Infinity,
  };
}

function toError(id: number, error: Record<string, unknown>, more: Readonly<Record<string, unknown>>): ErrorMessage {
  const { code, number, outcome, name, message, stack, data, cause } = error;
  return {
    kind: "error",
    id,
    // A code that this version does not know is a failure all the same.
    code: toldCode(code) ?? "UNKNOWN",
    number: typeof number === "number" ? number : 1,
    outcome: toldOutcome(outcome) ?? "executed",
    remote: {
      message: text(message),
      ...(typeof name === "string" && { name }),
      ...(typeof stack === "string" && { stack }),
      ...(data !== undefined && { data }),
      ...(cause !== undefined && { cause }),
    },
    sessionId: optionalText(more.session),
    extensions: optionalMembers(more.extensions),
  };
}

function integer(source: ValueSource): number {
  return whole(decodeValue(source));
}

function whole(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ProtocolError("A record holds no number where one is expected");
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new ProtocolError("A record holds no text where one is expected");
}

function members(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ProtocolError("A record holds no map where one is expected");
}

function optionalText(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : text(value);
}

function optionalMembers(value: unknown): Extensions | undefined {
  return value === undefined || value === null ? undefined : members(value);
}

function optionalBytes(value: unknown): Uint8Array | undefined {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Uint8Array) return value;
  throw new ProtocolError("An attachment is no binary value");
}

import { ProtocolError } from "../../errors.js";
import type {
  CallId,
  CallMessage,
  EarlierTry,
  ErrorMessage,
  Extensions,
  HelloMessage,
  Message,
  ResultMessage,
} from "../message.js";
import type { Writer } from "../messagepack/writer.js";
import { encodeValue, type ValueSink } from "./encode-value.js";
import { Kind } from "./format.js";
import type { MethodName, MethodNumbers } from "./methods.js";

/**
 * Writes one record (docs/lamp-wire.md, "Records").
 *
 * @returns the names of a method that this record gives the next number
 * @throws Untransportable when a value cannot travel
 */
export function encodeRecord(message: Message, sink: ValueSink, numbers: MethodNumbers): MethodName | undefined {
  const { writer } = sink;
  switch (message.kind) {
    case "call":
      return encodeCall(message, sink, numbers);
    case "result":
      encodeResult(message, sink);
      return undefined;
    case "error":
      encodeError(message, sink);
      return undefined;
    case "hello":
      encodeHello(message, sink);
      return undefined;
    case "cancel":
      begin(writer, 2, Kind.cancel);
      writer.unsigned(numberOf(message.id));
      return undefined;
    case "ping":
    case "pong":
      begin(writer, 2, message.kind === "ping" ? Kind.ping : Kind.pong);
      writer.unsigned(message.token);
      return undefined;
    case "item":
      begin(writer, 3, Kind.item);
      writer.unsigned(message.stream);
      encodeValue(sink, message.value);
      return undefined;
    case "end":
      begin(writer, message.error ? 3 : 2, Kind.end);
      writer.unsigned(message.stream);
      if (message.error) encodeValue(sink, describeFailure(message.error));
      return undefined;
    case "credit":
      begin(writer, 3, Kind.credit);
      writer.unsigned(message.stream);
      writer.unsigned(message.items);
      return undefined;
    case "release":
      begin(writer, 3, Kind.release);
      writer.unsigned(message.reference);
      writer.unsigned(message.count);
      return undefined;
    case "stop":
      begin(writer, 2, Kind.stop);
      writer.unsigned(message.stream);
      return undefined;
    case "goodbye":
      begin(writer, 3, Kind.goodbye);
      writer.text(message.code);
      writer.text(message.text);
      return undefined;
  }
}

function begin(writer: Writer, length: number, kind: number): void {
  writer.array(length);
  writer.unsigned(kind);
}

/** `[1, id, method, args, timeout, more?]` */
function encodeCall(call: CallMessage, sink: ValueSink, numbers: MethodNumbers): MethodName | undefined {
  const { writer } = sink;
  const { timeoutMs } = call;
  const more = countMore(call);
  begin(writer, more > 0 ? 6 : 5, Kind.call);
  writer.unsigned(numberOf(call.id));
  const isNamed = call.reference === undefined && call.promised === undefined;
  const number = isNamed ? numbers.get(call.interface, call.method) : undefined;
  const next = number === undefined && isNamed ? numbers.next : undefined;
  if (number !== undefined) writer.unsigned(number);
  else if (call.promised !== undefined) {
    writer.array(call.isGet ? 3 : 2);
    writer.array(1);
    writer.unsigned(call.promised);
    writer.text(call.method);
    if (call.isGet) writer.boolean(true);
  } else if (call.reference !== undefined) {
    writer.array(2);
    writer.unsigned(call.reference);
    writer.text(call.method);
  } else {
    writer.array(3);
    if (next === undefined) writer.nil();
    else writer.unsigned(next);
    writer.text(call.interface);
    writer.text(call.method);
  }
  encodeValue(sink, call.args);
  if (timeoutMs === undefined || timeoutMs === Infinity) writer.nil();
  else writer.unsigned(Math.max(0, Math.ceil(timeoutMs)));
  if (more > 0) encodeMore(call, more, sink);
  return next === undefined ? undefined : call;
}

/** `[2, id, value, more?]` */
function encodeResult(result: ResultMessage, sink: ValueSink): void {
  const more = countMore(result);
  begin(sink.writer, more > 0 ? 4 : 3, Kind.result);
  sink.writer.unsigned(numberOf(result.id));
  encodeValue(sink, result.result);
  if (more > 0) encodeMore(result, more, sink);
}

/** `[3, id, error, more?]` */
function encodeError(error: ErrorMessage, sink: ValueSink): void {
  const more = countMore(error);
  begin(sink.writer, more > 0 ? 4 : 3, Kind.error);
  sink.writer.unsigned(numberOf(error.id));
  encodeValue(sink, { outcome: error.outcome, ...describeFailure(error) });
  if (more > 0) encodeMore(error, more, sink);
}

/** `[0, hello]` */
function encodeHello(hello: HelloMessage, sink: ValueSink): void {
  begin(sink.writer, 2, Kind.hello);
  encodeValue(sink, {
    versions: hello.versions,
    incarnation: hello.incarnation,
    ...(hello.connection !== undefined && { connection: hello.connection }),
    maxMessageBytes: hello.maxMessageBytes,
  });
}

/** What travels of an error that is told. */
function describeFailure(error: Pick<ErrorMessage, "code" | "number" | "remote">): Record<string, unknown> {
  const { name, message, stack, data, cause } = error.remote;
  return {
    code: error.code,
    number: error.number,
    message,
    ...(name !== undefined && { name }),
    ...(stack !== undefined && { stack }),
    ...(data !== undefined && { data }),
    ...(cause !== undefined && { cause }),
  };
}

interface WithMore {
  readonly sessionId?: string | undefined;
  readonly extensions?: Extensions | undefined;
  readonly attachment?: Uint8Array | undefined;
  readonly isPositional?: boolean | undefined;
  readonly isOneWay?: boolean | undefined;
  readonly again?: EarlierTry | undefined;
}

/** How many members `more` has, which most calls and answers do not have. */
function countMore(message: WithMore): number {
  const { sessionId, extensions, attachment, isPositional, isOneWay, again } = message;
  let count = isEmpty(extensions) ? 0 : 1;
  if (isOneWay) count++;
  if (isPositional) count++;
  if (sessionId !== undefined) count++;
  if (attachment !== undefined) count++;
  if (again !== undefined) count++;
  return count;
}

function encodeMore(message: WithMore, count: number, sink: ValueSink): void {
  const { sessionId, extensions, attachment, isPositional, isOneWay, again } = message;
  const { writer } = sink;
  writer.map(count);
  if (isOneWay) flag(writer, "oneWay");
  if (isPositional) flag(writer, "positional");
  if (sessionId !== undefined) {
    writer.text("session");
    encodeValue(sink, sessionId, 1);
  }
  if (!isEmpty(extensions)) {
    writer.text("extensions");
    encodeValue(sink, extensions, 1);
  }
  if (attachment !== undefined) {
    writer.text("attachment");
    encodeValue(sink, attachment, 1);
  }
  if (again !== undefined) encodeAgain(again, writer);
}

function encodeAgain(again: EarlierTry, writer: Writer): void {
  const { call, incarnation, journal, ageMs, idempotent, isFirst, taken } = again;
  let count = 2;
  if (incarnation !== undefined) count++;
  if (journal !== undefined) count++;
  if (idempotent) count++;
  if (isFirst) count++;
  if (taken !== undefined) count++;
  writer.text("again");
  writer.map(count);
  member(writer, "call", call);
  writer.text("age");
  writer.number(Math.ceil(ageMs));
  if (incarnation !== undefined) member(writer, "incarnation", incarnation);
  if (journal !== undefined) member(writer, "journal", journal);
  if (idempotent) flag(writer, "idempotent");
  if (isFirst) flag(writer, "first");
  if (taken === undefined) return;
  writer.text("taken");
  writer.number(taken);
}

function member(writer: Writer, name: string, value: string): void {
  writer.text(name);
  writer.text(value);
}

function flag(writer: Writer, name: string): void {
  writer.text(name);
  writer.boolean(true);
}

function isEmpty(extensions: Extensions | undefined): boolean {
  if (extensions === undefined) return true;
  for (const _name in extensions) return false;
  return true;
}

function numberOf(id: CallId): number {
  if (typeof id === "number") return id;
  throw new ProtocolError("A call of another wire cannot be answered on this one");
}

import { BadRequestError, type RpcErrorOptions } from "../errors.js";
import { didYouMean } from "../util/did-you-mean.js";
import { NamedArguments } from "../wire/named-arguments.js";
import { type AttachmentLimits, goesWhole, maxChunkBytes } from "./call-origin.js";
import type { ArgumentType, MethodContract } from "./contract.js";
import type { PositionalArguments, RawArguments } from "./invoker.js";
import { type ByteSource, bytesInMemory, isByteSource, toByteStream } from "./streams/byte-stream.js";
import { isStreamSource } from "./streams/source.js";

/** The values of arguments, wherever in them they stand. */
export function valuesOf(args: RawArguments | PositionalArguments): unknown {
  return "raw" in args ? args.raw : args.positional.map((value) => (NamedArguments.is(value) ? value.values : value));
}

/** The particulars of a call, for errors. */
export function whereOf(call: { interface: string; method: string }, service: string): RpcErrorOptions {
  return { interface: call.interface, method: call.method, service };
}

/** What goes on the wire for one call. */
export interface WireArguments {
  /** `null`, one value, or an object by name. */
  readonly args: unknown;
  /** The declared incoming attachment, taken out of the arguments where it does not travel as a stream. */
  readonly attachment: Uint8Array | undefined;
}

/**
 * Turns what a proxy was called with into the wire's arguments (docs/pycom-wire.md, section 16.3).
 *
 * A declared method takes one plain object by name, or values in order, required ones first. An undeclared method takes
 * nothing (`null`) or one value as it is.
 *
 * @param attachment - bytes given beside the arguments, which may stand for the declared incoming attachment
 * @param limits - how attachments travel, for methods that stream theirs; absent: what has travelled already
 * @throws BadRequestError, `not-sent`, with the path of what is missing, superfluous or of the wrong type
 */
export function wireArguments(
  values: readonly unknown[],
  contract: MethodContract | undefined,
  where: RpcErrorOptions,
  attachment?: Uint8Array,
  limits?: AttachmentLimits,
): WireArguments {
  const last = values.at(-1);
  const keywords = NamedArguments.is(last) ? last.values : undefined;
  const positional = keywords ? values.slice(0, -1) : values;
  if (!contract || contract.required.length + contract.optional.length === 0) {
    return { args: undeclared(positional, keywords, where), attachment };
  }
  const isByName = positional.length === 1 && !keywords && isPlainObject(positional[0]);
  const args = declared(positional, keywords, contract, where);
  const { incoming } = contract;
  let bytes = attachment;
  if (incoming !== null && contract.required.includes(incoming)) {
    if (contract.stream && attachment && !args.has(incoming)) args.set(incoming, attachment);
    if (args.has(incoming)) {
      const given = args.get(incoming);
      const sent = contract.stream ? toSent(given, incoming, where, limits) : toBytes(given, incoming, where);
      if (sent && !(sent instanceof Uint8Array)) {
        args.delete(incoming);
        checkArguments(args, contract, where, { taken: incoming, isByName });
        args.set(incoming, sent);
        return { args: Object.fromEntries(args), attachment: undefined };
      }
      bytes = sent;
      args.delete(incoming);
    }
  }
  checkArguments(args, contract, where, { taken: bytes === undefined ? null : incoming, isByName });
  return { args: Object.fromEntries(args), attachment: bytes };
}

/** What is known of arguments besides their values: which is there without standing among them, and how they were given. */
interface Given {
  readonly taken: string | null;
  readonly isByName: boolean;
}

function checkArguments(
  args: ReadonlyMap<string, unknown>,
  contract: MethodContract,
  where: RpcErrorOptions,
  { taken, isByName }: Given,
): void {
  for (const name of contract.required) {
    if (args.has(name) || name === taken) continue;
    const hint = isByName ? `; an only argument that is a plain object gives arguments by name: { ${name}: … }` : "";
    throw new BadRequestError(`The argument args.${name} of ${label(where)} is missing${hint}`, where);
  }
  for (const [name, value] of args) checkType(name, value, contract.types[name], where);
}

function undeclared(
  positional: readonly unknown[],
  keywords: Readonly<Record<string, unknown>> | undefined,
  where: RpcErrorOptions,
): unknown {
  if (keywords) {
    if (positional.length === 0) return keywords;
    throw new BadRequestError(`${label(where)} declares no arguments, so positional and named ones do not mix`, where);
  }
  if (positional.length > 1) {
    throw new BadRequestError(
      `${label(where)} declares no arguments and takes one value; got ${positional.length} (args[1] is too many). ` +
        "At the service, declare them with params",
      where,
    );
  }
  return positional[0] ?? null;
}

function declared(
  positional: readonly unknown[],
  keywords: Readonly<Record<string, unknown>> | undefined,
  contract: MethodContract,
  where: RpcErrorOptions,
): Map<string, unknown> {
  const args = new Map<string, unknown>();
  const first = positional[0];
  if (positional.length === 1 && !keywords && isPlainObject(first) && !isStreamSource(first)) {
    for (const [name, value] of Object.entries(first)) if (value !== undefined) args.set(name, value);
    return args;
  }
  const names = [...contract.required, ...contract.optional];
  if (positional.length > names.length) {
    throw new BadRequestError(
      `${label(where)} takes ${names.length} arguments (${names.join(", ")}), got ${positional.length}: ` +
        `args[${names.length}] is too many`,
      where,
    );
  }
  positional.forEach((value, index) => {
    const name = names[index];
    if (name !== undefined && value !== undefined) args.set(name, value);
  });
  for (const [name, value] of Object.entries(keywords ?? {})) {
    if (args.has(name)) throw new BadRequestError(`args.${name} of ${label(where)} is given twice`, where);
    if (!names.includes(name)) {
      throw new BadRequestError(`${label(where)} has no argument args.${name}${didYouMean(name, names)}`, where);
    }
    if (value !== undefined) args.set(name, value);
  }
  return args;
}

/** The declared type of an argument, checked on either side of the wire. */
export function checkType(
  name: string,
  value: unknown,
  type: ArgumentType | undefined,
  where: RpcErrorOptions = {},
): void {
  if (type === undefined || hasType(value, type)) return;
  throw new BadRequestError(
    `The argument args.${name}${where.method === undefined ? "" : ` of ${label(where)}`} must be ` +
      `${/^[aeio]/.test(type) ? "an" : "a"} ${type}, got ${typeName(value)}`,
    where,
  );
}

function hasType(value: unknown, type: ArgumentType): boolean {
  switch (type) {
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "bytes":
      return value === null || value instanceof Uint8Array;
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
    default:
      // A type that this version does not know is the service's to check.
      return true;
  }
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Objects that stand for arguments by name: literals, and what JSON makes. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  // Proxies of services look like plain objects, but for this.
  return (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === undefined;
}

function toBytes(value: unknown, name: string, where: RpcErrorOptions): Uint8Array | undefined {
  if (value === null || value === undefined) return undefined;
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  const hint = isByteSource(value)
    ? "a stream: collect it, for the method declares no attachments.stream"
    : typeName(value);
  throw new BadRequestError(
    `The argument args.${name} of ${label(where)} is the attachment and must be a Uint8Array, got ${hint}`,
    where,
  );
}

/**
 * Bytes as they are where they fit into the message, for a call that holds no stream can be tried again; everything else as a
 * stream. On a wire without streams that is refused rather than collected: who gives a stream counts on memory that stays
 * flat, and is to learn at the first call that it would not, instead of at the first large one.
 *
 * What has travelled already is left as it came.
 */
function toSent(
  value: unknown,
  name: string,
  where: RpcErrorOptions,
  limits: AttachmentLimits | undefined,
): ByteSource | undefined {
  if (value === null || value === undefined) return undefined;
  const argument = `The argument args.${name} of ${label(where)}`;
  if (!isByteSource(value)) {
    throw new BadRequestError(`${argument} is a stream of bytes, and cannot be made of ${typeName(value)}`, where);
  }
  const bytes = bytesInMemory(value);
  if (!limits) return bytes ?? value;
  if (bytes && goesWhole(bytes.byteLength, limits)) return bytes;
  if (!limits.canStream) {
    throw new BadRequestError(
      `${argument} is a stream, which the wire ${limits.wire} does not carry: collect it into a Uint8Array, or speak the wire lamp ` +
        '(found through a nameserver, or connected with { wire: "lamp" })',
      where,
    );
  }
  if (value instanceof ReadableStream && value.locked) {
    throw new BadRequestError(`${argument} is a stream that somebody reads already`, where);
  }
  return toByteStream(value, maxChunkBytes(limits));
}

function label(where: RpcErrorOptions): string {
  return `${where.interface ?? ""}.${where.method ?? ""}`;
}

/**
 * What a proxy returns for an answer: the outgoing attachment goes back under its declared name; one declared result is its
 * value, several are an object, none is the raw result.
 */
export function unwrapResult(
  result: unknown,
  attachment: Uint8Array | undefined,
  contract: MethodContract | undefined,
): unknown {
  if (!contract || contract.results.length === 0) return result;
  let members = result;
  if (contract.outgoing !== null && contract.results.includes(contract.outgoing)) {
    const given = isPlainObject(result) ? result : {};
    const outgoing = contract.stream ? toStream(attachment ?? given[contract.outgoing]) : attachment;
    members = { ...given, [contract.outgoing]: outgoing ?? null };
  }
  if (contract.results.length > 1 || !isPlainObject(members)) return members;
  return members[contract.results[0] ?? ""];
}

/** Callers of methods that stream get a stream, whatever has travelled. */
function toStream(value: unknown): ReadableStream<Uint8Array> | undefined {
  if (value instanceof ReadableStream) return value as ReadableStream<Uint8Array>;
  return isByteSource(value) ? toByteStream(value) : undefined;
}

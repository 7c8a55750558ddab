import { types } from "node:util";
import { ConfigurationError } from "../../errors.js";
import { type Box, complaintAbout, requireKey } from "./box.js";
import { type PlannedField, planOf } from "./field-plan.js";
import { type AmpDialect, RESERVED_KEYS } from "./format.js";
import type { AmpField, AmpFields, AmpType, ReceivedValues, SentValues } from "./type.js";
import { finalError, kindOf, MalformedValueError, malformedAt, WrongValueError, wrongAt } from "./wrong-value.js";

/**
 * An argument that may be left out: a sender gives `null`, `undefined` or nothing at all, and a receiver gets `null` then
 * (docs/amp-wire.md, section 3).
 *
 * @throws ConfigurationError for what is no type of a single value
 */
export function optional<Sent, Received>(type: AmpType<Sent, Received>): AmpField<Sent, Received | null, "optional"> {
  if (typeof (type as Partial<typeof type>).encode !== "function") {
    throw new ConfigurationError("optional() takes a type of a single value, as in optional(unicode())");
  }
  return {
    presence: "optional",
    write(box, name, value, context) {
      if (value !== null && value !== undefined) box.set(name, encoded(type, value, context));
    },
    read(box, name, context) {
      const octets = box.get(name);
      return octets === undefined ? null : type.decode(octets, context);
    },
  };
}

/** How {@link encodeFields} goes about. */
export interface EncodeFieldsOptions {
  /** What the values are called in paths. Default `args`. */
  readonly root?: string;
  /** Of the peer. Default `twisted`. */
  readonly dialect?: AmpDialect;
  /** What becomes of values under names that are not declared. Default `refuse`. */
  readonly extras?: "refuse" | "ignore";
  /** The connection, for types that ask for it. Default `undefined`. */
  readonly context?: unknown;
}

/** How {@link decodeFields} goes about. */
export interface DecodeFieldsOptions {
  /** What the values are called in paths. Default `args`. */
  readonly root?: string;
  /** The connection, for types that ask for it. Default `undefined`. */
  readonly context?: unknown;
}

/**
 * What stands in a box for values by name: the arguments of a request, or the values of an answer (docs/amp-wire.md, section 3).
 *
 * @throws BadRequestError, `not-sent`, with the path of what is missing, wrong, or not declared: `args.rows[1].x is a text, not …`
 * @throws RpcError, code `TOO_LARGE`, `not-sent`, with path, size and limit of what is longer than 65,535 octets
 */
export function encodeFields<F extends AmpFields>(
  fields: F,
  values: SentValues<F>,
  options: EncodeFieldsOptions = {},
): Map<string, Uint8Array> {
  const { root = "args", dialect = "twisted", extras = "refuse", context } = options;
  try {
    const box = writeFields(fields, values, extras, context);
    for (const [key, value] of box) {
      const complaint = complaintAbout(value, dialect);
      if (complaint) throw new WrongValueError(complaint.text, complaint.code, [key]);
    }
    return box;
  } catch (error) {
    throw finalError(error, root, "BAD_REQUEST");
  }
}

/**
 * The values that a box has for what is declared; other keys are read over (docs/amp-wire.md, section 3).
 *
 * @throws ProtocolError with the path of what is missing, or no value of its type
 */
export function decodeFields<F extends AmpFields>(
  fields: F,
  box: Box,
  options: DecodeFieldsOptions = {},
): ReceivedValues<F> {
  const { root = "args", context } = options;
  try {
    return readFields(fields, box, context);
  } catch (error) {
    throw finalError(error, root, "PROTOCOL");
  }
}

/**
 * Nothing for a description that can be used; to be asked once, where it is made.
 *
 * @throws ConfigurationError for a name that is no key, that means something itself, or that another argument may use, and for what is no type
 */
export function requireFields(fields: AmpFields): void {
  for (const [name, field] of Object.entries<unknown>(fields)) {
    try {
      requireKey(name);
    } catch (error) {
      throw new ConfigurationError(`No argument can be named so: ${(error as Error).message}`, { cause: error });
    }
    if (RESERVED_KEYS.has(name))
      throw new ConfigurationError(`No argument can be named ${name}, which is a key of AMP's own`);
    const isField = typeof field === "object" && field !== null && ("presence" in field || "encode" in field);
    if (!isField) {
      throw new ConfigurationError(
        `The type of the argument ${JSON.stringify(name)} is ${kindOf(field)}: call it, as in unicode()`,
      );
    }
  }
  for (const [name, field] of Object.entries(fields)) {
    if (!("mayUse" in field)) continue;
    const other = Object.keys(fields).find((key) => key !== name && field.mayUse?.(name, key));
    if (other === undefined) continue;
    throw new ConfigurationError(
      `No argument can be named ${JSON.stringify(other)}, which is a key that the argument ${JSON.stringify(name)} may use`,
    );
  }
}

/** As {@link encodeFields}, for what is part of more: sizes are those of the box, and errors have the way from here. */
export function writeFields(
  fields: AmpFields,
  values: unknown,
  extras: "refuse" | "ignore",
  context: unknown,
): Map<string, Uint8Array> {
  if (typeof values !== "object" || values === null) {
    throw new WrongValueError(`is ${kindOf(values)}, not an object with values by name`);
  }
  const { inOrder, names } = planOf(fields);
  if (extras === "refuse") {
    for (const name of Object.keys(values)) {
      if (names.has(name)) continue;
      const others = names.size > 0 ? `; there are ${[...names].join(", ")}` : "";
      throw new WrongValueError(`is not declared${others}`, "BAD_REQUEST", [name]);
    }
  }
  const box = new Map<string, Uint8Array>();
  for (const planned of inOrder) {
    try {
      writeField(box, planned, valueOf(values, planned), context);
    } catch (error) {
      throw wrongAt(planned.name, error);
    }
  }
  return box;
}

function writeField(
  box: Map<string, Uint8Array>,
  { name, field, type }: PlannedField,
  value: unknown,
  context: unknown,
): void {
  const isGiven = value !== null && value !== undefined;
  if (field) {
    if (!isGiven && field.presence === "required") throw new WrongValueError("is missing");
    field.write(box, name, value as never, context);
    return;
  }
  if (!isGiven) throw new WrongValueError("is missing");
  box.set(name, encoded(type, value as never, context));
}

/** As {@link decodeFields}, for what is part of more: errors have the way from here. */
export function readFields<F extends AmpFields>(fields: F, box: Box, context: unknown): ReceivedValues<F> {
  const values: Record<string, unknown> = {};
  for (const planned of planOf(fields).asDeclared) {
    const { name } = planned;
    let value: unknown;
    try {
      value = readField(box, planned, context);
    } catch (error) {
      throw malformedAt(name, error);
    }
    if (name === "__proto__") {
      // As a member like any other, not as what it means in JavaScript.
      Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true });
    } else values[name] = value;
  }
  return values as ReceivedValues<F>;
}

function readField(box: Box, { name, field, type }: PlannedField, context: unknown): unknown {
  if (field) return field.read(box, name, context);
  const octets = box.get(name);
  if (octets === undefined) throw new MalformedValueError("is missing");
  return type.decode(octets, context);
}

/** A member of an object, maybe one of its class, but none of those that every object has. */
function valueOf(values: object, { name, isCommon }: PlannedField): unknown {
  if (isCommon && !Object.hasOwn(values, name)) return undefined;
  return (values as Record<string, unknown>)[name];
}

/**
 * What a type writes for a value: octets, and no more of them than their length can say.
 *
 * @throws WrongValueError for anything else
 */
export function encoded<Sent>(type: AmpType<Sent, unknown>, value: Sent, context: unknown): Uint8Array {
  const octets: unknown = type.encode(value, context);
  // The first is the cheap question, the second that for octets of another realm.
  if (!(octets instanceof Uint8Array) && !types.isUint8Array(octets))
    throw new WrongValueError("was not written as octets by its type");
  const complaint = complaintAbout(octets, "twisted");
  if (complaint) throw new WrongValueError(complaint.text, complaint.code);
  return octets;
}

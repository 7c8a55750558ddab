import {
  BadRequestError,
  type ErrorCode,
  ProtocolError,
  RpcError,
  type RpcErrorOptions,
  rpcError,
} from "../../errors.js";

/** The way to a part of a value: names of members and positions in lists, outermost first. */
export type ValueSteps = readonly (string | number)[];

/**
 * A value that cannot be written: for types of arguments to throw, built-in or custom. Whoever writes what the value is part of puts
 * the way to it in front, and at last comes a `BadRequestError` such as `args.rows[1].x is a string, not an integer`.
 */
export class WrongValueError extends BadRequestError {
  /** What is wrong, in words that go on from the value's path: `is a string, not an integer`. */
  readonly complaint: string;
  /** `TOO_LARGE` for sizes, else `BAD_REQUEST`: the code of the error at last. */
  readonly finalCode: ErrorCode;
  /** Where in the value that was to be written. */
  readonly steps: ValueSteps;

  /** Makes one. */
  constructor(
    complaint: string,
    finalCode: ErrorCode = "BAD_REQUEST",
    steps: ValueSteps = [],
    options: RpcErrorOptions = {},
  ) {
    super(`The value${pathOf("", steps)} ${complaint}`, options);
    this.complaint = complaint;
    this.finalCode = finalCode;
    this.steps = steps;
  }
}

/** Octets that are no value of a type: for types of arguments to throw; as {@link WrongValueError}. */
export class MalformedValueError extends ProtocolError {
  /** What is wrong, in words that go on from the value's path: `is no integer`. */
  readonly complaint: string;
  /** Where in the value that was to be read. */
  readonly steps: ValueSteps;

  /** Makes one. */
  constructor(complaint: string, steps: ValueSteps = [], options: RpcErrorOptions = {}) {
    super(`The value${pathOf("", steps)} ${complaint}`, options);
    this.complaint = complaint;
    this.steps = steps;
  }
}

/** Runs what writes a part of a value; its errors get the step to that part. */
export function writing<T>(step: string | number, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw wrongAt(step, error);
  }
}

/** Runs what reads a part of a value; its errors get the step to that part. */
export function reading<T>(step: string | number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw malformedAt(step, error);
  }
}

/** What was thrown when a part of a value was written, with the step to that part. */
export function wrongAt(step: string | number, error: unknown): WrongValueError {
  if (!(error instanceof WrongValueError)) {
    const reason = error instanceof Error ? error.message : "its type failed";
    return new WrongValueError(`cannot be written: ${reason}`, "BAD_REQUEST", [step], { cause: error });
  }
  const { complaint, finalCode, steps, cause } = error;
  return new WrongValueError(complaint, finalCode, [step, ...steps], { cause });
}

/** What was thrown when a part of a value was read, with the step to that part. */
export function malformedAt(step: string | number, error: unknown): MalformedValueError {
  if (!(error instanceof MalformedValueError)) {
    const reason = error instanceof Error ? error.message : "its type failed";
    return new MalformedValueError(`cannot be read: ${reason}`, [step], { cause: error });
  }
  const { complaint, steps, cause } = error;
  return new MalformedValueError(complaint, [step, ...steps], { cause });
}

/**
 * What {@link writing} and {@link reading} threw, as the error that leaves: with the whole path and without a class of its own.
 *
 * @param code - of anything else that was thrown
 */
export function finalError(error: unknown, root: string, code: ErrorCode): RpcError {
  if (error instanceof WrongValueError) {
    const { complaint, finalCode, steps, cause } = error;
    return rpcError(finalCode, `${pathOf(root, steps)} ${complaint}`, { cause });
  }
  if (error instanceof MalformedValueError) {
    return new ProtocolError(`${pathOf(root, error.steps)} ${error.complaint}`, { cause: error.cause });
  }
  return RpcError.from(error, code);
}

/** What a value is, in words, for complaints. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "undefined") return "undefined";
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `a ${typeof value}`;
  const { constructor } = value as { readonly constructor?: unknown };
  const name = typeof constructor === "function" ? constructor.name : "";
  return name === "" || name === "Object" ? "an object" : `an instance of ${name}`;
}

/** In words of JavaScript: `args[0].list["odd name"]`; long ones are cut. */
function pathOf(root: string, steps: ValueSteps): string {
  let path = root;
  for (const step of steps) {
    if (path.length > MAX_PATH) return `${path}…`;
    if (typeof step === "number") path += `[${step}]`;
    else path += IDENTIFIER.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  }
  return path;
}

const MAX_PATH = 300;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

import { ConfigurationError, type RemoteErrorInfo, RpcError } from "../errors.js";
import { shared } from "../util/shared.js";

/** Any class of errors. */
export type ErrorClass<E extends Error = Error> = abstract new (...args: never[]) => E;

/** How errors of a class travel. */
export interface ErrorClassOptions<E extends Error> {
  /** What the class is called elsewhere; default its name. */
  readonly name?: string | undefined;
  /** What else travels of an error, besides its message; default its own enumerable members. */
  readonly toData?: ((error: E) => unknown) | undefined;
  /** Makes an error of what came; default an object of the class with message and members, whose constructor is not run. */
  readonly fromData?: ((message: string, data: unknown) => E) | undefined;
}

interface Registered {
  readonly name: string;
  readonly Class: ErrorClass;
  readonly toData: (error: Error) => unknown;
  readonly fromData: (message: string, data: unknown) => Error;
}

/** Classes by the name that travels. Only what is registered is ever made: names from outside lead nowhere else. */
const classes = shared("errorClasses", () => new Map<string, Registered>());

/**
 * Lets errors of a class travel as themselves, between processes that both register it: a method throws one, its caller
 * catches one. The `cause` of what is caught is the `RpcError` with the call's code and outcome.
 *
 * ```ts
 * class OutOfStock extends Error { constructor(readonly left: number) { super(`only ${left} left`); } }
 * registerError(OutOfStock);
 * ```
 *
 * @throws ConfigurationError when the name belongs to another class
 */
export function registerError<E extends Error>(Class: ErrorClass<E>, options: ErrorClassOptions<E> = {}): void {
  const name = options.name ?? Class.name;
  const known = classes.get(name);
  if (known && known.Class !== Class) throw new ConfigurationError(`Another class of errors is registered as ${name}`);
  classes.set(name, {
    name,
    Class,
    toData: (options.toData ?? membersOf) as (error: Error) => unknown,
    fromData: options.fromData ?? ((message, data) => revive(Class, message, data)),
  });
}

/** What travels of an error whose class, or one that it extends, is registered; `undefined` for others. */
export function describeRegistered(error: unknown): RemoteErrorInfo | undefined {
  const registered = registeredOf(error);
  if (!registered) return undefined;
  const { cause, message } = error as Error;
  return {
    name: registered.name,
    message,
    data: registered.toData(error as Error),
    ...(cause !== undefined && { cause }),
  };
}

/** Is the class of an error, or one that it extends, registered? Then it is an answer that its service means to give. */
export function isRegistered(error: unknown): error is Error {
  return registeredOf(error) !== undefined;
}

/** Is a class registered under this name? */
export function isRegisteredName(name: string): boolean {
  return classes.has(name);
}

/** The nearest class that is registered. */
function registeredOf(error: unknown): Registered | undefined {
  if (!(error instanceof Error) || classes.size === 0) return undefined;
  for (let level: unknown = error; level !== null && level !== Error.prototype; level = Object.getPrototypeOf(level)) {
    for (const registered of classes.values()) if (level === registered.Class.prototype) return registered;
  }
  return undefined;
}

/** The error itself, for one that came of a registered class; any other as it is. */
export function reviveRegistered(error: unknown): unknown {
  if (!RpcError.isRpcError(error) || error.remote?.name === undefined) return error;
  const registered = classes.get(error.remote.name);
  if (!registered) return error;
  const revived = registered.fromData(error.remote.message, error.remote.data);
  Object.defineProperty(revived, "cause", { value: error, configurable: true, writable: true });
  return revived;
}

function membersOf(error: Error): Record<string, unknown> {
  return Object.fromEntries(Object.entries(error).filter(([name]) => !RESERVED.has(name)));
}

function revive<E extends Error>(Class: ErrorClass<E>, message: string, data: unknown): E {
  const error = new Error(message) as E;
  Object.setPrototypeOf(error, Class.prototype as object);
  for (const [name, value] of Object.entries(typeof data === "object" && data !== null ? data : {})) {
    if (RESERVED.has(name)) continue;
    Object.defineProperty(error, name, {
      value: value as unknown,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return error;
}

const RESERVED: ReadonlySet<string> = new Set(["message", "stack", "cause", "constructor", "__proto__"]);

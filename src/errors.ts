/**
 * What is known of a failed call.
 *
 * - `not-sent`: the call never left this process;
 * - `not-executed`: the service said that it did not run the method;
 * - `executed`: the method ran, and failed;
 * - `unknown`: the call was sent, then the peer was lost or the deadline passed. It may have run, or not.
 */
export type Outcome = "not-sent" | "not-executed" | "executed" | "unknown";

/**
 * The closed set of codes. Match on these, not on messages.
 *
 * The first six are PyCOM's codes 1 to 6 (docs/pycom-wire.md, section 5); the others exist on this side only and travel
 * to other Lamplighter peers as an extension.
 */
export type ErrorCode =
  /** The method failed, or the service raised an error with a number of its own. */
  | "UNKNOWN"
  /** The interface has no such method. */
  | "METHOD_NOT_FOUND"
  /** The nameserver knows no provider. */
  | "SERVICE_NOT_FOUND"
  /** The request is malformed, the interface unknown, or an argument is missing or wrong. */
  | "BAD_REQUEST"
  /** Authentication is missing or invalid, or the name belongs to somebody else. */
  | "ACCESS_DENIED"
  /** The session is unknown to the service, or has expired. */
  | "SESSION_EXPIRED"
  /** No connection could be made, or it was lost. */
  | "UNAVAILABLE"
  /** The deadline passed. */
  | "TIMEOUT"
  /** The caller's `AbortSignal` fired. */
  | "CANCELLED"
  /** A limit on calls in flight was reached, here or at the service. */
  | "OVERLOADED"
  /** The host is shutting down and takes no new calls. */
  | "DRAINING"
  /** A message is larger than the limit. */
  | "TOO_LARGE"
  /** A peer sent something that its wire does not allow. */
  | "PROTOCOL"
  /** An option, address or declaration is wrong. */
  | "CONFIGURATION"
  /** The client, host or proxy was closed. */
  | "CLOSED"
  /** A remote reference is gone and cannot be obtained again. */
  | "REFERENCE_LOST";

/** What a service told about an error that happened there. Data only: nothing of it is ever executed. */
export interface RemoteErrorInfo {
  /** Name of the error's class at the service, when the wire carries it. */
  readonly name?: string;
  /** The service's own text. */
  readonly message: string;
  /** Stack or traceback at the service, when the wire carries it and the service's policy allows it. */
  readonly stack?: string;
  /** Further data that the service attached. */
  readonly data?: unknown;
  /** The error behind this one at the service, when the wire carries it. */
  readonly cause?: unknown;
}

/** What an {@link RpcError} is made of, besides its code and message. */
export interface RpcErrorOptions {
  /** Default: `not-sent`. */
  readonly outcome?: Outcome | undefined;
  /** PyCOM's number; default: the number that belongs to the code. */
  readonly number?: number | undefined;
  /** Interface that was called. */
  readonly interface?: string | undefined;
  /** Service path or address that was called. */
  readonly service?: string | undefined;
  /** Method that was called. */
  readonly method?: string | undefined;
  /** What the service told. */
  readonly remote?: RemoteErrorInfo | undefined;
  /** The error behind this one. */
  readonly cause?: unknown;
}

const BRAND = Symbol.for("lamplighter.RpcError");

/**
 * The one error class of calls: what happened, to which call, with which outcome.
 *
 * Subclasses exist for the codes that users catch; `code` and `outcome` are what programs should look at. `instanceof
 * RpcError` holds across two copies of the package in one process.
 */
export class RpcError extends Error {
  /** What happened. */
  readonly code: ErrorCode;
  /** What is known of the call's execution. */
  readonly outcome: Outcome;
  /** The number on PyCOM's wire: 1 to 6, or a service's own, such as 100500. */
  readonly number: number;
  /** Interface that was called, when known. */
  readonly interface: string | undefined;
  /** Service path or address that was called, when known. */
  readonly service: string | undefined;
  /** Method that was called, when known. */
  readonly method: string | undefined;
  /** What the service told, for errors that happened there. */
  readonly remote: RemoteErrorInfo | undefined;

  /** Makes an error; prefer {@link rpcError}, which picks the subclass by code. */
  constructor(code: ErrorCode, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.outcome = options.outcome ?? "not-sent";
    this.number = options.number ?? NUMBERS[code] ?? 1;
    this.interface = options.interface;
    this.service = options.service;
    this.method = options.method;
    this.remote = options.remote;
  }

  /** Brand check, true for errors of another copy of this package as well. */
  static isRpcError(value: unknown): value is RpcError {
    return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
  }

  /**
   * Turns anything caught into an `RpcError`, once, at a boundary. An `RpcError` comes back as it is; anything else
   * becomes `code` (default `UNKNOWN`) with the original as `cause`.
   */
  static from(value: unknown, code: ErrorCode = "UNKNOWN", options: RpcErrorOptions = {}): RpcError {
    if (RpcError.isRpcError(value)) return value;
    const message =
      value instanceof Error ? value.message : `Something that is no Error was thrown: ${describe(value)}`;
    return rpcError(code, message, { ...options, cause: value });
  }
}
Object.defineProperty(RpcError.prototype, BRAND, { value: true });

// Errors of another copy of this package are recognised by brand, and by the name of their class.
Object.defineProperty(RpcError, Symbol.hasInstance, {
  value(this: { readonly name: string }, value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this as unknown as () => void, value)) return true;
    return RpcError.isRpcError(value) && (this === RpcError || value.name === this.name);
  },
});

/**
 * A service's method failed. Throw it in a method to answer with a number of your own:
 * `throw new RemoteError("out of stock", { number: 100500 })`. PyCOM: `RemoteError`.
 */
export class RemoteError extends RpcError {
  /**
   * Makes one; `executed`, unless the options say otherwise.
   *
   * @param options - `number` is the code on PyCOM's wire, default 1; 0 cannot be raised and becomes 1
   */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("UNKNOWN", message, { outcome: "executed", ...options, number: options.number === 0 ? 1 : options.number });
  }
}

/** The interface has no such method. PyCOM: `MethodNotFound`, code 2. */
export class MethodNotFoundError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("METHOD_NOT_FOUND", message, options);
  }
}

/** The nameserver knows no provider. PyCOM: `ServiceNotFound`, code 3. */
export class ServiceNotFoundError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("SERVICE_NOT_FOUND", message, options);
  }
}

/** Malformed request, unknown interface, wrong or missing argument. PyCOM: `BadRequest`, code 4. */
export class BadRequestError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("BAD_REQUEST", message, options);
  }
}

/** Authentication missing or invalid, or the name is taken. PyCOM: `AccessDenied`, code 5. */
export class AccessDeniedError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("ACCESS_DENIED", message, options);
  }
}

/** The session is unknown or expired; the next call opens a new one. PyCOM: `SessionExpired`, code 6. */
export class SessionExpiredError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("SESSION_EXPIRED", message, options);
  }
}

/** No connection, or it was lost. PyCOM: `ServiceNotAvailable`, which is no `RemoteError` there either. */
export class UnavailableError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("UNAVAILABLE", message, options);
  }
}

/** The deadline passed. */
export class TimeoutError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("TIMEOUT", message, options);
  }
}

/** An option, address or declaration is wrong. PyCOM: `ConfigurationError`. */
export class ConfigurationError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("CONFIGURATION", message, options);
  }
}

/** A peer sent something that its wire does not allow. The only error that bytes from outside can cause in a codec. */
export class ProtocolError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("PROTOCOL", message, options);
  }
}

/** PyCOM's number of each code that has one. */
const NUMBERS: Partial<Record<ErrorCode, number>> = {
  UNKNOWN: 1,
  METHOD_NOT_FOUND: 2,
  SERVICE_NOT_FOUND: 3,
  BAD_REQUEST: 4,
  ACCESS_DENIED: 5,
  SESSION_EXPIRED: 6,
};

type SubclassConstructor = new (message: string, options?: RpcErrorOptions) => RpcError;

const SUBCLASSES: Partial<Record<ErrorCode, SubclassConstructor>> = {
  UNKNOWN: RemoteError,
  METHOD_NOT_FOUND: MethodNotFoundError,
  SERVICE_NOT_FOUND: ServiceNotFoundError,
  BAD_REQUEST: BadRequestError,
  ACCESS_DENIED: AccessDeniedError,
  SESSION_EXPIRED: SessionExpiredError,
  UNAVAILABLE: UnavailableError,
  TIMEOUT: TimeoutError,
  CONFIGURATION: ConfigurationError,
  PROTOCOL: ProtocolError,
};

/** Makes the error of a code: its subclass where one exists. */
export function rpcError(code: ErrorCode, message: string, options: RpcErrorOptions = {}): RpcError {
  const Subclass = SUBCLASSES[code];
  return Subclass ? new Subclass(message, options) : new RpcError(code, message, options);
}

/** The same error with other particulars: for adding the call it happened to, or correcting its outcome. */
export function refineError(error: RpcError, changes: RpcErrorOptions & { readonly message?: string }): RpcError {
  const { message, ...options } = changes;
  return rpcError(error.code, message ?? error.message, {
    outcome: error.outcome,
    number: error.number,
    interface: error.interface,
    service: error.service,
    method: error.method,
    remote: error.remote,
    cause: error.cause ?? error,
    ...options,
  });
}

/** A short text for any value, for messages; never throws, never long. */
function describe(value: unknown): string {
  try {
    const text = typeof value === "string" ? JSON.stringify(value) : String(value);
    return text.length > 100 ? `${text.slice(0, 100)}…` : text;
  } catch {
    return typeof value;
  }
}

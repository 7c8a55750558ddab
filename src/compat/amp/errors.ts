import {
  BadRequestError,
  type ErrorCode,
  ProtocolError,
  RemoteError,
  RpcError,
  type RpcErrorOptions,
} from "../../errors.js";
import { MAX_VALUE_BYTES } from "../../wire/amp/index.js";

/*
 * What Twisted raises, and what it is here. Look at `code` and `outcome`; `not-sent` unless it says otherwise. A `MalformedBoxError` is why
 * a connection ended: calls that waited fail with `UNAVAILABLE`, `unknown`, and have it as their `cause`.
 *
 * | Twisted | here |
 * |---|---|
 * | `AmpError` | `RpcError` |
 * | `RemoteAmpError` | `RemoteAmpError`: `UNKNOWN`, `executed` |
 * | `UnknownRemoteError` | `RemoteAmpError` too, with the code that came |
 * | `UnhandledCommand` | `MethodNotFoundError`: `METHOD_NOT_FOUND`, `not-executed`, the command's name in `method` |
 * | a class that the command declares | that class; its `cause` is the `RemoteAmpError` |
 * | `InvalidSignature` | `BadRequestError`: `BAD_REQUEST` |
 * | `TooLong`, sent | `RpcError`: `TOO_LARGE` |
 * | `TooLong`, received | `MalformedBoxError`: `PROTOCOL`, `fault` is `key-too-long` |
 * | `NoEmptyBoxes` | `MalformedBoxError`: `PROTOCOL`, `fault` is `empty` or `no-kind` |
 * | `KeyError`, an error box without a code | `MalformedBoxError`: `PROTOCOL`, `fault` is `incomplete-error` |
 * | `BadLocalReturn` | `BadLocalReturnError`: `UNKNOWN`, `executed`; in the log only |
 * | `ValueError` and others, for arguments that cannot be read | `BadArgumentsError`: `PROTOCOL`, `not-executed`; in the log only |
 * | `ProtocolSwitched` | `ProtocolSwitchedError`: `CLOSED` |
 * | `OnlyOneTLS` | `OnlyOneTlsError`: `BAD_REQUEST` |
 * | `ConnectionDone`, `ConnectionLost` | `UnavailableError`: `UNAVAILABLE` |
 * | `MalformedAmpBox`, `IncompatibleVersions` | nothing, as nothing there raises them |
 */

/** What a {@link RemoteAmpError} is made of, besides code and description. */
export interface RemoteAmpErrorOptions extends RpcErrorOptions {
  /** For responders: close the connection once the caller is told? Default false. */
  readonly fatal?: boolean | undefined;
  /** Did it come from a peer? See {@link RemoteAmpError.received}. Default false. */
  readonly received?: boolean | undefined;
  /** What one of our own hosts has said more exactly than AMP can. Default `UNKNOWN`. */
  readonly code?: ErrorCode | undefined;
  /** For responders: is the caller told the outcome as well? See {@link RemoteAmpError.tellsOutcome}. Default false. */
  readonly tellsOutcome?: boolean | undefined;
  /** The text of the error here. Default description and code. */
  readonly message?: string | undefined;
}

/**
 * An error with a code that travels (docs/amp-wire.md, section 4).
 *
 * Callers get it where the command does not declare the code. One that a responder makes and throws is sent as it is, declared or not. Twisted:
 * `RemoteAmpError` and `UnknownRemoteError`; asyncio-amp: the same.
 */
export class RemoteAmpError extends RemoteError {
  /** What happened, for programs: octets, here as a text with one character for each. */
  readonly errorCode: string;
  /** What happened, for people, in the words of the end that answered. */
  readonly description: string;
  /** For responders: is the connection to be closed? Nothing tells a caller of it: false in what came. */
  readonly fatal: boolean;
  /**
   * Did it come from a peer? A responder that calls somebody else and lets it through fails with an error that it does not declare: what
   * that peer says is not meant for its own callers. To pass it on, throw a new one.
   */
  readonly received: boolean;
  /** For responders: does the outcome travel, to callers that use this package? Others read over it. */
  readonly tellsOutcome: boolean;

  /**
   * Makes one; `executed`, unless the options say otherwise.
   *
   * @throws BadRequestError for a code that is no octets, or more of them than fit
   */
  constructor(errorCode: string, description: string, options: RemoteAmpErrorOptions = {}) {
    const {
      fatal = false,
      received = false,
      tellsOutcome = false,
      code = "UNKNOWN",
      message = description === "" ? errorCode : `${description} (${errorCode})`,
      ...rest
    } = options;
    super(message, { remote: { name: errorCode, message: description }, ...rest });
    if (!isCode(errorCode)) {
      throw new BadRequestError(`A code has ${MAX_VALUE_BYTES} octets at most, and no characters beyond U+00FF`);
    }
    // Set by the class that it extends, and the same for all of that.
    if (code !== this.code) Object.defineProperty(this, "code", { value: code, enumerable: true });
    this.errorCode = errorCode;
    this.description = description;
    this.fatal = fatal;
    this.received = received;
    this.tellsOutcome = tellsOutcome;
  }
}

/** Can it travel as the code of an error? */
export function isCode(code: unknown): code is string {
  return typeof code === "string" && code.length <= MAX_VALUE_BYTES && !/[^\0-\xff]/.test(code);
}

/**
 * The arguments of a request could not be read, and nothing was run. For the log of the end that answers: the caller is told
 * nothing but that it failed, and the connection is closed.
 */
export class BadArgumentsError extends ProtocolError {
  /** Makes one; `not-executed`, unless the options say otherwise. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super(message, { outcome: "not-executed", ...options });
  }
}

/**
 * What a responder returned is no response of its command. For the log of the end that answers, as {@link BadArgumentsError}. Twisted:
 * `BadLocalReturn`.
 */
export class BadLocalReturnError extends RpcError {
  /** Makes one; `executed`, unless the options say otherwise. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("UNKNOWN", message, { outcome: "executed", ...options });
  }
}

/** Nothing can be called here any more, as a command has switched the connection, or is about to. Twisted: `ProtocolSwitched`. */
export class ProtocolSwitchedError extends RpcError {
  /** See {@link RpcErrorOptions}. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super("CLOSED", message, options);
  }
}

/** The connection is encrypted already, or about to be. Twisted: `OnlyOneTLS`. */
export class OnlyOneTlsError extends BadRequestError {}

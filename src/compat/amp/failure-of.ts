import type { Outcome } from "../../errors.js";
import { Code } from "../../wire/amp/format.js";
import { type AmpDialect, type FailureMessage } from "../../wire/amp/index.js";
import type { AmpErrorClass, Command } from "./command.js";
import { BadArgumentsError, BadLocalReturnError, isCode, RemoteAmpError } from "./errors.js";

/** What a caller is told of what was thrown, and what becomes of the connection. */
export interface AmpFailure extends Pick<FailureMessage, "code" | "description"> {
  /** Is the connection to be closed once the caller is told? */
  readonly isFatal: boolean;
  /** Is it what the command, or a {@link RemoteAmpError}, says? Else it is a fault, and for the log. */
  readonly isDeclared: boolean;
  /** What became of the call; absent: nothing is said of that. */
  readonly outcome?: Outcome | undefined;
}

/** What becomes of errors that nobody declared (docs/amp-wire.md, sections 4 and 5). */
interface Manner {
  /** Is the caller told their text? */
  readonly tells: boolean;
  /** Is the connection closed? */
  readonly closes: boolean;
}

const MANNERS: Readonly<Record<AmpDialect, Manner>> = {
  twisted: { tells: false, closes: true },
  "asyncio-amp": { tells: true, closes: false },
};

/**
 * What a caller is told of what a responder threw (docs/amp-wire.md, section 4): the code of its class, or of the nearest one that it
 * extends, where the command declares it; what a {@link RemoteAmpError} says; else nothing but that it failed. Never throws, whatever
 * was thrown.
 *
 * Without `_ask` nobody can be told, and the connection is to be closed in any case.
 *
 * @param command - that was asked for; `undefined` where nothing but its name is known
 * @param dialect - of the peer; default `twisted`. To `asyncio-amp` the text of what is not declared is told, and the connection stays,
 * as it is among its own peers
 */
export function failureOf(command: Command | undefined, thrown: unknown, dialect: AmpDialect = "twisted"): AmpFailure {
  try {
    return saidBy(thrown) ?? declaredBy(command, thrown) ?? hidden(thrown, dialect);
  } catch {
    // It cannot be looked at: its getters throw, or it is a Proxy that does.
    return hidden(undefined, dialect);
  }
}

/** What it says itself. */
function saidBy(thrown: unknown): AmpFailure | undefined {
  if (!(thrown instanceof RemoteAmpError)) return undefined;
  const { errorCode, description, fatal, received, tellsOutcome, outcome } = thrown;
  if (received || !isCode(errorCode)) return undefined;
  return {
    code: errorCode === "" ? Code.unknown : errorCode,
    description: textOf(description),
    isFatal: fatal,
    isDeclared: true,
    ...(tellsOutcome && { outcome }),
  };
}

function declaredBy(command: Command | undefined, thrown: unknown): AmpFailure | undefined {
  // Faults around the responder are not its own errors, even where a command declares all of them: `{ ANY: Error }`.
  if (!command || !(thrown instanceof Error) || isFault(thrown)) return undefined;
  const code = nearest([...command.errors, ...command.fatalErrors], thrown);
  if (code === undefined) return undefined;
  return { code, description: messageOf(thrown), isFatal: command.fatalErrors.has(code), isDeclared: true };
}

function isFault(thrown: Error): boolean {
  return thrown instanceof BadArgumentsError || thrown instanceof BadLocalReturnError;
}

/** The code of the nearest class; those of another copy of this package are told by `instanceof` alone. */
function nearest(declared: readonly (readonly [string, AmpErrorClass])[], thrown: Error): string | undefined {
  if (declared.length === 0) return undefined;
  for (let level: unknown = thrown; level !== null; level = Object.getPrototypeOf(level)) {
    for (const [code, Class] of declared) if (level === Class.prototype) return code;
  }
  return declared.find(([, Class]) => thrown instanceof Class)?.[0];
}

function hidden(thrown: unknown, dialect: AmpDialect): AmpFailure {
  const { tells, closes } = MANNERS[dialect];
  const text = tells ? messageOf(thrown) : "";
  return { code: Code.unknown, description: text === "" ? HIDDEN : text, isFatal: closes, isDeclared: false };
}

/** The description of errors that are not told. */
export const HIDDEN = "Unknown Error";

function messageOf(thrown: unknown): string {
  try {
    return textOf(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "";
  }
}

/** Programs put all kinds of things in the place of a text. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

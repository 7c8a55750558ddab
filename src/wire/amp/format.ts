import type { WireLimits } from "../wire.js";

/** Most octets of a key. */
export const MAX_KEY_BYTES = 255;

/** Most octets of a value, and of an element of a list. */
export const MAX_VALUE_BYTES = 0xffff;

/** Keys that mean something themselves (docs/amp-wire.md, section 2). */
export const Key = {
  /** In a request: its tag. */
  ask: "_ask",
  /** In a request: the name of the command. */
  command: "_command",
  /** In an answer: the tag of the request. */
  answer: "_answer",
  /** In an error: the tag of the request. */
  error: "_error",
  /** In an error: what happened, for programs. */
  errorCode: "_error_code",
  /** In an error: what happened, for people. */
  errorDescription: "_error_description",
} as const;

/** All of {@link Key}. */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(Object.values(Key));

/**
 * In an error that one of this package's hosts answers: what became of the call. Peers that do not know it read over it, as over every
 * key that they do not know.
 */
export const OUTCOME_KEY = "_outcome";

/** Codes of errors that no command declares (docs/amp-wire.md, section 4). */
export const Code = {
  /** There is no such command; nothing was run. */
  unhandled: "UNHANDLED",
  /** Something that the command does not declare. */
  unknown: "UNKNOWN",
} as const;

/**
 * Whom the boxes are for (docs/amp-wire.md, section 5): `asyncio-amp` for peers of that library, which break at some of what
 * `twisted`, and everybody else, takes.
 */
export type AmpDialect = "twisted" | "asyncio-amp";

/** How large boxes may be that come. */
export interface BoxLimits extends WireLimits {
  /** Most pairs of a box, a key that comes twice counted twice. Default 10,000. */
  readonly maxPairs: number;
}

/** {@link BoxLimits} where nothing else is said. */
export const DEFAULT_BOX_LIMITS: BoxLimits = { maxMessageBytes: 64 * 1024 * 1024, maxPairs: 10_000 };

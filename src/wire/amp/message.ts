import { BadRequestError, type Outcome } from "../../errors.js";
import { toldOutcome } from "../told.js";
import { type Box, encodeBox } from "./box.js";
import { type AmpDialect, Key, MAX_VALUE_BYTES, OUTCOME_KEY, RESERVED_KEYS } from "./format.js";
import { MalformedBoxError } from "./malformed-box.js";
import { octetsOfText, textOfOctets } from "./octets.js";

/** A request: run a command (docs/amp-wire.md, section 2). */
export interface AskMessage {
  /** What it is. */
  readonly kind: "ask";
  /**
   * The tag, which the answer repeats; `undefined` when no answer is wanted. Any octets, here as a text with one character for each
   * (U+0000 to U+00FF).
   */
  readonly tag: string | undefined;
  /** The name of the command; octets as those of the tag. */
  readonly command: string;
  /** The arguments. */
  readonly values: Box;
}

/** The answer to a request (docs/amp-wire.md, section 2). */
export interface ReplyMessage {
  /** What it is. */
  readonly kind: "answer";
  /** The tag of the request; see {@link AskMessage.tag}. */
  readonly tag: string;
  /** The values of the response. */
  readonly values: Box;
}

/** The answer to a request that failed (docs/amp-wire.md, section 4). */
export interface FailureMessage {
  /** What it is. */
  readonly kind: "error";
  /** The tag of the request; see {@link AskMessage.tag}. */
  readonly tag: string;
  /** What happened, for programs; octets as those of the tag. */
  readonly code: string;
  /** What happened, for people; any text. */
  readonly description: string;
  /**
   * What became of the call, where the end that answers is one of this package's hosts; the code is one of `RpcError` then, or the
   * name of a class of errors. Absent: it does not say.
   */
  readonly outcome?: Outcome | undefined;
}

/** What a box means. */
export type AmpMessage = AskMessage | ReplyMessage | FailureMessage;

/**
 * An error without a code or a description. The connection is to be closed, and the request that it names fails with this, as all others
 * that wait.
 */
export class IncompleteErrorBox extends MalformedBoxError {
  /** The tag of the request; see {@link AskMessage.tag}. */
  readonly tag: string;

  /** Makes one. */
  constructor(tag: string) {
    super("incomplete-error", "An error has no code, or no description");
    this.tag = tag;
  }
}

/**
 * The tag of a request by its number, from 1, on its connection: in lower-case hexadecimal, as Twisted counts
 * (docs/amp-wire.md, section 2).
 */
export function tagOf(number: number): string {
  return number.toString(16);
}

/** The number of a tag; `undefined` for one that {@link tagOf} does not make. */
export function numberOf(tag: string): number | undefined {
  const number = Number.parseInt(tag, 16);
  return number > 0 && tagOf(number) === tag ? number : undefined;
}

/**
 * The octets of a message (docs/amp-wire.md, section 2).
 *
 * The description of an error is cut where it does not fit, so that an error whose code fits can always be told.
 *
 * @param dialect - of the peer; default `twisted`
 * @throws BadRequestError, `not-sent`, for a tag, command or code that is not octets, and for values under one of the
 * six keys that mean something themselves; and as {@link encodeBox}
 * @throws RpcError, code `TOO_LARGE`, `not-sent`, as {@link encodeBox}
 */
export function encodeMessage(message: AmpMessage, dialect: AmpDialect = "twisted"): Buffer {
  return encodeBox(boxOf(message, dialect), dialect);
}

/**
 * The box of a message.
 *
 * @param dialect - of the peer; default `twisted`
 * @throws as {@link encodeMessage}, but for lengths, which are seen when the box is written
 */
export function boxOf(message: AmpMessage, dialect: AmpDialect = "twisted"): Box {
  switch (message.kind) {
    case "ask": {
      const { tag, command, values } = message;
      const box = new Map<string, Uint8Array>();
      if (tag !== undefined) box.set(Key.ask, octetsOf("tag", tag));
      return join(box.set(Key.command, octetsOf("name of the command", command)), values);
    }
    case "answer":
      return join(new Map([[Key.answer, octetsOf("tag", message.tag)]]), message.values);
    default: {
      const { tag, code, description, outcome } = message;
      return new Map<string, Uint8Array>([
        ...(outcome === undefined ? [] : ([[OUTCOME_KEY, Buffer.from(outcome)]] as const)),
        [Key.error, octetsOf("tag", tag)],
        [Key.errorCode, octetsOf("code", code)],
        [Key.errorDescription, shortened(description === "" && dialect === "asyncio-amp" ? code : description)],
      ]);
    }
  }
}

/**
 * What a box means (docs/amp-wire.md, section 2). One that could be several things is an answer before an error before a request; in the
 * dialect `asyncio-amp` a request first.
 *
 * @param dialect - of the peer; default `twisted`
 * @throws MalformedBoxError for a box that is nothing of it; {@link IncompleteErrorBox} for an error without a code or a description
 */
export function decodeMessage(box: Box, dialect: AmpDialect = "twisted"): AmpMessage {
  const command = box.get(Key.command);
  if (command && dialect === "asyncio-amp") return decodeAsk(box, command);
  const answered = box.get(Key.answer);
  if (answered) return { kind: "answer", tag: textOfOctets(answered), values: valuesOf(box) };
  const failed = box.get(Key.error);
  if (failed) return decodeFailure(box, textOfOctets(failed));
  if (command) return decodeAsk(box, command);
  if (box.size === 0) throw new MalformedBoxError("empty", "A box is empty");
  throw new MalformedBoxError("no-kind", "A box is no request, no answer and no error");
}

function decodeAsk(box: Box, command: Uint8Array): AskMessage {
  const tag = box.get(Key.ask);
  return {
    kind: "ask",
    tag: tag && textOfOctets(tag),
    command: textOfOctets(command),
    values: valuesOf(box),
  };
}

function decodeFailure(box: Box, tag: string): FailureMessage {
  const code = box.get(Key.errorCode);
  const description = box.get(Key.errorDescription);
  if (!code || !description) throw new IncompleteErrorBox(tag);
  const told = box.get(OUTCOME_KEY);
  const outcome = told && toldOutcome(textOfOctets(told));
  // What is not UTF-8 is replaced: the text is for people.
  const text = Buffer.from(description).toString("utf8");
  return { kind: "error", tag, code: textOfOctets(code), description: text, ...(outcome && { outcome }) };
}

/** Those of AMP's own come first, as they do in the box where no name begins with a capital letter. */
function join(own: Map<string, Uint8Array>, values: Box): Box {
  for (const [key, value] of values) {
    if (isReserved(key)) throw new BadRequestError(`No value can be named ${key}, which is a key of AMP's own`);
    own.set(key, value);
  }
  return own;
}

/** What is none of the keys that mean something themselves. */
function valuesOf(box: Box): Box {
  const values = new Map<string, Uint8Array>();
  for (const [key, value] of box) if (!isReserved(key)) values.set(key, value);
  return values;
}

function isReserved(key: string): boolean {
  return key.startsWith("_") && RESERVED_KEYS.has(key);
}

function octetsOf(what: string, text: string): Buffer {
  const octets = octetsOfText(text);
  if (!octets) throw new BadRequestError(`The ${what} has characters beyond U+00FF, which are no octets`);
  return octets;
}

/** As much of a text as fits, in UTF-8, and no half of a character. */
function shortened(text: string): Buffer {
  const octets = Buffer.from(text);
  if (octets.length <= MAX_VALUE_BYTES) return octets;
  let end = MAX_VALUE_BYTES;
  while (((octets[end] ?? 0) & 0xc0) === 0x80) end--;
  return octets.subarray(0, end);
}

import { RemoteError, rpcError } from "../../errors.js";
import { isPlainObject } from "../../peer/arguments.js";
import type { MethodContract } from "../../peer/contract.js";
import { AmpDateTime, AmpDecimal, type Box, encodeFields, requireFields, unicode } from "../../wire/amp/index.js";
import type { ResultMessage } from "../../wire/message.js";
import { findUncarryable } from "../../wire/pycom/carry.js";
import { boxBytes } from "./box-size.js";
import type { Command } from "./command.js";
import type { ResponderContext } from "./locator.js";
import { guessedType } from "./untyped.js";

/** What an answer is for. */
export interface AnswerPlace {
  /** Says which types the values of the answer have; `undefined`: they are guessed. */
  readonly command: Command | undefined;
  /** What the method says of itself. */
  readonly contract: MethodContract | undefined;
  /** Largest answer, in octets. */
  readonly maxMessageBytes: number;
  /** The request. */
  readonly context: Pick<ResponderContext, "peer" | "dialect">;
}

/**
 * What a method has returned, as the values of an answer: members of an object by their names, anything else as `result`, or as the only
 * value that the command has. Nothing, or `null`, is an answer without values.
 *
 * Without a command, texts, numbers, booleans and octets are written as what they are, other objects and lists as JSON.
 *
 * @throws RpcError for what has no place in an answer, and code `TOO_LARGE` for what is too long
 */
export function answerBox(answer: ResultMessage, place: AnswerPlace): Box {
  const { command, maxMessageBytes, context } = place;
  const { peer, dialect } = context;
  const values = withAttachment(membersOf(answer.result, command), answer.attachment, place);
  const how = { root: "result", extras: "ignore", dialect, context: peer } as const;
  const box = command ? encodeFields(command.response, values as never, how) : encodeFields(...guessed(values), how);
  const bytes = boxBytes(box);
  if (bytes <= maxMessageBytes) return box;
  throw rpcError("TOO_LARGE", `The answer has ${bytes} octets, the limit is ${maxMessageBytes}`, {
    outcome: "executed",
  });
}

type Values = Readonly<Record<string, unknown>>;

function membersOf(result: unknown, command: Command | undefined): Values {
  if (result === null || result === undefined) return {};
  if (isPlainObject(result)) return result;
  const [only = "result", ...others] = Object.keys(command?.response ?? {});
  return { [others.length === 0 ? only : "result"]: result };
}

function withAttachment(values: Values, attachment: Uint8Array | undefined, { contract }: AnswerPlace): Values {
  if (attachment === undefined) return values;
  const outgoing = contract?.outgoing ?? undefined;
  if (outgoing !== undefined) return { ...values, [outgoing]: attachment };
  throw new RemoteError("The answer has an attachment that the method does not declare, and AMP has no place for it");
}

function guessed(values: Values): [fields: Record<string, ReturnType<typeof guessedType>>, values: never] {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  const written = given.map(([name, value]) => [name, isPlain(value) ? value : jsonOf(name, value)] as const);
  const fields = Object.fromEntries(
    written.map(([name, value], index) => [name, value === given[index]?.[1] ? guessedType(value) : unicode()]),
  );
  requireFields(fields);
  return [fields, Object.fromEntries(written) as never];
}

/** Has AMP a type for it? */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object") return true;
  return value instanceof Uint8Array || value instanceof Date || AmpDecimal.is(value) || AmpDateTime.is(value);
}

function jsonOf(name: string, value: unknown): string {
  const found = findUncarryable(value, name);
  if (!found) return JSON.stringify(value);
  throw new RemoteError(`${found.path} is ${found.what}, which neither AMP nor JSON can carry`);
}

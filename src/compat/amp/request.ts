import { BadRequestError, ConfigurationError, RpcError, type RpcErrorOptions, refineError } from "../../errors.js";
import type { GivenArguments } from "../../peer/plain-call.js";
import { type AmpDialect, type Box, decodeFields, encodeFields } from "../../wire/amp/index.js";
import type { Command } from "./command.js";
import { untypedBox, untypedValues } from "./untyped.js";

/** What is called where, and how. */
export interface RequestPlace {
  /** For errors. */
  readonly where: RpcErrorOptions;
  /** Of the peer. */
  readonly dialect: AmpDialect;
  /** The connection, for types that ask for it. */
  readonly context: unknown;
}

/**
 * The arguments of a call as they travel. Those in order are for what the command declares, in its order.
 *
 * @param command - `undefined` where nobody has defined it: then there are arguments by name only, whose types are guessed
 * @throws BadRequestError, `not-sent`, for what is missing, wrong, superfluous or not declared, with its path
 * @throws RpcError, code `TOO_LARGE`, `not-sent`, for what is too long
 * @throws ConfigurationError for a command that switches the connection
 */
export function requestBox(command: Command | undefined, given: GivenArguments, place: RequestPlace): Box {
  const { where, dialect, context } = place;
  if (command?.switches) {
    throw new ConfigurationError(
      `${command.name} switches the connection, which others use as well: connect with connectAmp(), and call switchProtocol()`,
      where,
    );
  }
  const values = argumentsByName(command, given, where);
  try {
    if (command) return encodeFields(command.arguments, values as never, { dialect, context });
    return untypedBox(values, dialect);
  } catch (error) {
    throw refineError(RpcError.from(error, "BAD_REQUEST"), where);
  }
}

/**
 * What a call gives, of what came.
 *
 * @throws ProtocolError, `executed`, for what cannot be read
 */
export function responseValues(command: Command | undefined, box: Box, place: RequestPlace): unknown {
  if (!command) return untypedValues(box);
  try {
    const values: unknown = decodeFields(command.response, box, { root: "result", context: place.context });
    return values;
  } catch (error) {
    throw refineError(RpcError.from(error, "PROTOCOL"), { ...place.where, outcome: "executed" });
  }
}

/**
 * The arguments of a call by name; those in order are for what the command declares, in its order.
 *
 * @throws BadRequestError, `not-sent`, for more in order than there are, for what is given twice, and where nobody has defined the command
 */
export function argumentsByName(
  command: Command | undefined,
  { positional, named }: GivenArguments,
  where: RpcErrorOptions,
): Readonly<Record<string, unknown>> {
  if (positional.length === 0) return named;
  const method = where.method ?? "";
  if (!command) {
    throw new BadRequestError(
      `${method} takes its arguments by name, as one object, for nobody has defined the command here: ${method}({ … })`,
      where,
    );
  }
  const names = Object.keys(command.arguments);
  if (positional.length > names.length) {
    throw new BadRequestError(
      `${method} takes ${names.length} arguments (${names.join(", ")}), got ${positional.length}: args[${names.length}] is too many`,
      where,
    );
  }
  const twice = names.slice(0, positional.length).find((name) => Object.hasOwn(named, name));
  if (twice !== undefined) throw new BadRequestError(`args.${twice} of ${method} is given twice`, where);
  const inOrder = Object.fromEntries(positional.map((value, index) => [names[index] ?? "", value]));
  return { ...named, ...inOrder };
}

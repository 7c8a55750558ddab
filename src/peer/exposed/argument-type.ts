import { ConfigurationError } from "../../errors.js";
import { didYouMean } from "../../util/did-you-mean.js";
import { ARGUMENT_TYPES, type ArgumentType } from "../contract.js";

/**
 * A declared type, which plain JavaScript may have misspelt: then nothing would be checked, without a word.
 *
 * @param where - what declares it, as the beginning of a sentence
 * @throws ConfigurationError when there is no such type
 */
export function requireArgumentType(type: unknown, where: string): ArgumentType {
  if (ARGUMENT_TYPES.includes(type as ArgumentType)) return type as ArgumentType;
  const isText = typeof type === "string";
  throw new ConfigurationError(
    `${where} is declared with ${isText ? `the type ${JSON.stringify(type)}` : `a ${typeof type} for a type`}, which is none` +
      `${isText ? didYouMean(type, ARGUMENT_TYPES) : ""} (types are ${ARGUMENT_TYPES.join(", ")}, or a Standard Schema)`,
  );
}
